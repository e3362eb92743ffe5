"""A gateway before failing vendors on real sockets, judged by the vendors' books; `make storm` is the full one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from serve.clock import Clock
from tests.serve.storm.accounts import Account
from tests.serve.storm.passing import FAULTS, NEVER, OUTAGE, Storm, pass_over


async def _hurry(_: float) -> None:
    await asyncio.sleep(0)


def _passed(storm: Storm, home: Path) -> Account:
    return asyncio.run(pass_over(storm, home, Clock(sleep=_hurry)))


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Account:
    """120 requests, 64 at once, while a tenth of all calls each suffers 429, 500, a cut, an empty 200, a slow body."""
    return _passed(Storm(FAULTS, 120), tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory) -> Account:
    """300 requests while every call is answered with 503."""
    return _passed(Storm(OUTAGE, 300), tmp_path_factory.mktemp("outage"))


def test_everything_went_wrong(faults: Account) -> None:
    """Each kind of fault struck several calls, so the rest of this file says something."""
    cuts = {faults.befell[cut] for cut in ("cut_before", "cut_after", "cut_body")}
    assert min(faults.befell[fault] for fault in ("429", "500", "empty_200", "slow_body")) >= 5
    assert min(cuts) >= 1


def test_what_met_knowable_faults_is_answered(faults: Account) -> None:
    """At least 99.5 % of the requests that no cut and no block ended have their picture."""
    assert faults.ends["answered"] >= 70
    assert faults.share_answered >= 0.995


def test_a_lost_answer_is_told_once_and_billed_at_most_once(faults: Account) -> None:
    """A 504 each that forbids to repeat it, no call after it, and nobody else is told so: no contradiction."""
    assert faults.ends["unknown"] == sum(faults.befell[cut] for cut in ("cut_before", "cut_after", "cut_body"))
    assert faults.contradictions == ()


def test_nothing_is_billed_twice(faults: Account) -> None:
    """No request has two calls that the vendors charge."""
    assert faults.billed_twice == 0


def test_there_is_a_call_a_request_and_one_a_knowable_fault(faults: Account) -> None:
    """To the last call, but for the requests that a block ended; the gateway's own books have as many."""
    assert faults.calls == faults.expected_calls == faults.attempts


def test_when_everybody_is_down_hardly_any_call_is_extra(outage: Account) -> None:
    """At most 1.2 calls a request, and no picture, no bill, no unknown outcome."""
    assert outage.calls <= 1.2 * outage.requests
    assert (outage.ends, outage.contradictions) == ({"given up": 300}, ())


def test_the_budget_holds_without_any_breaker(tmp_path: Path) -> None:
    """With breakers that never open, the extra calls of one route end as well."""
    account = _passed(Storm(OUTAGE, 300, intents=("preview",), breaker=NEVER), tmp_path)
    assert 300 < account.calls <= 1.2 * 300
    assert account.contradictions == ()
