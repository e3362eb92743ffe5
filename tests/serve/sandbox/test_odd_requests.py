"""Requests that no client of ours sends: the sandbox answers them all, in the vendor's envelope."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serve.sandbox.app import create_sandbox

CallOf = Callable[[str], tuple[str, dict[str, str], dict[str, Any]]]

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9)
)
ANY_JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


def posted(path: str, headers: dict[str, str], **content: Any) -> tuple[httpx.Response, dict[str, Any]]:
    """The answer of a fresh sandbox, and its ledger."""

    async def exchange() -> tuple[httpx.Response, dict[str, Any]]:
        transport = httpx.ASGITransport(app=create_sandbox())
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox.test") as client:
            answer = await client.post(path, headers=headers, **content)
            return answer, (await client.get("/__ledger")).json()

    return asyncio.run(exchange())


@pytest.mark.parametrize("dialect", ["dalle", "gpt", "imagen", "gemini", "legacy", "v2", "flux", "recraft"])
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_json_gets_an_answer_in_json(*, dialect: str, data: st.DataObject, call: CallOf) -> None:
    """Whatever a field holds, the vendor draws or refuses it and writes it down: nothing crashes."""
    path, headers, body = call(dialect)
    inner = next((value for value in body.values() if isinstance(value, dict)), body)
    names = st.sampled_from([*body, *inner, "n", "size", "seed", "imageConfig", "resolution", "num_images", "width"])
    changes = data.draw(st.dictionaries(names, ANY_JSON, max_size=3))
    nested = {key: {**value, **changes} if isinstance(value, dict) else value for key, value in body.items()}
    odd = data.draw(st.sampled_from([{**body, **changes}, nested]))
    answer, ledger = posted(path, headers, json=odd)
    assert answer.status_code in (200, 400, 404, 422)
    assert isinstance(answer.json(), dict)
    assert ledger["calls"][0]["request"] == odd


@pytest.mark.parametrize("text", ['"\\ud800"', "NaN", "1e999", "[" * 100_000])
@pytest.mark.parametrize("dialect", ["gpt", "gemini", "legacy"])
def test_json_that_cannot_be_written_back_is_no_json(dialect: str, text: str, call: CallOf) -> None:
    """Lone surrogates, NaN, infinity and endless nesting are refused, and the ledger can still be shown."""
    path, headers, _ = call(dialect)
    answer, ledger = posted(path, headers, content=f'{{"prompt": {text}}}'.encode())
    assert answer.status_code == 400
    assert ledger["calls"][0]["request"] is None
