"""What a request must pass before anything reads it: names, origins, the key, the body's size."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import httpx
import pytest
from pydantic import SecretStr

from serve.guards import CONTENT_SECURITY_POLICY
from serve.settings import Settings

Serving = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
ASK = {"prompt": "a"}


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8000", 200),
        ("127.0.0.1:9", 200),
        ("[::1]:8000", 200),
        ("images.example", 200),
        ("images.example:443", 200),
        ("public.example", 200),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("localhost:8000:9", 403),
        ("localhost@evil.example", 403),
        ("127.0.0.2", 403),
        ("", 403),
    ],
)
async def test_only_our_own_names_are_answered_to(host: str, status: int, serving: Serving, settings: Settings) -> None:
    """A Host header has to be a loopback name, an allowed one or the public URL's, on any port."""
    named = {"allowed_hosts": frozenset({"images.example"}), "public_url": "https://public.example"}
    async with serving(settings.model_copy(update=named)) as client:
        response = await client.get("/healthz", headers={"host": host})
    assert response.status_code == status
    if status == 403:
        assert response.json()["error"]["code"] == "forbidden"


async def test_two_host_headers_are_no_name(serving: Serving, settings: Settings) -> None:
    """A request that names two hosts is refused: a proxy might have believed the other one."""
    async with serving(settings) as client:
        response = await client.get("/healthz", headers=[("host", "localhost"), ("host", "evil.example")])
    assert response.status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://localhost:8000"}, 200),
        ({"origin": "http://localhost:8000", "sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"origin": "https://public.example"}, 200),
        ({"origin": "http://localhost:3000"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "http://localhost:8000", "sec-fetch-site": "cross-site"}, 403),
    ],
)
async def test_only_our_own_pages_may_post(
    headers: dict[str, str], status: int, serving: Serving, settings: Settings
) -> None:
    """A browser's POST has to come from a page of ours; programs send no Origin and pass."""
    public = settings.model_copy(update={"public_url": "https://public.example"})
    async with serving(public) as client:
        response = await client.post("/v1/classify", json=ASK, headers=headers)
        read = await client.get("/healthz", headers=headers)
    assert (response.status_code, read.status_code) == (status, 200)


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer s3cret", 200),
        ("bearer s3cret", 200),
        (None, 401),
        ("Bearer", 401),
        ("Bearer wrong", 401),
        ("Bearer s3cret-and-more", 401),
        ("Basic s3cret", 401),
        ("s3cret", 401),
        ("Bearer s\u00e9cret", 401),
    ],
)
async def test_the_key_is_asked_for(
    authorization: str | None, status: int, serving: Serving, settings: Settings
) -> None:
    """With PROMPT_INTENT_API_KEY set, /v1/* wants it as a Bearer token."""
    headers = {} if authorization is None else {b"authorization": authorization.encode("latin-1")}
    async with serving(settings.model_copy(update={"api_key": SecretStr("s3cret")})) as client:
        responses = [
            await client.post("/v1/classify", json=ASK, headers=headers),
            await client.get("/v1/models", headers=headers),
            await client.get("/v1/ledger", headers=headers),
        ]
    assert [response.status_code for response in responses] == [status] * 3
    if status == 401:
        assert responses[0].json()["error"]["code"] == "invalid_api_key"
        assert responses[0].headers["www-authenticate"] == "Bearer"


async def test_pictures_and_the_page_need_no_key(serving: Serving, settings: Settings) -> None:
    """An image's id is its own key; health and documentation are open; writing to an image's path is not."""
    async with serving(settings.model_copy(update={"api_key": SecretStr("s3cret")})) as client:
        body = {"prompt": "a", "model": "ideogram-v2"}
        drawn = await client.post("/v1/generate", json=body, headers={"authorization": "Bearer s3cret"})
        url = drawn.json()["data"][0]["url"]
        paths = [url, "/healthz", "/readyz", "/docs", "/openapi.json"]
        assert [(await client.get(path)).status_code for path in paths] == [200] * 5
        assert (await client.post(url)).status_code == 401
        assert (await client.get("/v1/images/x/../../models")).status_code == 401


async def _chunks(total: int) -> AsyncIterator[bytes]:
    for _ in range(total // 100):
        yield b" " * 100


@pytest.mark.parametrize(("size", "status"), [(1000, 400), (1100, 413), (100_000, 413)])
async def test_a_body_over_the_limit_is_refused_declared_or_not(
    size: int, status: int, serving: Serving, settings: Settings
) -> None:
    """The limit holds for a declared length and for chunks that only add up to it; up to it, the body is read."""
    headers = {"content-type": "application/json"}
    async with serving(settings.model_copy(update={"max_body_bytes": 1000})) as client:
        declared = await client.post("/v1/classify", content=b" " * size, headers=headers)
        chunked = await client.post("/v1/classify", content=_chunks(size), headers=headers)
    assert (declared.status_code, chunked.status_code) == (status, status)
    if status == 413:
        assert chunked.json()["error"]["code"] == declared.json()["error"]["code"] == "payload_too_large"


@pytest.mark.parametrize("asked", ["abc-123", "req_1:2.3", "x" * 128])
async def test_a_well_formed_request_id_is_echoed(asked: str, serving: Serving, settings: Settings) -> None:
    """The caller's x-request-id comes back, on answers and on refusals."""
    headers = {"x-request-id": asked}
    async with serving(settings) as client:
        responses = [
            await client.get("/healthz", headers=headers),
            await client.get("/nowhere", headers=headers),
            await client.get("/healthz", headers={**headers, "host": "evil.example"}),
            await client.post("/v1/generate", json={}, headers=headers),
        ]
    assert [response.headers["x-request-id"] for response in responses] == [asked] * 4


@pytest.mark.parametrize("asked", [None, "", "a b", "x" * 129, "a\u00e9"])
async def test_any_other_request_id_is_replaced(asked: str | None, serving: Serving, settings: Settings) -> None:
    """Without a well-formed one the request gets an id of ours, another each time."""
    headers = {} if asked is None else {b"x-request-id": asked.encode("latin-1")}
    async with serving(settings) as client:
        ids = {(await client.get("/healthz", headers=headers)).headers["x-request-id"] for _ in range(2)}
    assert len(ids) == 2
    assert all(given.startswith("req_") and len(given) == 36 for given in ids)


async def test_every_answer_carries_the_browsers_restrictions(serving: Serving, settings: Settings) -> None:
    """The content security policy and nosniff are on pages, data, refusals and missing things alike."""
    async with serving(settings) as client:
        responses = [
            await client.get("/docs"),
            await client.get("/v1/models"),
            await client.get("/nowhere"),
            await client.get("/healthz", headers={"host": "evil.example"}),
        ]
    for response in responses:
        assert response.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert response.headers["x-content-type-options"] == "nosniff"
