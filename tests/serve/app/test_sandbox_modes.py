"""The sandbox or the vendors, never both in one process: auto, on, off, and some of the keys."""

from __future__ import annotations

import base64
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from pydantic import SecretStr

from serve.settings import Settings

Serving = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
KEY = "sk-real"
ALL_KEYS = {"openai_api_key": KEY, "ideogram_api_key": KEY, "gemini_api_key": KEY}


class Vendors:
    """Stands in for the network: notes every host that something is ordered from, and draws as OpenAI does."""

    def __init__(self, png: bytes) -> None:
        self.hosts: list[str] = []
        self._entry = {"b64_json": base64.b64encode(png).decode()}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":  # the start asks vendors for the lists of their models
            self.hosts.append(request.url.host)
        assert request.headers["user-agent"].startswith("prompt-intent/")
        return httpx.Response(200, json={"created": 1, "data": [self._entry]})


_watching: list[list[object]] = []


def _note_connections(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        for opened in _watching:
            opened.append(arguments[1])


# The interpreter itself tells of every connection, whoever opens it. An audit hook stays for good, so there is one.
sys.addaudithook(_note_connections)


@pytest.fixture
def opened() -> Iterator[list[object]]:
    """The addresses that this process connects to meanwhile."""
    addresses: list[object] = []
    _watching.append(addresses)
    yield addresses
    _watching.remove(addresses)


async def _generate(client: httpx.AsyncClient, **wishes: object) -> httpx.Response:
    return await client.post("/v1/generate", json={"prompt": '"OPEN"', **wishes})


@pytest.mark.parametrize("chosen", [{"sandbox": "auto"}, {"sandbox": "on"}, {"sandbox": "on", **ALL_KEYS}])
async def test_the_sandbox_draws_and_opens_no_connection(
    chosen: dict[str, Any], serving: Serving, tmp_path: Path, opened: list[object]
) -> None:
    """Without keys, or when it is switched on in spite of them, the sandbox draws and says so."""
    async with serving(Settings(home=tmp_path, **chosen)) as client:
        response = await _generate(client)
    assert response.status_code == 200
    assert response.json()["routing"]["sandbox"] is True
    assert opened == []


def test_a_connection_would_have_been_seen(opened: list[object]) -> None:
    """The watch is awake."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        assert opened == [server.getsockname()]


async def test_ignored_keys_are_warned_of(serving: Serving, tmp_path: Path) -> None:
    """Keys that the sandbox makes useless are named in /readyz, and so are hosts."""
    settings = Settings(
        home=tmp_path, sandbox="on", openai_api_key=SecretStr(KEY), gemini_base_url="https://proxy.example"
    )
    async with serving(settings) as client:
        ready = (await client.get("/readyz")).json()
    assert ready["sandbox"] is True
    assert any("OPENAI_API_KEY, GEMINI_BASE_URL are ignored" in warning for warning in ready["warnings"])


async def test_off_and_no_key_says_which_variables_to_set(serving: Serving, tmp_path: Path) -> None:
    """Without sandbox and keys nothing can draw: 503 names every variable, on /readyz too."""
    async with serving(Settings(home=tmp_path, sandbox="off")) as client:
        response, ready = await _generate(client), await client.get("/readyz")
    error = response.json()["error"]
    assert (response.status_code, ready.status_code, error["code"]) == (503, 503, "not_ready")
    for variable in ("OPENAI_API_KEY", "IDEOGRAM_API_KEY", "GEMINI_API_KEY", "PROMPT_INTENT_SANDBOX"):
        assert variable in error["message"]
    assert ready.json()["providers"]["google"] == {"ready": False, "reason": "no GEMINI_API_KEY"}


@pytest.mark.parametrize("mode", ["auto", "off"])
async def test_with_one_key_only_that_vendor_is_asked(
    mode: Literal["auto", "off"], serving: Serving, tmp_path: Path, png: bytes
) -> None:
    """Models without a key are thrown out with that reason; the rest is drawn for real, never by the sandbox."""
    vendors = Vendors(png)
    settings = Settings(home=tmp_path, sandbox=mode, openai_api_key=SecretStr(KEY))
    async with serving(settings, transport=httpx.MockTransport(vendors)) as client:
        routing = (await _generate(client)).json()["routing"]
        story = (await _generate(client, model="dalle-3-std")).json()["routing"]
    reasons = {candidate["model"]: candidate["reason"] for candidate in routing["candidates"]}
    assert reasons["ideogram-v2a"] == "no IDEOGRAM_API_KEY"
    assert (routing["sandbox"], routing["model"]) == (False, "gpt-image-2.5-sunburst")
    assert (story["model"], story["vendor_model"]) == ("dalle-3-std", "gpt-image-2.5-sunburst")
    assert set(vendors.hosts) == {"api.openai.com"}


async def test_a_named_model_without_its_key_is_not_replaced(serving: Serving, tmp_path: Path, png: bytes) -> None:
    """A caller's model whose vendor has no key is a 400 that says so; nobody is called."""
    vendors = Vendors(png)
    settings = Settings(home=tmp_path, openai_api_key=SecretStr(KEY))
    async with serving(settings, transport=httpx.MockTransport(vendors)) as client:
        response = await _generate(client, model="ideogram-v2a")
    assert (response.status_code, response.json()["error"]["param"]) == (400, "model")
    assert "IDEOGRAM_API_KEY" in response.json()["error"]["message"]
    assert vendors.hosts == []


async def test_an_overridden_host_is_called_and_keeps_retired_ids(serving: Serving, tmp_path: Path, png: bytes) -> None:
    """A base URL of the operator's replaces the vendor's, and a private server may still draw with a dead id."""
    vendors = Vendors(png)
    settings = Settings(home=tmp_path, openai_api_key=SecretStr(KEY), openai_base_url="https://images.internal/v1/")
    async with serving(settings, transport=httpx.MockTransport(vendors)) as client:
        routing = (await _generate(client, model="dalle-3-std")).json()["routing"]
    assert vendors.hosts == ["images.internal"]
    assert routing["vendor_model"] == "dall-e-3"
