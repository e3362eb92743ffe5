"""What a route is chosen by, besides the prompt: the state of the models, and what the caller insists on. As data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from serve.catalog import Catalog
from serve.errors import InvalidRequestError
from serve.image_request import ImageRequest

CRITERIA = ("quality", "speed", "cost")


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of providers and rows at this moment.

    Attributes:
        keyed: providers with a key. In the sandbox every provider is here and in `overridden`.
        overridden: providers whose host is not the vendor's own.
        gone: rows that answered "gone"; this process calls them no more.
        open: rows whose circuit breaker is open.
        p50_ms: the rolling median latency in milliseconds, of rows of which enough was measured.
    """

    keyed: frozenset[str]
    overridden: frozenset[str]
    gone: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset()
    p50_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the caller wants of the models, beside the picture itself. None asks for nothing.

    Attributes:
        optimize: weights of "quality", "speed" and "cost", each 0 or more; None keeps the route's order.
        max_cost: US dollars, for the whole request.
        deadline_ms: milliseconds, for the whole request.
        allow: only these, by logical name, row or provider.
        deny: none of these, by logical name, row or provider.
    """

    optimize: Mapping[str, float] | None = None
    max_cost: float | None = None
    deadline_ms: int | None = None
    allow: frozenset[str] | None = None
    deny: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Constraints:
    """What the caller insists on. `abstain_below` goes before `routes.toml`'s override and the bundle's threshold."""

    request: ImageRequest
    model: str | None = None
    intent: str | None = None
    abstain_below: float | None = None
    wishes: Wishes = Wishes()


def check_wishes(wishes: Wishes, catalog: Catalog) -> None:
    """See that the wishes mean something: a misspelt one must not become a paid picture that ignores it.

    Raises:
        InvalidRequestError: a weight, a limit or a name that makes no sense; `param` is the field.
    """
    for name, weight in (wishes.optimize or {}).items():
        if name not in CRITERIA:
            raise InvalidRequestError(f"no {name!r} to optimize: weigh {', '.join(CRITERIA)}", param="optimize")
        if not _is_amount(weight):
            raise InvalidRequestError(f"the weight of {name} is a number of 0 or more", param="optimize")
    if wishes.max_cost is not None and not _is_amount(wishes.max_cost):
        raise InvalidRequestError("max_cost is in US dollars, 0 or more", param="max_cost")
    if wishes.deadline_ms is not None and wishes.deadline_ms < 1:
        raise InvalidRequestError("deadline_ms is in milliseconds, 1 or more", param="deadline_ms")
    _check_names(wishes.allow or (), "allow", catalog)
    _check_names(wishes.deny, "deny", catalog)


def _is_amount(value: float) -> bool:
    return math.isfinite(value) and value >= 0


def _check_names(names: frozenset[str] | tuple[()], param: str, catalog: Catalog) -> None:
    if not names:
        return
    known = [*catalog.models, *catalog.providers]
    if unknown := sorted(set(names) - set(known)):
        message = f"no model or provider {unknown[0]!r} here: name some of {', '.join(known)}"
        raise InvalidRequestError(message, param=param)
