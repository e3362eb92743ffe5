"""The sandbox in process and on a real port, and one valid call in each wire dialect it speaks."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
import uvicorn

from serve.sandbox.app import Sandbox, create_sandbox
from serve.sandbox.faults import FaultPlan

PROMPT = "banner: SALE 50% OFF, bold orange letters"
BEARER, GOOGLE, IDEOGRAM = {"authorization": "Bearer any"}, {"x-goog-api-key": "any"}, {"api-key": "any"}
BFL = {"x-key": "any"}

# dialect: path, headers, body, and the body's part that holds the fields of the request.
CALLS: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "dalle": (
        "/openai/v1/images/generations",
        BEARER,
        {"model": "dall-e-3", "prompt": PROMPT, "response_format": "b64_json"},
    ),
    "gpt": ("/openai/v1/images/generations", BEARER, {"model": "gpt-image-2.5-flare", "prompt": PROMPT}),
    "imagen": (
        "/google/v1beta/models/imagen-4.0-generate-001:predict",
        GOOGLE,
        {"instances": [{"prompt": PROMPT}], "parameters": {"sampleCount": 1, "includeRaiReason": True}},
    ),
    "gemini": (
        "/google/v1beta/models/gemini-nano-banana-2.1:generateContent",
        GOOGLE,
        {"contents": [{"role": "user", "parts": [{"text": PROMPT}]}], "generationConfig": {}},
    ),
    "legacy": ("/ideogram/generate", IDEOGRAM, {"image_request": {"prompt": PROMPT, "model": "V_2A"}}),
    "v2": ("/ideogram/v2/image/generate/ideogram-2a", IDEOGRAM, {"prompt": PROMPT}),
    "v4": ("/ideogram/v2/image/generate/ideogram-4", IDEOGRAM, {"prompt": PROMPT}),
    "v4.5": ("/ideogram/v2/image/generate/ideogram-4-5", IDEOGRAM, {"prompt": PROMPT}),
    "flux": ("/bfl/v1/flux-2-pro", BFL, {"prompt": PROMPT}),
    "recraft": (
        "/recraft/v1/images/generations",
        BEARER,
        {"model": "recraftv3", "prompt": PROMPT, "response_format": "b64_json"},
    ),
}

Send = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def call() -> Callable[[str], tuple[str, dict[str, str], dict[str, Any]]]:
    """Path, headers and body of a valid call in a dialect."""
    return CALLS.__getitem__


@pytest.fixture
async def connect() -> AsyncIterator[Callable[[Sandbox], httpx.AsyncClient]]:
    """Opens in-process clients of a sandbox, and closes them all."""
    async with AsyncExitStack() as stack:
        clients: list[httpx.AsyncClient] = []

        def open_client(sandbox: Sandbox) -> httpx.AsyncClient:
            transport = httpx.ASGITransport(app=sandbox)
            headers = {"user-agent": "sandbox-tests/1"}
            client = httpx.AsyncClient(transport=transport, base_url="http://sandbox.test", headers=headers)
            clients.append(client)
            stack.push_async_callback(client.aclose)
            return client

        yield open_client


@pytest.fixture
def sandbox() -> Sandbox:
    """A sandbox on which nothing goes wrong."""
    return create_sandbox()


@pytest.fixture
def client(sandbox: Sandbox, connect: Callable[[Sandbox], httpx.AsyncClient]) -> httpx.AsyncClient:
    """An in-process client of `sandbox`."""
    return connect(sandbox)


@pytest.fixture
def send() -> Send:
    """Sends a dialect's valid call, with `fields` changed in the part of the body that holds the request."""

    async def post(client: httpx.AsyncClient, dialect: str, **fields: object) -> httpx.Response:
        path, headers, body = CALLS[dialect]
        part = {"imagen": "parameters", "gemini": "generationConfig", "legacy": "image_request"}.get(dialect)
        changed = {**body, **fields} if part is None else {**body, part: {**body[part], **fields}}
        return await client.post(path, headers=headers, json=changed)

    return post


@pytest.fixture
def serve_on_port() -> Iterator[Callable[[FaultPlan], str]]:
    """Serves a sandbox with a fault plan on a free port of 127.0.0.1; gives its base URL, and stops it afterwards."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def serve(plan: FaultPlan) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        # Without a logging setup of its own, what uvicorn complains of reaches the test's log.
        server = uvicorn.Server(uvicorn.Config(create_sandbox(plan), log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        running.append((server, thread))
        while not server.started:
            time.sleep(0.01)
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield serve
    for server, thread in running:
        server.should_exit = True
        thread.join(timeout=10)
        assert not thread.is_alive()
