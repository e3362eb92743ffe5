"""Once a vendor may have billed, no error invites a client to ask, and pay, again: the official SDK repeats a 500."""

from __future__ import annotations

from typing import Any

import httpx
import openai
import pytest

from tests.serve.studio.conftest import Gateway, Open
from tests.serve.studio.test_troubles import BREAK, MEND

FOX: dict[str, Any] = {"model": "imagen-4-fast", "prompt": "a red fox"}


class Broken(httpx.AsyncBaseTransport):
    """Vendors who draw and bill, and a bug of ours in hearing their answer."""

    def __init__(self, beyond: httpx.AsyncBaseTransport) -> None:
        self._beyond = beyond

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self._beyond.handle_async_request(request)
        raise ArithmeticError("a bug")


def damage(gateway: Gateway) -> None:
    """Every picture's file becomes something that cannot be read."""
    for file in gateway.service.settings.state.images.iterdir():
        file.unlink()
        file.mkdir()


async def sdk_asks(gateway: Gateway) -> openai.APIStatusError:
    """What OpenAI's client raises, after as many tries as it takes by default."""
    client = openai.AsyncOpenAI(api_key="any", base_url="http://localhost:8000/v1", http_client=gateway.client)
    with pytest.raises(openai.APIStatusError) as caught:
        await client.images.generate(**FOX)
    return caught.value


async def test_an_end_that_cannot_be_written_is_billed_once(open_gateway: Open) -> None:
    """The answer names the picture, which is there, and the attempt that drew it."""
    async with open_gateway() as gateway:
        gateway.spoil(BREAK.format("UPDATE"))
        raised = await sdk_asks(gateway)
        gateway.spoil(MEND)
        link = str(raised.body["message"]).rpartition(": ")[2]  # type: ignore[index]
        picture = await gateway.client.get(link)
    assert (raised.status_code, raised.code, gateway.bills) == (500, "storage_error", 1)
    assert "may have been billed" in raised.message
    assert raised.response.json()["routing"]["attempts"][0]["billed"] == "yes"
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")


async def test_a_bill_that_cannot_be_written_down_loses_no_picture(open_gateway: Open) -> None:
    """The answer names the picture, which is there; once the store can write, an equal request gets it."""
    async with open_gateway() as gateway:
        gateway.spoil(BREAK.format("UPDATE").replace("requests", "attempts"))
        failed = await gateway.ask("order-1", n=2)
        message = failed.json()["error"]["message"]
        picture = await gateway.client.get(message.rpartition(", ")[2])
        gateway.spoil(MEND)
        drawn, again = [await gateway.ask("order-1", n=2) for _ in range(2)]
        [entry] = await gateway.service.store.ledger(10)
    assert (failed.status_code, failed.headers["x-should-retry"], picture.status_code) == (500, "false", 200)
    assert "may have been billed" in message
    assert (drawn.status_code, again.content) == (200, drawn.content)
    assert all(image["id"] in message for image in drawn.json()["data"])
    assert (entry.outcome, entry.billed, gateway.bills) == ("ok", "yes", 1)


async def test_a_crash_is_billed_once(open_gateway: Open) -> None:
    """Also where the vendor was called and nobody knows what came of it; under a key, it is told again."""
    async with open_gateway() as gateway:
        gateway.gate.beyond = Broken(gateway.gate.beyond)
        raised = await sdk_asks(gateway)
        first, again = [await gateway.ask("order-1") for _ in range(2)]
    assert (raised.status_code, raised.code) == (500, "internal_error")
    for answer in (raised.response, first, again):
        assert "may have been billed" in answer.json()["error"]["message"]
        assert (answer.status_code, answer.headers["x-should-retry"]) == (500, "false")
    assert gateway.bills == 2


async def test_a_picture_that_cannot_be_read_back_is_billed_once(open_gateway: Open) -> None:
    """It is drawn, paid for and stored: the error names it, and no client asks for another one on its own."""
    async with open_gateway() as gateway:
        drawn = await gateway.ask("order-1", "/v1/images/generations")
        damage(gateway)
        failed = await gateway.ask("order-1", "/v1/images/generations")
    assert drawn.status_code == 200
    assert (failed.status_code, failed.json()["error"]["code"]) == (500, "storage_error")
    assert failed.headers["x-should-retry"] == "false"
    assert "was drawn, billed and stored" in failed.json()["error"]["message"]
    assert gateway.bills == 1


async def test_what_cost_nothing_may_be_repeated(open_gateway: Open) -> None:
    """A request that could not even begin says nothing against another try."""
    async with open_gateway() as gateway:
        gateway.spoil(BREAK.format("INSERT"))
        failed = await gateway.ask()
    assert (failed.status_code, gateway.bills) == (500, 0)
    assert "x-should-retry" not in failed.headers
