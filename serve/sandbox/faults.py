"""What goes wrong, when: rules read from a TOML file or built in a test, and the dice that apply them to each call.

A call suffers every rule that matches it: waits add up, and of drips, statuses and effects the first in the plan wins.
`faults.example.toml` beside this file shows every key.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from serve.sandbox.desk import Provider

Effect = Literal["content_block", "empty_200", "gone", "cut_before", "cut_after", "cut_body"]
AtLeastOne = Annotated[int, Field(ge=1)]
NotNegative = Annotated[int, Field(ge=0)]


class FaultFileError(Exception):
    """A fault file cannot be used; the message names the file, the key and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class FaultRule:
    """One rule: which calls it matches, and what happens to them.

    Matching: `provider` and `model` (the vendor's id), any if left out; of the calls that match, the `first` so many,
    only the `nth`, or `one_in` so many by the sandbox's seed, and all of them where none of the three is given. Only
    calls that the vendor would have answered are counted, not those it refuses.

    What happens: `latency_ms` of waiting after the drawing; the answer dripping at `slow_body` bytes a second; a
    `status` in the vendor's envelope, with `retry_after` seconds and an error `code` other than its usual one; or an
    `effect`:

    - `content_block`, `empty_200`: the vendor's own block, or its success without a picture;
    - `gone`: what the vendor answers for an id that it has retired;
    - `cut_before`: the connection goes before the body is read, so that `model`, which is in there, cannot be matched;
    - `cut_after`: it goes after the body is read, and the vendor has drawn and bills;
    - `cut_body`: it goes halfway through the answer; drawn and billed as well.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    provider: Provider | None = None
    model: str | None = None
    first: AtLeastOne | None = None
    nth: AtLeastOne | None = None
    one_in: AtLeastOne | None = None
    latency_ms: NotNegative = 0
    slow_body: AtLeastOne | None = None
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    retry_after: NotNegative | None = None
    code: str | None = None
    effect: Effect | None = None

    def __post_init__(self) -> None:
        if sum(part is not None for part in (self.first, self.nth, self.one_in)) > 1:
            raise ValueError("first, nth and one_in exclude each other")
        if self.status is not None and self.effect is not None:
            raise ValueError("status and effect exclude each other")
        if self.status is None and (self.retry_after is not None or self.code is not None):
            raise ValueError("retry_after and code go with a status")
        if self.effect == "cut_before" and self.model is not None:
            raise ValueError("model cannot go with cut_before: the model is in the body, which is not read")
        if not self.latency_ms and self.slow_body is None and self.status is None and self.effect is None:
            raise ValueError("nothing happens: give latency_ms, slow_body, status or effect")


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """The rules, in the order in which they are applied. The empty plan is a vendor on a good day."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    rules: tuple[FaultRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """What one call suffers; the empty fault is none."""

    latency_s: float = 0.0
    slow_body: int | None = None
    status: int | None = None
    retry_after: int | None = None
    code: str | None = None
    effect: Effect | None = None

    @property
    def name(self) -> str | None:
        """What the ledger calls it: the effect, "status", "slow_body", "latency", or None."""
        named = {"status": self.status, "slow_body": self.slow_body, "latency": self.latency_s or None}
        return self.effect or next((name for name, value in named.items() if value is not None), None)


class FaultDice:
    """Applies a plan to calls as they come; counts, for every rule, the calls that it matched."""

    def __init__(self, plan: FaultPlan, seed: int) -> None:
        self._plan = plan
        self._seed = seed
        self._met = [0] * len(plan.rules)

    def before_body(self, provider: Provider) -> Fault | None:
        """The fault that strikes before the body is read, or None."""
        rules = self._struck(lambda rule: rule.effect == "cut_before" and rule.provider in (None, provider))
        return _merged(rules) if rules else None

    def after_body(self, provider: Provider, model: str) -> Fault:
        """The fault that strikes a call that the vendor would have answered."""
        return _merged(self._struck(lambda rule: rule.effect != "cut_before" and _matches(rule, provider, model)))

    def _struck(self, matches: Callable[[FaultRule], bool]) -> list[FaultRule]:
        return [rule for at, rule in enumerate(self._plan.rules) if matches(rule) and self._strikes(at, rule)]

    def _strikes(self, at: int, rule: FaultRule) -> bool:
        self._met[at] += 1
        met = self._met[at]
        if rule.one_in is not None:
            # Drawn per call and rule, so that no other rule's calls shift it.
            return random.Random(f"{self._seed}/{at}/{met}").randrange(rule.one_in) == 0  # noqa: S311
        if rule.nth is not None:
            return met == rule.nth
        return rule.first is None or met <= rule.first


def load_faults(path: Path, models: Mapping[str, Provider]) -> FaultPlan:
    """The plan in a TOML file of `[[rules]]`; `models` are the served ids, with whose they are.

    Raises:
        FaultFileError: the file is missing, is not TOML, or has a wrong key or value; names it.
    """
    try:
        plan = TypeAdapter(FaultPlan).validate_python(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise FaultFileError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FaultFileError(f"{path}: not TOML: {error}") from error
    except ValidationError as error:
        raise FaultFileError(f"{path}: {_first_problem(error)}") from error
    for at, rule in enumerate(plan.rules):
        owner = None if rule.model is None else models.get(rule.model)
        if rule.model is not None and (owner is None or rule.provider not in (None, owner)):
            raise FaultFileError(
                f"{path}: rules[{at}].model: {rule.model!r} is not served by {rule.provider or 'anyone'}"
            )
    return plan


def _matches(rule: FaultRule, provider: Provider, model: str) -> bool:
    return rule.provider in (None, provider) and rule.model in (None, model)


def _merged(rules: list[FaultRule]) -> Fault:
    ending = next((rule for rule in rules if rule.status is not None or rule.effect is not None), None)
    return Fault(
        latency_s=sum(rule.latency_ms for rule in rules) / 1000,
        slow_body=next((rule.slow_body for rule in rules if rule.slow_body is not None), None),
        status=ending.status if ending else None,
        retry_after=ending.retry_after if ending else None,
        code=ending.code if ending else None,
        effect=ending.effect if ending else None,
    )


def _first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    return f"{where}: {first['msg']}"
