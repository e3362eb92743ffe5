"""The sandbox on a real port: a cut is a cut of the connection, and a drip is a drip."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from serve.sandbox.faults import Effect, FaultPlan, FaultRule

CallOf = Callable[[str], tuple[str, dict[str, str], dict[str, Any]]]
Serve = Callable[[FaultPlan], str]

# What a client sees of a connection that goes away depends on what it was doing at that moment.
CUT = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


def bills(base: str) -> list[tuple[str | None, int | None, float]]:
    """Fault, status and bill of every call, from the ledger on the port."""
    calls = httpx.get(f"{base}/__ledger").json()["calls"]
    return [(call["fault"], call["status"], call["usd"]) for call in calls]


@pytest.mark.parametrize("effect", ["cut_before", "cut_after"])
@pytest.mark.parametrize("dialect", ["gpt", "legacy"])
def test_a_cut_before_the_answer_drops_the_connection(
    *, effect: Effect, dialect: str, serve_on_port: Serve, call: CallOf, caplog: pytest.LogCaptureFixture
) -> None:
    """Not one byte comes back; only the cut after the body is billed; the server takes it calmly and serves on."""
    base = serve_on_port(FaultPlan((FaultRule(effect=effect, first=1),)))
    path, headers, body = call(dialect)
    with pytest.raises(CUT):
        httpx.post(base + path, headers=headers, json=body)
    assert httpx.post(base + path, headers=headers, json=body).status_code == 200
    (fault, status, usd), (_, _, price) = bills(base)
    assert (fault, status, usd) == (effect, None, price if effect == "cut_after" else 0)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_cut_before_the_body_does_not_wait_for_it(serve_on_port: Serve, call: CallOf) -> None:
    """A body of many megabytes is not taken in first."""
    base = serve_on_port(FaultPlan((FaultRule(effect="cut_before"),)))
    path, headers, _ = call("gpt")
    with pytest.raises(CUT):
        httpx.post(base + path, headers=headers, content=b" " * 20_000_000)


def test_a_cut_in_the_answer_leaves_half_of_it(
    serve_on_port: Serve, call: CallOf, caplog: pytest.LogCaptureFixture
) -> None:
    """Head and half of the body arrive, then the connection goes; the picture is billed."""
    base = serve_on_port(FaultPlan((FaultRule(effect="cut_body"),)))
    path, headers, body = call("gpt")
    received: list[bytes] = []
    with httpx.stream("POST", base + path, headers=headers, json=body) as answer:
        # `extend` keeps what came before the error.
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
            received.extend(answer.iter_raw())
        assert answer.status_code == 200
        assert len(b"".join(received)) == int(answer.headers["content-length"]) // 2
    assert bills(base) == [("cut_body", 200, 0.01317)]
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_drip_stops_when_the_caller_hangs_up(
    serve_on_port: Serve, call: CallOf, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer comes in small pieces; a server waits for open calls when it stops, but not for this one."""
    base = serve_on_port(FaultPlan((FaultRule(slow_body=200),)))
    path, headers, body = call("gpt")
    with httpx.stream("POST", base + path, headers=headers, json=body) as answer:
        first = next(answer.iter_raw())
    assert 0 < len(first) < int(answer.headers["content-length"])
    assert bills(base) == [("slow_body", 200, 0.01317)]
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_links_lead_back_to_the_port(serve_on_port: Serve, call: CallOf) -> None:
    """An image link is on the host and port that were called."""
    base = serve_on_port(FaultPlan())
    path, headers, body = call("legacy")
    url = httpx.post(base + path, headers=headers, json=body).json()["data"][0]["url"]
    assert url.startswith(f"{base}/ideogram/api/images/")
    assert httpx.get(url, headers={"user-agent": "sandbox-tests/1"}).headers["content-type"] == "image/png"
    assert httpx.get(url).status_code == 403
