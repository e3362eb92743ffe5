"""What a key is worth when things break: a waiter's time, the store, the process, the service's own code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from serve.attempt import Attempt
from serve.catalog import load_catalog
from serve.classification import Classification
from serve.constraints import Wishes
from serve.errors import ConflictError, IdempotencyMismatchError, StoreError, UpstreamTimeoutError
from serve.image_request import ImageRequest
from serve.job import Job, Step
from serve.settings import Settings
from serve.store import AttemptStart, RequestRecord, Store
from serve.studio import KEY_SECONDS, Key, Studio
from tests.serve.fake_time import FakeTime
from tests.serve.studio.conftest import Open

KEY = Key("caller", "order-1", "body")
NOW = FakeTime().at


def job() -> Job:
    return Job(ImageRequest("a red fox"), model="dalle-3-std")


@asynccontextmanager
async def studio_with(home: Path, *steps: Step, patience: float = 60, rebill: bool = False) -> AsyncIterator[Studio]:
    """A studio over a real store, whose work is these steps."""
    settings, time = Settings(home=home), FakeTime()
    classification = Classification(None, "none", settings, load_catalog())
    async with Store.open(settings.state.database) as store:
        await store.recover(time.at)
        yield Studio(steps, store, classification, time.clock, sandbox=True, patience=patience, rebill=rebill)


class Work:
    """A step that waits for its go, and counts how often it was taken."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.times = 0

    async def __call__(self, asked: Job) -> Job:
        self.times += 1
        await self.go.wait()
        return asked


@pytest.mark.parametrize(("patience", "wishes"), [(0.02, Wishes()), (600, Wishes(deadline_ms=20))])
async def test_only_a_waiters_own_deadline_ends_its_waiting(patience: float, wishes: Wishes, tmp_path: Path) -> None:
    """409, while the first one goes on; asking again gets its answer, and the work is done once."""
    work = Work()
    async with asyncio.timeout(30), studio_with(tmp_path, work, patience=patience) as studio:
        first = asyncio.create_task(studio.answer(job(), KEY))
        await asyncio.sleep(0)
        with pytest.raises(ConflictError):
            await studio.answer(replace(job(), wishes=wishes), KEY)
        patient = asyncio.create_task(studio.answer(replace(job(), wishes=Wishes(deadline_ms=60_000)), KEY))
        await asyncio.sleep(0)
        work.go.set()
        assert await patient == await first == await studio.answer(job(), KEY)
    assert work.times == 1


async def _die(home: Path, *, sent: bool) -> None:
    """What a process leaves that was killed with a request under way."""
    async with Store.open(Settings(home=home).state.database) as store:
        await store.claim(KEY.key, KEY.caller, KEY.fingerprint, "req_dead", NOW, KEY_SECONDS)
        await store.begin(RequestRecord("req_dead", NOW))
        if sent:
            start = AttemptStart("att", "req_dead", 1, "dalle-3-std", "dalle-3-std", "dall-e-3", "openai", NOW, 0.04)
            await store.attempt_sent(start)


@pytest.mark.parametrize(("sent", "rebill", "drawn"), [(True, False, 0), (True, True, 1), (False, False, 1)])
async def test_a_request_that_died_with_its_process(*, sent: bool, rebill: bool, drawn: int, tmp_path: Path) -> None:
    """It is drawn again where nothing was sent or the operator would pay twice; else 504 says that it may be billed."""
    await _die(tmp_path, sent=sent)
    work = Work()
    work.go.set()
    async with studio_with(tmp_path, work, rebill=rebill) as studio:
        if drawn:
            assert await studio.answer(job(), KEY) == await studio.answer(job(), KEY)
        else:
            for _ in range(2):
                with pytest.raises(UpstreamTimeoutError, match="may have been billed; send another key") as lost:
                    await studio.answer(job(), KEY)
                assert lost.value.headers == {"x-should-retry": "false"}
        with pytest.raises(IdempotencyMismatchError):
            await studio.answer(job(), replace(KEY, fingerprint="another body"))
    assert work.times == drawn


BREAK = "CREATE TRIGGER broken BEFORE {} ON requests BEGIN SELECT RAISE(ABORT, 'no room'); END"
MEND = "DROP TRIGGER broken"


async def test_a_request_that_could_not_begin_leaves_its_key_free(open_gateway: Open) -> None:
    """Nothing can be written down, so nothing is called; once it can, the same key draws."""
    async with open_gateway() as gateway:
        gateway.spoil(BREAK.format("INSERT"))
        failed = await gateway.ask("order-1")
        gateway.spoil(MEND)
        drawn = await gateway.ask("order-1")
    assert (failed.status_code, failed.json()["error"]["code"]) == (500, "storage_error")
    assert drawn.status_code == 200
    assert gateway.sandbox.ledger.totals["calls"] == 1


@pytest.mark.parametrize("mended", [True, False])
async def test_an_end_that_could_not_be_written_is_not_drawn_again(*, mended: bool, open_gateway: Open) -> None:
    """The picture is paid for: its key gets it once the store can write, and 504 before, or after a restart."""
    async with open_gateway() as gateway:
        gateway.spoil(BREAK.format("UPDATE"))
        failed, again = [await gateway.ask("order-1") for _ in range(2)]
        gateway.spoil(MEND)
        if mended:
            drawn = await gateway.ask("order-1")
    async with open_gateway(gateway.sandbox) as later:
        after = await later.ask("order-1")
    assert (failed.status_code, again.status_code, after.status_code) == (500, 504, 200 if mended else 504)
    assert {answer.headers["x-should-retry"] for answer in (failed, again)} == {"false"}
    assert gateway.bills == 1
    if mended:
        assert (drawn.status_code, drawn.content) == (200, after.content)
        assert drawn.json()["data"][0]["id"] in failed.json()["error"]["message"]
    else:
        assert after.headers["x-should-retry"] == "false"


async def test_an_operator_may_have_the_lost_drawn_again(open_gateway: Open) -> None:
    """With `PROMPT_INTENT_REBILL` a request that died after its picture was drawn is drawn, and billed, once more."""
    async with open_gateway() as gateway:
        gateway.spoil(BREAK.format("UPDATE"))
        await gateway.ask("order-1")
        gateway.spoil(MEND)
    async with open_gateway(gateway.sandbox, rebill=True) as later:
        drawn, again = [await later.ask("order-1") for _ in range(2)]
    assert (drawn.status_code, again.content) == (200, drawn.content)
    assert gateway.bills == 2


async def test_a_crash_is_not_tried_again_under_its_key(tmp_path: Path) -> None:
    """It may have been billed, and what is known of it is told: a 500 each time, and nothing runs twice."""

    async def draw(asked: Job) -> Job:
        await work(asked)
        return replace(asked, attempts=(Attempt("dalle-3-std", "dall-e-3", "ok", 200, 9.0, 0.04, "yes"),))

    async def crash(asked: Job) -> Job:
        raise RuntimeError("a bug")

    work = Work()
    work.go.set()
    async with studio_with(tmp_path, draw, crash) as studio:
        with pytest.raises(RuntimeError):
            await studio.answer(job(), KEY)
        again = await studio.answer(job(), KEY)
        assert again.error is not None
        assert (again.error.status, again.error.detail.code) == (500, "internal_error")
        assert again.error.headers == {"x-should-retry": "false"}
        assert ([attempt.outcome for attempt in again.routing.attempts], again.routing.cost_usd) == (["ok"], 0.04)
    async with Store.open(Settings(home=tmp_path).state.database) as store:
        totals = (await store.stats()).totals
        assert (totals.running, totals.failed, totals.errors) == (0, 1, {"internal_error": 1})
    assert work.times == 1


async def test_a_failing_store_hides_no_bill(tmp_path: Path) -> None:
    """Nobody knows whether the vendor drew, and the error is the store's: it tells both, each time it is asked."""

    async def draw(asked: Job) -> Job:
        lost = Attempt("dalle-3-std", "dall-e-3", "upstream_timeout", None, 9.0, 0.04, "unknown")
        return replace(asked, attempts=(lost,), failure=StoreError("no room"))

    async with studio_with(tmp_path, draw) as studio:
        first, again = [await studio.answer(job(), KEY) for _ in range(2)]
    assert first == again
    assert first.error is not None
    assert first.error.detail.message == "no room; the request may have been billed"
    assert (first.error.detail.code, first.error.headers) == ("storage_error", {"x-should-retry": "false"})


async def test_what_a_step_raises_is_an_answer(tmp_path: Path) -> None:
    """A step may raise one of our errors; it is kept like any failure, and free ones leave the key free."""

    async def refuse(asked: Job) -> Job:
        await work(asked)
        raise StoreError("no room")

    work = Work()
    work.go.set()
    async with studio_with(tmp_path, refuse) as studio:
        first, second = [await studio.answer(job(), KEY) for _ in range(2)]
    assert first.error is not None
    assert first.error.detail.code == "storage_error"
    assert first.request_id != second.request_id
    assert work.times == 2
