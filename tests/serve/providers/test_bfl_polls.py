"""Black Forest Labs' polls: where the key may go, how long it is asked, and what a poll's own failure means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from serve.errors import UpstreamError
from serve.image_request import ReadyModel
from serve.providers import DIALECTS

ORDERED = httpx.Request("POST", "https://api.bfl.ai/v1/flux-2-pro")
POLLED = httpx.Request("GET", "https://api.eu2.bfl.ai/v1/get_result?id=t")
FLUX = DIALECTS["bfl_flux"]


@pytest.fixture
def flux(ready: Callable[[str], ReadyModel]) -> ReadyModel:
    """FLUX.2 pro at the vendor's own host."""
    return ready("flux-2-pro")


def followed(model: ReadyModel, asked: httpx.Request, body: dict[str, Any], status: int = 200) -> httpx.Request | None:
    """The next poll after an answer to `asked`."""
    assert FLUX.follow is not None
    return FLUX.follow(httpx.Response(status, json=body, request=asked), model)


def taken_on(polling_url: object) -> dict[str, Any]:
    """The answer to an order."""
    return {"id": "t", "polling_url": polling_url, "cost": 3.0, "input_mp": 0.0, "output_mp": 1.05}


@pytest.mark.parametrize(
    "address",
    [
        "https://api.bfl.ai/v1/get_result?id=t",
        "https://bfl.ai/v1/get_result?id=t",
        "https://api.eu2.bfl.ai/v1/get_result?id=t",
        "https://api.us.bfl.ai:443/v1/get_result?id=t",
        "https://API.BFL.AI/v1/get_result?id=t",
    ],
)
def test_the_vendors_own_hosts_are_polled(flux: ReadyModel, key: str, address: str) -> None:
    """The address is asked as it was given, with the key, by a named client."""
    poll = followed(flux, ORDERED, taken_on(address))
    assert poll is not None
    assert (poll.method, poll.url, poll.content) == ("GET", httpx.URL(address), b"")
    sent = {name: value for name, value in poll.headers.items() if name != "host"}
    assert sent == {"accept": "application/json", "user-agent": "prompt-intent", "x-key": key}


@pytest.mark.parametrize(
    "address",
    [
        "http://api.bfl.ai/v1/get_result?id=t",
        "https://api.bfl.ai:8443/v1/get_result?id=t",
        "https://evilbfl.ai/t",
        "https://bfl.ai.evil.example/t",
        "https://evil.example/bfl.ai",
        "https://evil.example#.bfl.ai",
        "https://evil.example/?x=https://api.bfl.ai",
        "https://api.bfl.ai@evil.example/t",
        "https://user@api.bfl.ai/t",
        "https://127.0.0.1/t",
        "https://ap\u0456.bf\u04cf.ai/t",
        "https://[::1]/t",
        "//evil.example/t",
        "/v1/get_result?id=t",
        "file:///etc/passwd",
        "https://",
        "https://api.bfl.ai:port/t",
        "https://api.bfl.ai\\@evil.example/t",
    ],
)
def test_the_key_goes_nowhere_else(flux: ReadyModel, key: str, address: str) -> None:
    """An address that is not the vendor's over https is refused, and the order may have been billed."""
    with pytest.raises(UpstreamError) as refused:
        followed(flux, ORDERED, taken_on(address))
    assert (refused.value.provider, refused.value.billed, refused.value.upstream_status) == ("bfl", "unknown", 200)
    assert key not in str(refused.value)
    assert "evil" not in str(refused.value)


def test_the_operators_own_server_is_polled_too(flux: ReadyModel) -> None:
    """Polls may go where orders go, to that origin and no other on the same machine."""
    own = replace(flux, base_url="http://127.0.0.1:9000/bfl")
    poll = followed(own, ORDERED, taken_on("http://127.0.0.1:9000/elsewhere?id=t"))
    assert poll is not None
    for address in ("http://127.0.0.1:9001/t", "https://127.0.0.1:9000/t", "http://localhost:9000/t"):
        with pytest.raises(UpstreamError):
            followed(own, ORDERED, taken_on(address))


@pytest.mark.parametrize("status", ["Pending", "Queued", "Reasoning"])
def test_an_order_that_goes_on_is_polled_again(flux: ReadyModel, status: str) -> None:
    """Pending, and states nobody has told us of, are asked for again at the same address."""
    poll = followed(flux, POLLED, {"id": "t", "status": status, "result": None})
    assert poll is not None
    assert poll.url == POLLED.url


@pytest.mark.parametrize(
    "status", ["Ready", "Request Moderated", "Content Moderated", "Error", "Failed", "Task not found"]
)
def test_an_order_that_has_ended_is_not(flux: ReadyModel, status: str) -> None:
    """Done, refused and failed orders are read."""
    assert followed(flux, POLLED, {"id": "t", "status": status}) is None


@pytest.mark.parametrize("body", [{}, {"status": 3}, {"status": None, "polling_url": "https://evil.example/"}])
def test_an_answer_without_a_status_ends_the_polling(flux: ReadyModel, body: dict[str, Any]) -> None:
    """A poll's answer that says nothing is broken, and never leads to another address."""
    assert followed(flux, POLLED, body) is None


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_poll_that_fails_is_asked_again(flux: ReadyModel, status: int) -> None:
    """The vendor's hiccup at a poll says nothing of the order."""
    poll = followed(flux, POLLED, {"detail": "busy"}, status)
    assert poll is not None
    assert poll.url == POLLED.url


@pytest.mark.parametrize("status", [302, 401, 403, 404, 422])
def test_a_poll_that_is_refused_leaves_the_order_unknown(flux: ReadyModel, status: int) -> None:
    """It is no verdict on the model, the key or the request: those were good enough for the order."""
    answer = httpx.Response(status, json={}, request=POLLED)
    assert FLUX.follow is not None
    assert FLUX.follow(answer, flux) is None
    with pytest.raises(UpstreamError) as failed:
        FLUX.read(answer)
    assert (type(failed.value), failed.value.billed, failed.value.upstream_status) == (UpstreamError, "unknown", status)


@pytest.mark.parametrize("status", [402, 404, 422, 500])
def test_a_refused_order_is_not_polled(flux: ReadyModel, status: int) -> None:
    """There is nothing to ask for, whatever address the refusal names."""
    assert followed(flux, ORDERED, taken_on("https://api.bfl.ai/v1/get_result?id=t"), status) is None
