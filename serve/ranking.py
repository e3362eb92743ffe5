"""The order in which taken candidates are tried: the route's own, unless a target or the caller's weights change it.

A weighted rank sum. For each criterion a candidate's rank is the number of candidates that are strictly better: earlier
on the route (quality), with a shorter measured median (speed), cheaper for this very request (cost). The weights,
scaled so that the largest is 1, multiply the ranks; the smallest sum goes first, and the route's order settles a tie.
Ranks have no unit, so nobody has to say how many cents a second is worth. A candidate that was not measured counts as
the median of those that were: speed neither helps nor harms it.

The route's target goes before the weights: a candidate whose measured median is above it ranks behind all others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median

from serve.candidates import Candidate
from serve.constraints import CRITERIA

# A sum of weights such as 0.1 + 0.2 must not break its tie with 0.3.
_DIGITS = 9


def rank(
    candidates: Sequence[Candidate], optimize: Mapping[str, float] | None, target_ms: int | None
) -> tuple[Candidate, ...]:
    """The candidates with the taken ones in the order to try them, each with what was counted.

    Those thrown out keep their places. `optimize` maps criteria to weights of 0 or more; `target_ms`: milliseconds.
    """
    taken = [candidate for candidate in candidates if candidate.taken]
    late = [is_late(candidate, target_ms) for candidate in taken]
    weights = _scaled(optimize or {})
    sums = _rank_sums(taken, weights)
    order = sorted(range(len(taken)), key=lambda place: (late[place], sums[place], place))
    notes = {place: _note(number, len(taken), weights) for number, place in enumerate(order, 1)}
    ranked = iter(
        replace(
            taken[place],
            reason=taken[place].reason + notes[place] + (_late_note(taken[place], target_ms) if late[place] else ""),
        )
        for place in order
    )
    return tuple(next(ranked) if candidate.taken else candidate for candidate in candidates)


def is_late(candidate: Candidate, target_ms: int | None) -> bool:
    """Whether the candidate was measured, and its median is above the target."""
    return target_ms is not None and candidate.p50_ms is not None and candidate.p50_ms > target_ms


def _scaled(optimize: Mapping[str, float]) -> dict[str, float]:
    """The weights that count, the largest of them 1, in one order whatever the caller's was."""
    largest = max(optimize.values(), default=0)
    return {name: optimize[name] / largest for name in CRITERIA if optimize.get(name)}


def _rank_sums(taken: Sequence[Candidate], weights: Mapping[str, float]) -> list[float]:
    values = _values(taken)
    ranks = {name: [sum(other < own for other in values[name]) for own in values[name]] for name in weights}
    return [
        round(sum(weight * ranks[name][place] for name, weight in weights.items()), _DIGITS)
        for place in range(len(taken))
    ]


def _values(taken: Sequence[Candidate]) -> dict[str, list[float]]:
    """What each criterion compares, smaller is better."""
    measured = [candidate.p50_ms for candidate in taken if candidate.p50_ms is not None]
    usual = median(measured) if measured else 0.0
    return {
        "quality": [float(place) for place in range(len(taken))],
        "speed": [usual if candidate.p50_ms is None else candidate.p50_ms for candidate in taken],
        "cost": [candidate.cost_usd or 0.0 for candidate in taken],
    }


def _note(number: int, of: int, weights: Mapping[str, float]) -> str:
    return f"; number {number} of {of} by {' and '.join(weights)}" if weights else ""


def _late_note(candidate: Candidate, target_ms: int | None) -> str:
    return f"; behind those within {target_ms} ms: it usually takes {candidate.p50_ms:.0f} ms"
