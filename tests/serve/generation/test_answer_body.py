"""What is read of a vendor's answer: no more than its pictures can need, and not on the event loop if it is large."""

from __future__ import annotations

import base64
import gzip
import json
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import httpx
import pytest

from serve.calling import Answer, Caller
from serve.catalog import load_catalog
from serve.client import make_client
from serve.errors import RateLimitedError, UpstreamError
from serve.image_request import DrawnImage, ReadyModel, Usage, WireRequest
from serve.picture_format import PictureLimits
from serve.providers import dialect_of
from serve.providers.base import Dialect
from serve.settings import Settings
from serve.targets import Targets

CATALOG = load_catalog()
MODEL = CATALOG.models["gpt-image-2.5-flare"]
WIRE = WireRequest(prompt="a cat", n=2, shape="1024x1024")
PIECE = bytes(1 << 16)


@dataclass
class Flood(httpx.AsyncByteStream):
    """A body of a gigabyte; `sent` are the pieces that were taken of it."""

    sent: int = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.sent < 1 << 14:
            self.sent += 1
            yield PIECE


async def draw(settings: Settings, answer: httpx.Response, dialect: Dialect | None = None) -> Answer:
    async with make_client(settings, httpx.MockTransport(lambda request: answer)) as client:
        targets, limits = Targets.from_settings(settings, CATALOG), PictureLimits(max_bytes=3 << 20)
        caller = Caller(client, targets, 30.0, dialects=lambda model: dialect or dialect_of(model), limits=limits)
        return await caller.draw(MODEL, WIRE)


async def test_a_success_is_read_no_further_than_its_pictures_can_need(keyed: Settings) -> None:
    """Two pictures of 3 MiB in base64, and 1 MiB for all else: more is left unread, and was drawn all the same."""
    flood = Flood()
    with pytest.raises(UpstreamError, match="openai: its answer is over the limit of 9437184 bytes") as failed:
        await draw(keyed, httpx.Response(200, stream=flood))
    assert (failed.value.billed, flood.sent) == ("yes", 145)


async def test_a_refusal_that_never_ends_is_one_by_its_status(keyed: Settings) -> None:
    """What is over the limit is left, and the rest cannot be parsed: 429 says enough."""
    flood = Flood()
    with pytest.raises(RateLimitedError) as failed:
        await draw(keyed, httpx.Response(429, stream=flood, headers={"retry-after": "3"}))
    assert (failed.value.billed, failed.value.retry_after, flood.sent) == ("no", 3, 145)


async def test_an_answer_may_come_packed(keyed: Settings, png: bytes) -> None:
    """A vendor may compress what nobody asked it to."""
    body = json.dumps({"data": [{"b64_json": base64.b64encode(png).decode()}]}).encode()
    stream, headers = httpx.ByteStream(gzip.compress(body)), {"content-encoding": "gzip"}
    assert (await draw(keyed, httpx.Response(200, stream=stream, headers=headers))).images == [DrawnImage(png)]


@pytest.mark.parametrize("length", [None, "0", "9" * 5000, "-1", "many"])
async def test_what_is_said_of_the_length_changes_nothing(length: str | None, keyed: Settings, png: bytes) -> None:
    """The right one, none, and what no number can be: the picture is the same."""
    body = json.dumps({"data": [{"b64_json": base64.b64encode(png).decode()}]}).encode()
    headers = {"content-length": length or str(len(body))}
    answer = httpx.Response(200, stream=httpx.ByteStream(body), headers=headers)
    assert (await draw(keyed, answer)).images == [DrawnImage(png)]


@pytest.mark.parametrize(("size", "aside"), [(100, False), (1 << 20, True)])
async def test_a_large_answer_is_parsed_beside_the_event_loop(size: int, aside: bool, keyed: Settings) -> None:
    """All three readers of a dialect: while pictures are decoded the service answers others."""
    threads: list[int] = []

    def here(response: httpx.Response) -> None:
        threads.append(threading.get_ident())

    def read(response: httpx.Response) -> list[DrawnImage]:
        here(response)
        return [DrawnImage(url="https://x.example/y.png")]

    def usage(response: httpx.Response) -> Usage | None:
        return here(response)

    def follow(response: httpx.Response, model: ReadyModel) -> httpx.Request | None:
        return here(response)

    dialect = replace(dialect_of(MODEL), read=read, usage=usage, follow=follow)
    await draw(keyed, httpx.Response(200, content=bytes(size)), dialect)
    assert len(threads) == 3
    assert [thread != threading.get_ident() for thread in threads] == [aside] * 3
