"""The counting itself: whatever breaks a promise is seen in the books."""

from __future__ import annotations

import pytest

from serve.sandbox.ledger import Call
from tests.serve.storm.accounts import account
from tests.serve.storm.callers import Told

ANSWERED = Told(1, 200, picture=True)
UNKNOWN = Told(1, 504, "upstream_timeout", "false")
BLOCKED = Told(1, 400, "moderation_blocked")
GIVEN_UP = Told(1, 502, "upstream_error")
PREDICT = "/google/v1beta/models/imagen:predict"


def _call(number: int = 1, status: int | None = 200, usd: float = 0.0, fault: str | None = None, **more: str) -> Call:
    request = {"contents": [{"parts": [{"text": f"a fox, storm {number:06d}"}]}]}
    return Call("google", more.get("endpoint", "/somewhere"), "m", 1, status, usd, fault, request)


DRAWN, DRIPPED = _call(usd=0.04), _call(usd=0.04, fault="slow_body")
BUSY, BROKEN, EMPTY = _call(status=429, fault="status"), _call(status=500, fault="status"), _call(fault="empty_200")
CUT, HALVED = _call(status=None, usd=0.04, fault="cut_after"), _call(usd=0.04, fault="cut_body")
UNREAD = Call("google", "/somewhere", fault="cut_before")
FILTERED = _call(fault="empty_200", endpoint=PREDICT)


@pytest.mark.parametrize(
    ("told", "calls"),
    [
        (ANSWERED, [DRAWN]),
        (ANSWERED, [BUSY, BROKEN, EMPTY, DRIPPED]),
        (UNKNOWN, [BUSY, CUT]),
        (UNKNOWN, [HALVED]),
        (UNKNOWN, [BROKEN, UNREAD]),
        (BLOCKED, [BUSY, FILTERED]),
        (GIVEN_UP, [BROKEN, BROKEN]),
        (GIVEN_UP, []),
    ],
)
def test_kept_promises_are_no_contradiction(told: Told, calls: list[Call]) -> None:
    """Every lawful course of a request has as many calls as expected, and nothing against it."""
    found = account([told], calls, len(calls))
    assert found.contradictions == ()
    assert found.calls == found.expected_calls
    assert found.billed_twice == 0


@pytest.mark.parametrize(
    ("told", "calls", "said"),
    [
        (ANSWERED, [DRAWN, DRAWN], "billed 2 times"),
        (ANSWERED, [CUT, DRAWN], "billed 2 times"),
        (ANSWERED, [UNREAD, DRAWN], "1 calls were not read"),
        (UNKNOWN, [CUT, BUSY], "called again"),
        (Told(1, 200), [DRAWN], "without a picture"),
        (ANSWERED, [BUSY], "without a call that drew"),
        (UNKNOWN, [DRAWN], "called lost what was not"),
        (UNKNOWN, [BROKEN], "0 calls were not read"),
        (Told(1, 504, "upstream_timeout"), [CUT], "invites to repeat it"),
        (Told(1, 504, "upstream_timeout", "true"), [CUT], "invites to repeat it"),
        (BLOCKED, [EMPTY], "called blocked"),
        (BLOCKED, [], "called blocked"),
        (GIVEN_UP, [CUT], "gave up after"),
        (GIVEN_UP, [BROKEN, DRAWN], "gave up after"),
        (ANSWERED, [DRAWN, _call(2)], "request 2 was called for and never asked"),
    ],
)
def test_a_broken_promise_is_a_contradiction(told: Told, calls: list[Call], said: str) -> None:
    """Each is found, and said with the request's number or the figures that differ."""
    assert said in " ".join(account([told], calls, len(calls)).contradictions)


def test_both_sides_have_to_count_the_same_calls() -> None:
    """A call in only one of the books is a contradiction."""
    assert account([ANSWERED], [DRAWN], 1).contradictions == ()
    assert account([ANSWERED], [DRAWN], 2).contradictions == ("the gateway counts 2 calls, the vendors 1",)


def test_figures() -> None:
    """The share is of those that neither a cut nor a block ended; calls are expected by what was met."""
    told = [Told(1, 200, picture=True), Told(2, 502, "upstream_error"), Told(3, 504, "upstream_timeout", "false")]
    calls = [BUSY, DRAWN, _call(2, 500, fault="status"), _call(2, 500, fault="status"), UNREAD]
    found = account(told, calls, 5)
    assert found.share_answered == 0.5
    assert (found.calls, found.expected_calls, found.faults) == (5, 5, 3)
    assert found.befell == {"429": 1, "nothing": 1, "500": 2, "cut_before": 1}
    assert found.contradictions == ()
