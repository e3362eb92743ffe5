"""`stream: true`: whole events, the right status for what is known in time, signs of life, late errors."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest
from openai.types import ImageGenCompletedEvent

from serve.clock import Clock
from serve.event_stream import PING, PING_SECONDS
from serve.sandbox.app import create_sandbox
from serve.sandbox.faults import FaultPlan, FaultRule
from tests.serve.face.conftest import TODAY, Held

PATH = "/v1/images/generations"
FOX = {"model": "gpt-image-2.5-flare", "prompt": "a red fox", "stream": True}


def sandboxed(*rules: FaultRule) -> Held:
    """The sandbox behind a door."""
    return Held(httpx.ASGITransport(app=create_sandbox(FaultPlan(rules))))


def into(doors: list[Held]) -> Callable[[httpx.AsyncBaseTransport], Held]:
    """Puts a door before a transport, and into the list."""

    def held(beyond: httpx.AsyncBaseTransport) -> Held:
        doors.append(Held(beyond))
        return doors[-1]

    return held


async def _hurried(seconds: float) -> None:
    await asyncio.sleep(0.01 if seconds == PING_SECONDS else 0)


HURRIED = Clock(today=lambda: TODAY, sleep=_hurried)


def events_of(body: str) -> list[dict[str, Any]]:
    """The data of every event, each checked to stand under its own type."""
    told = []
    for block in body.split("\n\n"):
        if block and not block.startswith(":"):
            kind, data = block.split("\n")
            told.append(json.loads(data.removeprefix("data: ")))
            assert kind == f"event: {told[-1].get('type', 'error')}"
    return told


async def late(
    client: httpx.AsyncClient, pulse: Any, door: Held, beats: int, body: dict[str, Any] = FOX
) -> httpx.Response:
    """The answer to a request during which so many signs of life are due before the vendor answers."""
    asking = asyncio.create_task(client.post(PATH, json=body))
    assert await asyncio.to_thread(door.reached.wait, 60)
    pulse.beat(beats)
    # As many turns of the loop as it takes to hear them all.
    for _ in range(50):
        await asyncio.sleep(0)
    door.opened.set()
    return await asking


def test_events_are_typed(serve_face: Callable[..., Any]) -> None:
    """A picture an event, with every field that the SDK's type has; partial pictures are taken and not sent."""
    client = serve_face().sdk()
    told = list(client.images.generate(**FOX, n=2, size="1280x720", output_format="webp", partial_images=2))
    for event in told:
        assert isinstance(event, ImageGenCompletedEvent)
        assert ImageGenCompletedEvent.model_validate(event.model_dump())
        assert base64.b64decode(event.b64_json)[8:12] == b"WEBP"
        assert (event.size, event.output_format, event.quality) == ("1280x720", "webp", "auto")
        assert event.usage.output_tokens == 2 * 196
        assert event.model_extra is not None
        assert event.model_extra["routing"]["warnings"] == ["partial_images dropped: only whole pictures are sent"]
    assert len({event.model_extra["id"] for event in told}) == 2


def test_a_vendor_without_tokens_counts_zero(serve_face: Callable[..., Any]) -> None:
    """The SDK's event has no place for a missing usage."""
    [event] = serve_face().sdk().images.generate(model="imagen-4-fast", prompt="a red fox", stream=True)
    assert event.usage.total_tokens == 0
    assert event.size == "1024x1024"


async def test_what_is_told_in_time_has_facts_in_its_headers(in_process: Callable[..., Any]) -> None:
    """The head waits for the answer, so it can say who drew; nobody on the way may collect or keep it."""
    async with in_process() as client:
        answer = await client.post(PATH, json=FOX)
    assert answer.headers["x-prompt-intent-model"] == "gpt-image-2.5-flare"
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert (answer.headers["cache-control"], answer.headers["x-accel-buffering"]) == ("no-store", "no")
    assert not answer.text.startswith(":")


async def test_signs_of_life_while_the_vendor_draws(in_process: Callable[..., Any], pulse: Any) -> None:
    """One comment each time it is due, then the picture with a link to it."""
    door = sandboxed()
    async with in_process(door) as client:
        answer = await late(client, pulse, door, beats=3)
        [event] = events_of(answer.text)
        linked = await client.get(event["url"])
    assert answer.status_code == 200
    assert answer.text.startswith(PING.decode() * 3 + "event: ")
    assert base64.b64decode(event["b64_json"]) == linked.content


@pytest.mark.parametrize(
    ("rule", "status", "code"),
    [
        (FaultRule(status=400, code="invalid_value"), 400, "invalid_value"),
        (FaultRule(effect="content_block"), 400, "moderation_blocked"),
        (FaultRule(effect="cut_after"), 504, "upstream_timeout"),
    ],
)
async def test_an_error_in_time_has_its_status_and_a_late_one_is_an_event(
    rule: FaultRule, status: int, code: str, in_process: Callable[..., Any], pulse: Any
) -> None:
    """The same failure, before and after the first sign of life; both carry the attempts."""
    door = sandboxed(rule)
    async with in_process(door, attempts=1) as client:
        later = await late(client, pulse, door, beats=1)
        soon = await client.post(PATH, json=FOX)
    assert (soon.status_code, soon.json()["error"]["code"]) == (status, code)
    assert later.status_code == 200
    assert later.text.startswith(PING.decode())
    [event] = events_of(later.text.removeprefix(PING.decode()))
    assert event["error"] == soon.json()["error"]
    assert event["routing"]["attempts"][0]["outcome"] == soon.json()["routing"]["attempts"][0]["outcome"]


class _Broken(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise ArithmeticError("a secret of ours")


async def test_a_late_crash_is_told_and_tells_nothing(in_process: Callable[..., Any], pulse: Any) -> None:
    """An exception nobody expected ends the stream with our usual words, none of its own."""
    door = Held(_Broken())
    async with in_process(door) as client:
        answer = await late(client, pulse, door, beats=1)
    [event] = events_of(answer.text)
    assert event["error"]["code"] == "internal_error"
    assert "secret" not in answer.text


async def test_a_replay_whose_picture_was_deleted_is_a_404(in_process: Callable[..., Any], tmp_path: Any) -> None:
    """Streamed as well: what is known in time is no 200."""
    headers = {"Idempotency-Key": "k"}
    async with in_process() as client:
        first = await client.post(PATH, json=FOX, headers=headers)
        for picture in (tmp_path / "in-process" / "images").iterdir():
            picture.unlink()
        again = await client.post(PATH, json=FOX, headers=headers)
    assert (first.status_code, again.status_code) == (200, 404)
    assert again.json()["error"]["code"] == "not_found"


async def test_a_replay_whose_picture_cannot_be_read_is_not_drawn_again(
    in_process: Callable[..., Any], tmp_path: Any
) -> None:
    """It is paid for: the status tells of the failure, and clients are told not to repeat it on their own."""
    headers = {"Idempotency-Key": "k"}
    async with in_process() as client:
        first = await client.post(PATH, json=FOX, headers=headers)
        for picture in (tmp_path / "in-process" / "images").iterdir():
            picture.unlink()
            picture.mkdir()
        again = await client.post(PATH, json=FOX, headers=headers)
    assert (first.status_code, again.status_code, again.headers["x-should-retry"]) == (200, 500, "false")
    assert again.json()["error"]["code"] == "storage_error"


def test_the_sdk_raises_a_late_error(serve_face: Callable[..., Any]) -> None:
    """Its own APIError, with our code, out of an event; and it does not ask again."""
    doors: list[Held] = []
    face = serve_face(FaultRule(effect="cut_after"), held=into(doors), clock=HURRIED)
    stream = face.sdk(max_retries=2).images.generate(**FOX)
    doors[0].opened.set()
    with pytest.raises(openai.APIError) as caught:
        list(stream)
    assert caught.value.code == "upstream_timeout"
    assert face.asked == [PATH]


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_loses_nothing(*, stream: bool, serve_face: Callable[..., Any]) -> None:
    """The vendor's picture is kept although nobody waits, and the key gets it later without a second bill."""
    doors: list[Held] = []
    face = serve_face(held=into(doors), clock=HURRIED)
    asked = {"json": {**FOX, "stream": stream}, "headers": {"Idempotency-Key": "k"}}
    client = face.http()
    if stream:
        with client.stream("POST", PATH, **asked) as response:
            assert next(response.iter_raw()).startswith(PING)
    else:
        with pytest.raises(httpx.ReadTimeout):
            client.post(PATH, timeout=httpx.Timeout(5, read=0.2), **asked)
    assert doors[0].reached.wait(60)
    doors[0].opened.set()
    again = client.post(PATH, **asked)
    assert again.status_code == 200
    assert face.sandbox.ledger.totals["calls"] == 1
    assert "b64_json" in again.text


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}])
async def test_the_service_ends_after_the_work_whose_caller_has_gone(
    headers: dict[str, str], in_process: Callable[..., Any], tmp_path: Any
) -> None:
    """What is paid for is kept before the process stops."""
    door = sandboxed()
    async with in_process(door) as client:
        asking = asyncio.create_task(client.post(PATH, json={**FOX, "stream": False}, headers=headers))
        assert await asyncio.to_thread(door.reached.wait, 60)
        asking.cancel()
        # Only after the service was told to end.
        asyncio.get_running_loop().call_later(0.05, door.opened.set)
    assert len(list((tmp_path / "in-process" / "images").glob("*.png"))) == 1
