"""The same requests to a service that runs already, over a real loopback connection."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from serve.app import create_app
from serve.batches.bodies import read_body
from serve.batches.in_process import open_in_process
from serve.batches.over_http import OverHttp, open_over_http
from serve.batches.picture_files import Target
from serve.batches.plan import BatchRules
from serve.batches.session import draw_one
from serve.errors import InvalidRequestError, ServiceError, StoreError
from serve.sandbox.app import Sandbox, create_sandbox
from serve.settings import Settings
from tests.serve.batches.conftest import CLOCK, PROMPTS, Bench, Scene, ServeOnPort
from tests.serve.conftest import MakeClassifier

BANNER = 'a banner: "SALE 50% OFF"'
KEY = SecretStr("s3cret")
StartService = Callable[..., tuple[str, Sandbox]]
Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def start_service(tmp_path: Path, make_classifier: MakeClassifier, serve_on_port: ServeOnPort) -> StartService:
    """Serves the whole application on the test's home and a loopback port; its URL, and the sandbox behind it."""

    def start(**changes: object) -> tuple[str, Sandbox]:
        sandbox = create_sandbox()
        settings = Settings(home=tmp_path / "home").model_copy(update=changes)
        transport = httpx.ASGITransport(app=sandbox)
        app = create_app(settings, classifier=make_classifier(), transport=transport, clock=CLOCK)
        return serve_on_port(app), sandbox

    return start


async def test_one_prompt_comes_as_the_vendor_drew_it(start_service: StartService, tmp_path: Path) -> None:
    """The bytes of the service's own store, the decision, and what moved the classifier as in process."""
    url, _ = start_service()
    async with open_over_http(url, Settings(home=tmp_path / "mine"), CLOCK) as gateway:
        body = read_body(BANNER, {"n": 2}, {})
        drawing = await draw_one(gateway, body, Target.of(tmp_path / "b.png"), force=False, explained=True)
    stored = {path.read_bytes() for path in (tmp_path / "home" / "images").iterdir()}
    assert len(drawing.files) == 2
    assert {path.read_bytes() for path in drawing.files} == stored
    routing = drawing.reply.routing
    assert routing is not None
    assert (routing.intent, routing.model, routing.sandbox) == ("text_heavy", "ideogram-v2a", True)
    assert drawing.explanation is not None
    assert drawing.explanation.prediction.probabilities == routing.probabilities
    assert [word.text for word in drawing.explanation.words] == BANNER.split()


async def test_a_running_service_is_said_to_hold_the_store(start_service: StartService, tmp_path: Path) -> None:
    """In process, the error offers the way that works."""
    start_service()
    with pytest.raises(StoreError, match=r"gateway\.db is in use.*--url http://127\.0\.0\.1:8000"):
        async with open_in_process(Settings(home=tmp_path / "home"), CLOCK):
            pass


async def test_a_store_that_is_broken_is_not_said_to_be_in_use(tmp_path: Path) -> None:
    """Its own error says what to do."""
    (tmp_path / "gateway.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError) as caught:
        async with open_in_process(Settings(home=tmp_path), CLOCK):
            pass
    assert "--url" not in str(caught.value)


@pytest.mark.parametrize("key", [None, KEY])
async def test_what_began_in_process_goes_on_over_http(
    key: SecretStr | None, bench: Bench, start_service: StartService, tmp_path: Path
) -> None:
    """On the same home a request keeps its key: the service tells its answer again and calls nobody."""
    async with bench(api_key=key) as scene:
        await scene.draw(PROMPTS)
        scene.forget_the_end_of(1, 2, 3, 4)
    url, sandbox = start_service(api_key=key)
    settings = Settings(home=tmp_path / "mine").model_copy(update={"api_key": key})
    async with open_over_http(url, settings, CLOCK) as gateway:
        tally, _ = await Scene(gateway, sandbox, scene.folder).draw(PROMPTS, 1.0)
    assert (tally.done, tally.complete, sandbox.ledger.totals["calls"]) == (4, True, 0)


async def test_a_batch_over_http_is_drawn_once(start_service: StartService, tmp_path: Path) -> None:
    """Within its ceiling, and the second run calls nobody."""
    url, sandbox = start_service()
    async with open_over_http(url, Settings(home=tmp_path / "mine"), CLOCK) as gateway:
        scene = Scene(gateway, sandbox, tmp_path / "out")
        first, purse = await scene.draw(PROMPTS, 0.05)
        second, _ = await scene.draw(PROMPTS, 1.0)
    assert (first.done, first.left, purse.left, second.done, second.complete) == (2, 2, 0.01, 2, True)
    assert sandbox.ledger.totals["billed_images"] == 4


class _Busy(httpx.AsyncBaseTransport):
    """The way to a service, on which one decision passes and nothing comes of the next so many."""

    def __init__(self, trouble: Answer, times: int) -> None:
        self._network = httpx.AsyncHTTPTransport()
        self._trouble = trouble
        self._decisions = iter([False, *[True] * times])

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/route" and next(self._decisions, False):
            return self._trouble(request)
        return await self._network.handle_async_request(request)

    async def aclose(self) -> None:
        await self._network.aclose()


def _timeout(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("no answer")


@pytest.fixture(params=[429, 502, 503, "timeout"])
def trouble(request: pytest.FixtureRequest) -> Answer:
    """What comes instead of a decision: something before the service speaks, or nobody."""
    status = request.param
    return _timeout if status == "timeout" else lambda _: httpx.Response(status, content=b"<html>busy")


async def test_what_cannot_be_priced_is_not_sent(trouble: Answer, start_service: StartService, tmp_path: Path) -> None:
    """Its price is not known to be nothing: it fails alone, leaves no trace, and is drawn the next time."""
    url, sandbox = start_service()
    async with open_over_http(url, Settings(home=tmp_path / "mine"), CLOCK, _Busy(trouble, 1)) as gateway:
        scene = Scene(gateway, sandbox, tmp_path / "out")
        first, purse = await scene.draw(PROMPTS, 0.05, BatchRules(concurrency=1))
        told = scene.notes.lines[0]
        assert (first.failed, first.done, first.left, purse.spent) == (1, 2, 1, 0.04)
        assert [line.index for line in scene.manifest] == [2, 3]
        assert told[1] is not None
        assert told[1].message.startswith("not sent")
        second, purse = await scene.draw(PROMPTS, 0.08)
    assert (second.complete, purse.spent, sandbox.ledger.totals["usd"]) == (True, 0.08, 0.08)
    assert all("max_cost" in line.wishes for line in scene.manifest)


async def test_what_is_asked_for_again_without_a_price_stays_open(
    trouble: Answer, start_service: StartService, tmp_path: Path
) -> None:
    """It went out without a limit and may be drawn: its key is kept, and gets the picture once a price is known."""
    url, sandbox = start_service()
    async with open_over_http(url, Settings(home=tmp_path / "mine"), CLOCK) as gateway:
        scene = Scene(gateway, sandbox, tmp_path / "out")
        await scene.draw(["a fox"])
    scene.forget_the_end_of(1)
    started = scene.manifest
    async with open_over_http(url, Settings(home=tmp_path / "mine"), CLOCK, _Busy(trouble, 1)) as scene.gateway:
        first, _ = await scene.draw(["a fox"], 1.0)
        assert (first.complete, scene.manifest) == (False, started)
        second, _ = await scene.draw(["a fox"], 1.0)
    assert (second.complete, scene.manifest[0].key) == (True, started[0].key)
    assert sandbox.ledger.totals["billed_images"] == 1


async def test_a_missing_key_is_told_and_nothing_drawn(start_service: StartService, tmp_path: Path) -> None:
    """The service's own words say which header it wants."""
    url, sandbox = start_service(api_key=KEY)
    async with open_over_http(url, Settings(home=tmp_path / "mine"), CLOCK) as gateway:
        with pytest.raises(ServiceError, match="API key"):
            await Scene(gateway, sandbox, tmp_path / "out").draw(PROMPTS)
    assert sandbox.ledger.totals["calls"] == 0


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://localhost", "http://", "http://[", "not a url"])
async def test_what_is_no_url_is_refused(url: str) -> None:
    """Before any connection."""
    with pytest.raises((InvalidRequestError, ConnectionError), match="prompt-intent serve"):
        async with open_over_http(url, Settings(), CLOCK):
            pass


@pytest.mark.parametrize("page", [b"<html>hello", b"[1]", b'{"status": "up"}'])
async def test_another_server_is_not_taken_for_a_service(page: bytes) -> None:
    """Whatever else listens there gets no prompt."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, content=page)

    with pytest.raises(InvalidRequestError, match="not where prompt-intent serves"):
        async with open_over_http("http://localhost:1", Settings(), CLOCK, httpx.MockTransport(answer)):
            pass
    assert asked == ["/readyz"]


def _service(answer: Answer) -> httpx.MockTransport:
    """A service that is ready, and answers everything else so."""

    def respond(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"sandbox": True}) if request.url.path == "/readyz" else answer(request)

    return httpx.MockTransport(respond)


def _error(status: int, code: str) -> httpx.Response:
    return httpx.Response(
        status, json={"error": {"message": "no", "type": "server_error", "param": None, "code": code}}
    )


def _cut(request: httpx.Request) -> httpx.Response:
    raise httpx.RemoteProtocolError("cut")


@pytest.mark.parametrize(
    ("answer", "settled", "billed"),
    [
        (_cut, False, "no"),
        (lambda request: httpx.Response(502, content=b"<html>bad gateway"), False, "no"),
        (lambda request: httpx.Response(200, content=b"<html>welcome"), False, "no"),
        (lambda request: _error(409, "request_in_progress"), False, "no"),
        (lambda request: _error(500, "internal_error"), False, "no"),
        (lambda request: _error(504, "upstream_timeout"), True, "unknown"),
        (lambda request: _error(404, "not_found"), True, "unknown"),
        (lambda request: _error(400, "invalid_value"), True, "no"),
        (lambda request: _error(429, "overloaded"), True, "no"),
    ],
)
async def test_what_is_known_after_a_failure(*, answer: Answer, settled: bool, billed: str) -> None:
    """Where nobody says what became of it, the same key asks again; a call that was cut off may be on a bill."""
    async with open_over_http("http://localhost:1", Settings(), CLOCK, _service(answer)) as gateway:
        reply = await gateway.draw(read_body("a fox", {}, {}), "key")
    assert reply.error is not None
    assert (reply.settled, reply.billed) == (settled, billed)


async def test_a_service_that_went_away_ends_the_run() -> None:
    """No connection is another thing than no answer."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    async with open_over_http("http://localhost:1", Settings(), CLOCK, _service(refuse)) as gateway:
        with pytest.raises(ConnectionError, match="nobody answers at http://localhost:1"):
            await gateway.draw(read_body("a fox", {}, {}), "key")


async def test_a_request_may_take_as_long_as_its_deadline() -> None:
    """The client waits a while longer than the service may take."""
    waited: list[float] = []

    def note(request: httpx.Request) -> httpx.Response:
        waited.append(request.extensions["timeout"]["read"])
        assert json.loads(request.content)["prompt"] == "a fox"
        return _error(400, "invalid_value")

    async with open_over_http("http://localhost:1", Settings(deadline=200), CLOCK, _service(note)) as gateway:
        assert isinstance(gateway, OverHttp)
        for wishes in ({}, {"deadline_ms": 500_000}):
            await gateway.draw(read_body("a fox", {}, wishes), "key")
    assert waited == [230.0, 530.0]
