"""What the vendors' ledger says of each request, held against what its caller was told. Pure counting.

A call is lost (cut off: nobody here can know whether it was billed), a knowable fault (429, 500, a success without a
picture), or drawn. Of a request's calls only the last one may be anything but a knowable fault. The ledger knows no
prompt of a call that was cut before its body was read; of those only the number is known.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from serve.sandbox.ledger import Call
from tests.serve.storm.callers import Told

Kind = Literal["drawn", "fault", "lost"]
End = Literal["answered", "unknown", "blocked", "given up"]
_NUMBER = re.compile(r"storm (\d{6})")
_CUTS = ("cut_before", "cut_after", "cut_body")


@dataclass(frozen=True, slots=True)
class Account:
    """A storm in figures.

    Attributes:
        calls: what the vendors' ledger has; `attempts` is what the gateway's own books have.
        faults: calls that met a knowable fault.
        ends: requests by what their callers were told.
        befell: calls by what befell them, "nothing" included.
        billed_twice: requests with more than one call that the vendors charge.
        contradictions: sentences, none where all promises were kept.
    """

    requests: int
    calls: int
    attempts: int
    faults: int
    ends: Counter[End]
    befell: Counter[str]
    billed_twice: int
    contradictions: tuple[str, ...]

    @property
    def share_answered(self) -> float:
        """Of the requests that met only knowable faults, and were not told that their prompt is blocked."""
        knowable = self.ends["answered"] + self.ends["given up"]
        return self.ends["answered"] / knowable if knowable else 1.0

    @property
    def expected_calls(self) -> int:
        """A call a request and one a knowable fault, but none after the fault that ended a request."""
        return self.requests + self.faults - self.ends["blocked"] - self.ends["given up"]


def account(told: Sequence[Told], ledger: Sequence[Call], attempts: int) -> Account:
    """Hold what callers were told, and how many calls the gateway counts, against the vendors' ledger."""
    by_number: defaultdict[int, list[Call]] = defaultdict(list)
    unread = 0
    for call in ledger:
        if call.fault == "cut_before":
            unread += 1
        else:
            by_number[_number(call)].append(call)
    calls = {one.number: by_number.pop(one.number, []) for one in told}
    contradictions = [sentence for one in told for sentence in _judge(one, calls[one.number])]
    contradictions += [f"request {number} was called for and never asked" for number in by_number]
    silent = sum(_end(one) == "unknown" and _kinds(calls[one.number])[-1:] != ["lost"] for one in told)
    if silent != unread:
        contradictions.append(f"{silent} were told of a lost answer and had none; {unread} calls were not read")
    if attempts != len(ledger):
        contradictions.append(f"the gateway counts {attempts} calls, the vendors {len(ledger)}")
    return Account(
        requests=len(told),
        calls=len(ledger),
        attempts=attempts,
        faults=sum(_kind(call) == "fault" for call in ledger),
        ends=Counter(_end(one) for one in told),
        befell=Counter(_befell(call) for call in ledger),
        billed_twice=sum(_billed(of_one) > 1 for of_one in calls.values()),
        contradictions=tuple(contradictions),
    )


def _judge(one: Told, calls: Sequence[Call]) -> Iterator[str]:
    """What contradicts the promises in one request's calls."""
    kinds, end = _kinds(calls), _end(one)
    where = f"request {one.number} ({one.status} {one.code}, calls {kinds})"
    if _billed(calls) > 1:
        yield f"{where}: billed {_billed(calls)} times"
    if any(kind != "fault" for kind in kinds[:-1]):
        yield f"{where}: called again after a call that was drawn or lost"
    last = kinds[-1] if kinds else None
    if end == "answered" and not (last == "drawn" and one.picture):
        yield f"{where}: answered without a call that drew, or without a picture"
    if end == "unknown" and (last == "drawn" or one.repeat != "false"):
        yield f"{where}: called lost what was not, or invites to repeat it"
    if end == "blocked" and not (calls and calls[-1].fault == "empty_200" and _says_blocked(calls[-1])):
        yield f"{where}: called blocked by a vendor who did not say so"
    if end == "given up" and last not in ("fault", None):
        yield f"{where}: gave up after a call that was drawn or lost"


def _number(call: Call) -> int:
    found = _NUMBER.search(json.dumps(call.request))
    return int(found[1]) if found else -1


def _kinds(calls: Sequence[Call]) -> list[Kind]:
    return [_kind(call) for call in calls]


def _kind(call: Call) -> Kind:
    if call.fault in _CUTS:
        return "lost"
    return "drawn" if call.status == 200 and call.fault != "empty_200" else "fault"


def _befell(call: Call) -> str:
    return str(call.status) if call.fault == "status" else call.fault or "nothing"


def _billed(calls: Sequence[Call]) -> int:
    return sum(call.usd > 0 for call in calls)


def _says_blocked(call: Call) -> bool:
    """Imagen's empty success means that its filter took every picture."""
    return call.endpoint.endswith(":predict")


def _end(one: Told) -> End:
    if one.status == 200:
        return "answered"
    if one.status == 504 and one.code == "upstream_timeout":
        return "unknown"
    return "blocked" if one.code == "moderation_blocked" else "given up"
