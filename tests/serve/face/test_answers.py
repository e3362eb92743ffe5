"""How an answer is written: pictures in JSON without a JSON encoder, facts in headers, and what a client may retry."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote

import httpx
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serve.answers import KeptAnswer, KeptImage, entries, render
from serve.catalog import load_catalog
from serve.image_store import ImageStore
from serve.pictures import Picture
from serve.reception import facts
from serve.sandbox.faults import FaultRule
from serve.schemas import GenerateResponse, Routing

PNG = b"\x89PNG\r\n\x1a\n"
ROUTING = Routing(
    request_id="req_1", intent="preview", confidence=None, probabilities=None, abstained=None, model="m",
    vendor_model="v", provider="p", reason="r", candidates=[], attempts=[], cost_usd=0.02, classifier_version=None,
    sandbox=True, warnings=[],
)  # fmt: skip
# Texts that look like what is searched for, among all others.
_TEXTS = st.none() | st.text() | st.sampled_from(['"b64_json":""', '\\"b64_json":"', 'b64_json":"",', "\\"])


@given(st.lists(st.tuples(st.binary(max_size=200), _TEXTS), max_size=4))
@settings(max_examples=25)
async def test_the_json_is_what_an_encoder_would_write(pictures: list[tuple[bytes, str | None]]) -> None:
    """Whatever the pictures and the texts beside them are, each picture is in its own place."""
    with TemporaryDirectory() as folder:
        store = ImageStore(Path(folder))
        ids = [store.keep(Picture(PNG + data, "image/png", 1, 1)) for data, _ in pictures]
        answer = KeptAnswer(
            request_id="req_1",
            created=1,
            routing=ROUTING,
            images=[
                KeptImage(id=image_id, media_type="image/png", width=1, height=1, revised_prompt=text)
                for image_id, (_, text) in zip(ids, pictures, strict=True)
            ],
        )
        shell = GenerateResponse(created=1, data=entries(answer, True, "http://x"), routing=ROUTING)
        written = await render(shell, answer.images, store)
    expected = shell.model_dump(mode="json")
    for entry, (data, _) in zip(expected["data"], pictures, strict=True):
        entry["b64_json"] = base64.b64encode(PNG + data).decode()
    assert json.loads(written) == expected


def test_names_that_no_header_can_hold_are_quoted() -> None:
    """An operator's own names may be in any script; a picture that is paid for must not be lost over that."""
    named = ROUTING.model_copy(update={"model": "модель 1", "vendor_model": "50%\r\nx: y"})
    told = facts(KeptAnswer(request_id="req_1", created=1, routing=named))
    assert all(value.isascii() and value.isprintable() and " " not in value for value in told.values())
    assert unquote(told["x-prompt-intent-model"]) == "модель 1"
    assert unquote(told["x-prompt-intent-vendor-model"]) == "50%\r\nx: y"


async def test_such_a_name_reaches_the_caller(in_process: Callable[..., Any]) -> None:
    """All the way through the app."""
    catalog = load_catalog()
    row = catalog.models["imagen-4-fast"].model_copy(update={"name": "модель"})
    catalog = catalog.model_copy(update={"models": {**catalog.models, "модель": row}})
    async with in_process(catalog=catalog) as client:
        answer = await client.post("/v1/images/generations", json={"prompt": "a fox", "model": "модель"})
    assert answer.status_code == 200
    assert answer.json()["routing"]["model"] == "модель"
    assert unquote(answer.headers["x-prompt-intent-model"]) == "модель"


def _garbled(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"data": [{"b64_json": "no base64 at all"}]})


def test_what_may_have_been_billed_is_not_asked_for_again(serve_face: Callable[..., Any]) -> None:
    """A vendor's broken success is a 502, which the SDK would repeat twice on its own, and pay for each time."""
    face = serve_face(held=lambda _: httpx.MockTransport(_garbled), attempts=1)
    with pytest.raises(openai.InternalServerError) as caught:
        face.sdk(max_retries=2).images.generate(model="gpt-image-2.5-flare", prompt="a fox")
    assert caught.value.response.json()["routing"]["attempts"][0]["billed"] == "unknown"
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert face.asked == ["/v1/images/generations"]


def test_what_cost_nothing_may_be_asked_for_again(serve_face: Callable[..., Any]) -> None:
    """After a vendor's 429 the SDK tries again, as it would at OpenAI."""
    face = serve_face(FaultRule(status=429, retry_after=0, first=1), attempts=1)
    assert face.sdk(max_retries=1).images.generate(model="gpt-image-2.5-flare", prompt="a fox").data
    assert len(face.asked) == 2


async def test_an_unknown_fields_name_is_cut_short(in_process: Callable[..., Any]) -> None:
    """The one thing of a body that an error repeats is a field's name, and that may be as long as the body."""
    async with in_process() as client:
        answer = await client.post("/v1/images/generations", json={"prompt": "a fox", "x" * 5000: 1})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "unknown_parameter", "x" * 100)
    assert error["message"] == f"{'x' * 100}: there is no such field; see /docs"
