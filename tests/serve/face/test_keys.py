"""Idempotency keys through OpenAI's SDK: equal requests share one answer and one bill, another body is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import openai
import pytest

FOX = {"model": "imagen-4-fast", "prompt": "a red fox"}
KEY = {"Idempotency-Key": "order-1"}


async def test_equal_requests_share_one_answer(serve_face: Callable[..., Any]) -> None:
    """At once or later, an equal body gets the same picture, and the vendor is asked once."""
    face = serve_face()
    async with openai.AsyncOpenAI(api_key="any", base_url=f"{face.url}/v1", max_retries=0) as client:
        together = [client.images.generate(**FOX, extra_headers=KEY) for _ in range(4)]
        answers = [*await asyncio.gather(*together), await client.images.generate(**FOX, extra_headers=KEY)]
    assert len({answer.data[0].id for answer in answers}) == 1
    assert len({answer.data[0].b64_json for answer in answers}) == 1
    assert face.sandbox.ledger.totals == {"calls": 1, "billed_calls": 1, "billed_images": 1, "usd": 0.02}


@pytest.mark.parametrize("change", [{"prompt": "a blue fox"}, {"n": 2}, {"stream": True}, {"response_format": "url"}])
def test_another_body_is_refused(change: dict[str, Any], serve_face: Callable[..., Any]) -> None:
    """422 in the SDK's own class; nothing is drawn for it."""
    face = serve_face()
    client = face.sdk()
    client.images.generate(**FOX, extra_headers=KEY)
    with pytest.raises(openai.UnprocessableEntityError) as caught:
        client.images.generate(**{**FOX, **change}, extra_headers=KEY)
    assert caught.value.code == "idempotency_mismatch"
    assert face.sandbox.ledger.totals["calls"] == 1


def test_a_null_is_the_same_as_nothing(serve_face: Callable[..., Any]) -> None:
    """Clients that send every field they know ask for the same thing."""
    face = serve_face()
    http = face.http(headers=KEY)
    first = http.post("/v1/images/generations", json=FOX).json()
    again = http.post("/v1/images/generations", json={**FOX, "size": None, "seed": None}).json()
    assert again["data"][0]["id"] == first["data"][0]["id"]


def test_keys_of_different_callers_are_different_keys(serve_face: Callable[..., Any]) -> None:
    """A caller is who sends another API key: nobody gets somebody else's picture."""
    face = serve_face()
    one, other = (face.sdk(api_key=name).images.generate(**FOX, extra_headers=KEY) for name in ("one", "other"))
    assert one.data[0].id != other.data[0].id


def test_a_stream_is_replayed_as_a_stream(serve_face: Callable[..., Any]) -> None:
    """The events of the second request hold the first one's pictures, in order."""
    face = serve_face()
    first, again = (
        [(event.model_extra["id"], event.b64_json) for event in face.sdk().images.generate(
            **FOX, n=2, stream=True, extra_headers=KEY
        )]
        for _ in range(2)
    )  # fmt: skip
    assert first == again
    assert len(first) == 2
    assert face.sandbox.ledger.totals["calls"] == 1
