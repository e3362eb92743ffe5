"""A real service, killed and stopped at several moments: no answer that was given is lost, no key is billed twice."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn

from serve.sandbox.app import Sandbox, create_sandbox
from serve.sandbox.faults import FaultPlan, FaultRule
from tests.conftest import ROOT

KEYS = 24
AT_ONCE = 6
MODEL = "gpt-image-2.5-flare"
Asked = Mapping[int, asyncio.Task[httpx.Response]]
Moment = Callable[[Asked], Awaitable[None]]


@contextmanager
def _vendors(*faults: FaultRule) -> Iterator[tuple[Sandbox, str]]:
    """The sandbox on a port of its own, outliving every service; each picture takes it a moment."""
    sandbox = create_sandbox(FaultPlan((FaultRule(latency_ms=100), *faults)))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(sandbox, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    yield sandbox, f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)
    assert not thread.is_alive()


@contextmanager
def _service(home: Path, vendors: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`prompt-intent serve` as a process, and its address."""
    settings = {
        "PROMPT_INTENT_HOME": str(home),
        "PROMPT_INTENT_SANDBOX": "off",
        "PROMPT_INTENT_PUBLIC_URL": "https://pictures.example",
        "OPENAI_API_KEY": "any",
        "OPENAI_BASE_URL": f"{vendors}/openai/v1",
    }
    command = [sys.executable, "-c", "from classifier.cli import main; main()", "serve", "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ | settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            yield process, next(found[0] for line in lines if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        finally:
            process.kill()


async def _live(home: Path, vendors: str, killed_at: Moment | None) -> dict[int, httpx.Response]:
    """One life of the service: every key is asked for, a few at once, up to the kill; the answers that came."""
    with _service(home, vendors) as (process, address):
        async with httpx.AsyncClient(base_url=address, timeout=60) as client:
            turn = asyncio.Semaphore(AT_ONCE)
            asked = {number: asyncio.create_task(_ask(client, number, turn)) for number in range(KEYS)}
            if killed_at is not None:
                await killed_at(asked)
                os.kill(process.pid, signal.SIGKILL)
            ended = await asyncio.gather(*asked.values(), return_exceptions=True)
            answers = {number: end for number, end in enumerate(ended) if isinstance(end, httpx.Response)}
            if killed_at is None:
                await _see_pictures(client, answers)
    return answers


async def _ask(client: httpx.AsyncClient, number: int, turn: asyncio.Semaphore) -> httpx.Response:
    body = {"prompt": f"fox number {number}.", "model": MODEL, "quality": "low"}
    async with turn:
        return await client.post("/v1/generate", json=body, headers={"Idempotency-Key": f"key-{number}"})


async def _see_pictures(client: httpx.AsyncClient, answers: Mapping[int, httpx.Response]) -> None:
    for answer in answers.values():
        if answer.status_code == 200:
            [entry] = answer.json()["data"]
            assert (await client.get(f"/v1/images/{entry['id']}")).status_code == 200


async def _first_answer(asked: Asked) -> None:
    await asyncio.wait(asked.values(), return_when=asyncio.FIRST_COMPLETED)


async def _some_answers(asked: Asked) -> None:
    for task in asyncio.as_completed(asked.values()):
        await task
        if sum(each.done() for each in asked.values()) >= KEYS // 2:
            return


def _first_call(sandbox: Sandbox) -> Moment:
    """The vendor has just heard of one: it draws and bills, and the service waits."""
    heard = sandbox.ledger.totals["calls"]

    async def moment(asked: Asked) -> None:
        while sandbox.ledger.totals["calls"] == heard:  # noqa: ASYNC110 - the sandbox is in another thread
            await asyncio.sleep(0.002)

    return moment


def _bills(sandbox: Sandbox) -> Counter[int]:
    prompts = [call.request["prompt"] for call in sandbox.ledger.calls if call.usd]  # type: ignore[index]
    return Counter(int(re.findall(r"\d+", prompt)[0]) for prompt in prompts)


async def test_kill_9_loses_no_answer_and_bills_nothing_twice(tmp_path: Path) -> None:
    """Killed three times, asked again with the same keys each time, by the vendor's own ledger."""
    given: dict[int, httpx.Response] = {}
    with _vendors() as (sandbox, vendors):
        for moment in (_first_call(sandbox), _first_answer, _some_answers, None):
            answers = await _live(tmp_path, vendors, moment)
            for number, answer in answers.items():
                # Once said, always said: what came before a kill comes after it, to the last byte.
                assert answer.content == given.setdefault(number, answer).content
        bills = _bills(sandbox)
    assert set(given) == set(range(KEYS))
    drawn = {number for number, answer in given.items() if answer.status_code == 200}
    lost = {number for number, answer in given.items() if answer.status_code == 504}
    assert drawn | lost == set(range(KEYS))
    # The kills came in the middle of things.
    assert drawn
    assert lost
    assert all(bills[number] == 1 for number in drawn)
    assert all(bills[number] <= 1 for number in lost)
    assert {given[number].headers["x-should-retry"] for number in lost} == {"false"}


async def test_a_service_that_is_stopped_asks_nobody_again(tmp_path: Path) -> None:
    """SIGTERM while a vendor has it wait: the caller is told at once, nothing is billed, and the next process draws."""
    with _vendors(FaultRule(first=1, status=429, retry_after=15)) as (sandbox, vendors):
        with _service(tmp_path, vendors) as (process, address):
            async with httpx.AsyncClient(base_url=address, timeout=60) as client:
                asked = asyncio.create_task(_ask(client, 0, asyncio.Semaphore()))
                await _first_call(sandbox)({0: asked})
                process.terminate()
                stopped = await asked
            process.communicate(timeout=60)
        calls = sandbox.ledger.totals["calls"]
        again = (await _live(tmp_path, vendors, None))[0]
    assert (stopped.status_code, stopped.json()["error"]["code"]) == (503, "shutting_down")
    assert "x-should-retry" not in stopped.headers
    assert [attempt["outcome"] for attempt in stopped.json()["routing"]["attempts"]] == ["rate_limited"]
    assert (calls, process.returncode, again.status_code) == (1, -signal.SIGTERM, 200)
