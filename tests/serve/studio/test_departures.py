"""Callers who leave and services that stop: what is paid for is drawn to its end and kept."""

from __future__ import annotations

import asyncio

import pytest

from serve.sandbox.app import create_sandbox
from tests.serve.studio.conftest import Open


@pytest.mark.parametrize("key", [None, "order-1"])
async def test_a_request_whose_caller_has_left_is_finished(key: str | None, open_gateway: Open) -> None:
    """The vendor is drawing already: its picture is stored and in the books, and the same key gets it later."""
    async with open_gateway(shut=True) as gateway:
        leaving = asyncio.create_task(gateway.ask(key))
        await gateway.run_into(leaving)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        gateway.gate.opened.set()
        await gateway.service.studio.close()
        totals = (await gateway.service.store.stats()).totals
        assert (totals.done, totals.images, totals.settled_usd) == (1, 1, 0.02)
        again = await gateway.ask(key)
    assert again.status_code == 200
    assert gateway.bills == (2 if key is None else 1)


async def test_one_of_several_may_leave(open_gateway: Open) -> None:
    """The first of two equal requests hangs up; the second gets the answer."""
    async with open_gateway(shut=True) as gateway:
        first, second = (asyncio.create_task(gateway.ask("order-1")) for _ in range(2))
        await gateway.run_into(first, second)
        first.cancel()
        gateway.gate.opened.set()
        answer = await second
    assert answer.status_code == 200
    assert gateway.bills == 1


async def test_a_service_that_stops_finishes_what_it_began(open_gateway: Open) -> None:
    """Shutting down waits for the vendor's answer; the next process has it."""
    sandbox = create_sandbox()
    async with open_gateway(sandbox, shut=True) as gateway:
        leaving = asyncio.create_task(gateway.ask("order-1"))
        await gateway.run_into(leaving)
        leaving.cancel()
        asyncio.get_running_loop().call_later(0.05, gateway.gate.opened.set)
    async with open_gateway(sandbox) as later:
        answer = await later.ask("order-1")
    assert answer.status_code == 200
    assert sandbox.ledger.totals["calls"] == 1
