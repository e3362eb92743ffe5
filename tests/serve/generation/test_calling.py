"""One call over real sockets: was the request sent, did an answer come, and how long is it waited for."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
from pydantic import SecretStr

from serve.calling import Answer, Caller
from serve.catalog import load_catalog
from serve.client import make_client
from serve.errors import DeadlineError, RateLimitedError, UpstreamError, UpstreamTimeoutError
from serve.image_request import DrawnImage, ReadyModel, Usage, WireRequest
from serve.providers import dialect_of
from serve.providers.base import Dialect
from serve.settings import Settings
from serve.targets import Targets

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
WIRE = WireRequest(prompt="a cat", n=1, shape="1024x1024")
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n"


@asynccontextmanager
async def vendor(talk: Talk) -> AsyncIterator[str]:
    """A server on loopback that reads one request and then does as `talk` says; its base URL."""

    talks: list[asyncio.Task[None]] = []

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line)
        await reader.readexactly(length)
        await talk(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.append(asyncio.create_task(connection(reader, writer)))

    async with await asyncio.start_server(connected, "127.0.0.1", 0, backlog=256) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        await asyncio.gather(*talks)


@asynccontextmanager
async def deaf_vendor() -> AsyncIterator[str]:
    """A server on loopback that takes connections and never answers a greeting of TLS; its base URL."""
    visitors: list[asyncio.StreamWriter] = []

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visitors.append(writer)

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        for writer in visitors:
            writer.close()
            await writer.wait_closed()


async def draw(settings: Settings, base_url: str, patience: float = 30.0) -> Answer:
    catalog = load_catalog()
    settings = settings.model_copy(update={"openai_base_url": base_url})
    targets = Targets.from_settings(settings, catalog)
    async with make_client(settings, None) as client:
        return await Caller(client, targets, patience).draw(catalog.models["gpt-image-2.5-flare"], WIRE)


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close without an answer."""


async def send_half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close in the middle of the answer."""
    writer.write(HEAD + b'{"data": ')
    await writer.drain()


async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say nothing until the caller hangs up."""
    await reader.read()


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send one byte at a time, for as long as somebody listens."""
    writer.write(HEAD)
    while not writer.is_closing() and not reader.at_eof():
        writer.write(b" ")
        await asyncio.sleep(0.02)


async def test_an_unreachable_vendor_was_not_billed(keyed: Settings) -> None:
    """A refused connection is an upstream error that another model may mend."""
    async with vendor(hang_up) as base_url:
        pass
    with pytest.raises(UpstreamError) as failed:
        await draw(keyed, base_url)
    assert (failed.value.billed, failed.value.falls_back) == ("no", True)


async def test_time_that_ends_while_connecting_bills_nothing(keyed: Settings) -> None:
    """Nothing was sent, so another model may be asked."""
    async with deaf_vendor() as base_url:
        with pytest.raises(UpstreamError, match="could not be reached") as failed:
            await draw(keyed, base_url, patience=0.2)
    assert (failed.value.billed, failed.value.falls_back) == ("no", True)


async def test_a_caller_in_too_much_of_a_hurry_to_connect_is_told_so(keyed: Settings) -> None:
    """It is no fault of the vendor's, and nothing was sent."""
    catalog = load_catalog()
    async with deaf_vendor() as base_url:
        settings = keyed.model_copy(update={"openai_base_url": base_url})
        async with make_client(settings, None) as client:
            caller = Caller(client, Targets.from_settings(settings, catalog), 30.0)
            call = caller.prepare(catalog.models["gpt-image-2.5-flare"], WIRE)
            with pytest.raises(DeadlineError):
                await caller.send(call, 0.2)
    assert not call.passage.may_have_left


async def test_a_slow_vendor_leaves_the_others_their_connections(keyed: Settings) -> None:
    """More calls wait for one than any pool would hold; another is reached at once."""
    catalog, reached = load_catalog(), asyncio.Event()

    async def take_note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()

    async with vendor(stay_silent) as slow, vendor(take_note) as quick:
        settings = keyed.model_copy(update={"openai_base_url": slow, "ideogram_base_url": quick})
        async with make_client(settings, None) as client, asyncio.TaskGroup() as group:
            caller = Caller(client, Targets.from_settings(settings, catalog), 30.0)
            row = catalog.models["gpt-image-2.5-flare"]
            waiting = [group.create_task(caller.draw(row, WIRE)) for _ in range(120)]
            await asyncio.sleep(0)
            with pytest.raises(UpstreamTimeoutError):
                await caller.draw(catalog.models["ideogram-2"], WIRE)
            for task in waiting:
                task.cancel()
    assert reached.is_set()


@pytest.mark.parametrize("talk", [hang_up, send_half])
async def test_a_cut_after_the_request_was_sent_may_be_billed(talk: Talk, keyed: Settings) -> None:
    """A connection that ends before the answer does leaves the outcome unknown, and ends the request."""
    async with vendor(talk) as base_url:
        with pytest.raises(UpstreamTimeoutError) as failed:
            await draw(keyed, base_url)
    assert (failed.value.billed, failed.value.falls_back) == ("unknown", False)


async def test_a_silent_vendor_is_given_up_after_the_read_timeout(keyed: Settings) -> None:
    """No answer in time, after the request was sent, is a timeout of unknown outcome."""
    hurried = keyed.model_copy(update={"read_timeout": 0.1})
    async with vendor(stay_silent) as base_url:
        with pytest.raises(UpstreamTimeoutError):
            await draw(hurried, base_url)


async def test_a_dripping_vendor_is_given_up_too(keyed: Settings) -> None:
    """An answer that never ends cannot keep a request for ever, though each byte comes in time."""
    async with vendor(drip) as base_url:
        with pytest.raises(UpstreamTimeoutError):
            await draw(keyed, base_url, patience=0.3)


async def test_no_proxy_of_the_environment_is_used(keyed: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prompts and keys go to the host in the settings, whatever HTTP_PROXY says."""
    body = json.dumps({"data": [{"url": "https://x.example/y.png"}]}).encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()

    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    async with vendor(answer) as base_url:
        assert (await draw(keyed, base_url)).images == [DrawnImage(url="https://x.example/y.png")]


async def test_a_dialect_that_polls_is_followed_to_the_end(keyed: Settings) -> None:
    """While `follow` names another request it is sent; the last answer is read."""
    catalog = load_catalog()
    model = catalog.models["gpt-image-2.5-flare"]
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        return httpx.Response(200, json={"data": [{"url": f"https://x.example/{len(seen)}"}]})

    def build(ready: ReadyModel, wire: WireRequest) -> httpx.Request:
        return httpx.Request("POST", f"{ready.base_url}/start")

    def follow(response: httpx.Response, ready: ReadyModel) -> httpx.Request | None:
        assert ready.row is model
        return httpx.Request("GET", "https://api.openai.com/poll") if len(seen) < 3 else None

    polling = Dialect(build, dialect_of(model).read, follow)
    async with make_client(keyed, httpx.MockTransport(answer)) as client:
        targets = Targets.from_settings(keyed, catalog)
        caller = Caller(client, targets, 30.0, dialects=lambda row: polling, poll_seconds=0)
        drawn = await caller.draw(model, WIRE)
    assert seen == ["/v1/start", "/poll", "/poll"]
    assert drawn.images == [DrawnImage(url="https://x.example/3")]


LINK = "https://delivery-eu1.bfl.ai/results/t/sample.jpeg"
ORDERED = {"id": "t", "polling_url": "https://api.eu2.bfl.ai/v1/get_result?id=t", "cost": 3.0}
READY = {"id": "t", "status": "Ready", "result": {"sample": LINK}}


async def draw_flux(keyed: Settings, polls: list[httpx.Response | Exception], patience: float | None = None) -> Answer:
    """A FLUX.2 picture: the order is taken on, and `polls` are the answers to its polls, the last one for ever."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(200, json=ORDERED)
        assert (str(request.url), request.headers["x-key"]) == (ORDERED["polling_url"], "sk-b")
        made = polls.pop(0) if len(polls) > 1 else polls[0]
        if isinstance(made, Exception):
            raise made
        return made

    catalog = load_catalog()
    settings = keyed.model_copy(update={"bfl_api_key": SecretStr("sk-b")})
    async with make_client(settings, httpx.MockTransport(answer)) as client:
        caller = Caller(client, Targets.from_settings(settings, catalog), 30.0, poll_seconds=0)
        return await caller.draw(catalog.models["flux-2-pro"], WIRE, patience)


async def test_the_bill_of_an_order_outlives_its_polls(keyed: Settings) -> None:
    """What the first answer says was used is passed out with the pictures of the last."""
    pending = httpx.Response(200, json={"id": "t", "status": "Pending"})
    drawn = await draw_flux(keyed, [pending, pending, httpx.Response(200, json=READY)])
    assert drawn == Answer(200, [DrawnImage(url=LINK)], Usage(usd=0.03))


async def test_a_poll_that_is_lost_is_sent_again(keyed: Settings) -> None:
    """A poll orders nothing, so one without an answer, or with the vendor's hiccup, costs a moment only."""
    lost = [httpx.ReadTimeout("slow"), httpx.ConnectError("down"), httpx.Response(503), httpx.Response(200, json=READY)]
    assert (await draw_flux(keyed, list(lost))).images == [DrawnImage(url=LINK)]


@pytest.mark.parametrize("poll", [httpx.Response(200, json={"status": "Pending"}), httpx.ConnectError("down")])
async def test_polling_ends_when_time_is_up(keyed: Settings, poll: httpx.Response | Exception) -> None:
    """An order that is pending for ever is given up, and may have been billed even if no poll got through."""
    with pytest.raises(UpstreamTimeoutError) as failed:
        await draw_flux(keyed, [poll], patience=0.1)
    assert (failed.value.billed, failed.value.provider) == ("unknown", "bfl")


async def test_a_silent_vendor_is_given_up_after_the_callers_patience(keyed: Settings) -> None:
    """The patience of one call goes before the usual one."""
    catalog = load_catalog()
    async with vendor(stay_silent) as base_url:
        settings = keyed.model_copy(update={"openai_base_url": base_url})
        async with make_client(settings, None) as client:
            caller = Caller(client, Targets.from_settings(settings, catalog), 30.0)
            with pytest.raises(UpstreamTimeoutError):
                await caller.draw(catalog.models["gpt-image-2.5-flare"], WIRE, 0.05)


async def test_an_error_names_who_was_called(keyed: Settings) -> None:
    """Recraft speaks OpenAI's dialect; its refusals are Recraft's."""
    catalog = load_catalog()
    settings = keyed.model_copy(update={"recraft_api_key": SecretStr("sk-r")})
    transport = httpx.MockTransport(lambda request: httpx.Response(429, text="slow down"))
    async with make_client(settings, transport) as client:
        caller = Caller(client, Targets.from_settings(settings, catalog), 30.0)
        with pytest.raises(RateLimitedError, match=r"^recraft: too many requests") as failed:
            await caller.draw(catalog.models["recraftv3"], WIRE)
    assert failed.value.provider == "recraft"


async def test_tokens_are_passed_out(keyed: Settings, png: bytes) -> None:
    """What a dialect reads of the vendor's usage comes with the pictures."""
    body = {"data": [{"b64_json": base64.b64encode(png).decode()}], "usage": {"input_tokens": 5, "output_tokens": 196}}
    catalog = load_catalog()
    async with make_client(keyed, httpx.MockTransport(lambda request: httpx.Response(200, json=body))) as client:
        caller = Caller(client, Targets.from_settings(keyed, catalog), 30.0)
        drawn = await caller.draw(catalog.models["gpt-image-2.6-flare"], WIRE)
    assert drawn.usage == Usage(text_input_tokens=5, image_output_tokens=196)
