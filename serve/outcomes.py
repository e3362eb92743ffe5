"""Several outcomes made into one: which pictures there are, and which of the errors is told and decides."""

from __future__ import annotations

from collections.abc import Sequence

from serve.call_rules import CallRules, is_spent
from serve.errors import (
    CircuitOpenError,
    DeadlineError,
    OverloadedError,
    ProviderError,
    ServiceError,
    ShuttingDownError,
    StoreError,
)
from serve.trying import Outcome


def telling(first: ServiceError | None, second: ServiceError) -> ServiceError:
    """Of two failures the one to report: what a vendor said goes before why nobody was asked, the later one before."""
    return first if first is not None and _weight(first) > _weight(second) else second


def is_shed(outcome: Outcome) -> bool:
    """Whether nobody was asked, for a reason that may be over in a moment."""
    return not outcome.attempts and isinstance(outcome.error, CircuitOpenError | OverloadedError)


def together(outcomes: Sequence[Outcome], asked: int, rules: CallRules) -> Outcome:
    """The calls of one candidate as one outcome: with pictures, if any call came to some."""
    if len(outcomes) == 1 and len(outcomes[0].pictures) == asked:
        return outcomes[0]
    attempts = tuple(attempt for outcome in outcomes for attempt in outcome.attempts)
    pictures = tuple(picture for outcome in outcomes for picture in outcome.pictures)
    late_ends = tuple(end for outcome in outcomes for end in outcome.late_ends)
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    if not pictures and errors:
        # Whoever is asked next would draw every picture anew: one error that forbids it decides for all.
        worst = min(errors, key=lambda error: (rules.may_go_on(error), not is_spent(error)))
        return Outcome(attempts, error=worst, late_ends=late_ends)
    warnings = dict.fromkeys(warning for outcome in outcomes for warning in outcome.warnings)
    if len(pictures) != asked:
        warnings[f"{asked} pictures were asked for, {len(pictures)} came"] = None
    warnings |= dict.fromkeys(f"a call for the others failed: {error}" for error in errors)
    return Outcome(attempts, pictures, tuple(warnings), late_ends=late_ends)


def _weight(error: ServiceError) -> int:
    match error:
        case DeadlineError() | StoreError() | ShuttingDownError():
            return 3
        case ProviderError():
            return 2
        case OverloadedError():
            return 1
    return 0
