"""What a run does with one prompt, by what earlier runs have written about it. A pure function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from serve.batches.items import Item
from serve.batches.manifest import Line
from serve.errors import ServiceError
from serve.studio import KEY_SECONDS

# A key is looked up a moment after it was found to be good.
_KEY_MARGIN_S = 60.0

Verdict = Literal["done", "held"]
"""Why a prompt is not sent: it has its pictures, or it may have been billed without any."""


@dataclass(frozen=True, slots=True)
class BatchRules:
    """How to draw.

    Attributes:
        concurrency: prompts being drawn at once.
        wishes: `optimize` and `deadline_ms` for every request.
        rebill: draw again, and maybe pay twice, what may have been billed without a picture.
        force: overwrite files that are there already.
    """

    concurrency: int = 4
    wishes: Mapping[str, Any] = field(default_factory=dict)
    rebill: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """An item with the line that it is sent under.

    `resumed`: it was sent before and nobody knows what came of it, so the same request goes out under the same key.
    `reserved` is what is held for it, in US dollars. One that is `unpriced`, though there is a ceiling, is not sent.
    """

    item: Item
    line: Line
    resumed: bool = False
    reserved: float = 0.0
    unpriced: ServiceError | None = None


def plan_item(item: Item, last: Line | None, rules: BatchRules, now: float, key: str, sandbox: bool) -> Sheet | Verdict:
    """The sheet for `item`, or why there is none.

    Args:
        item: what the input asks for.
        last: what the manifest says of it.
        rules: what the caller wants.
        now: seconds since 1970.
        key: a new idempotency key, for a request that repeats none.
        sandbox: whether the sandbox will draw it.
    """
    match last:
        case Line(outcome="done"):
            return "done"
        case Line(outcome="started") if now - last.since < KEY_SECONDS - _KEY_MARGIN_S:
            return Sheet(item, last.model_copy(update={"index": item.index}), resumed=True)
        case Line(outcome="started") | Line(billed="yes" | "unknown") if not rules.rebill:
            return "held"
    spent = 0.0 if last is None else last.counted_usd
    return Sheet(item, Line.started(item, key, now, spent, sandbox, rules.wishes))
