"""OpenAI's own SDK as the judge of the service: another `base_url`, and nothing else, makes it work."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

import openai
import pytest
from openai.types import ImageGenCompletedEvent, ImagesResponse
from PIL import Image
from pydantic import SecretStr

from serve.sandbox.faults import FaultRule

BANNER = "banner: SALE 50% OFF, bold orange letters"
FLARE = "gpt-image-2.5-flare"
TEXT_HEAVY = {"intent": "text_heavy"}


def picture_of(encoded: str | None) -> Image.Image:
    """A base64 picture, decoded."""
    image = Image.open(io.BytesIO(base64.b64decode(encoded or "", validate=True)))
    image.load()
    return image


def routing_of(answer: Any) -> dict[str, Any]:
    """Our part of a typed answer or event."""
    return answer.model_extra["routing"]


def test_auto_routes_by_the_prompt(serve_face: Callable[..., Any]) -> None:
    """`model="auto"` is answered as base64 by the intent's model, with the whole decision in `model_extra`."""
    answer = serve_face().sdk().images.generate(model="auto", prompt=BANNER)
    assert picture_of(answer.data[0].b64_json).format == "PNG"
    assert answer.data[0].url is None
    routing = routing_of(answer)
    assert (routing["intent"], routing["model"], routing["cost_usd"]) == ("text_heavy", "ideogram-v2a", 0.04)
    assert answer._request_id.startswith("req_")


async def test_the_async_client_works_alike(serve_face: Callable[..., Any]) -> None:
    """Generate, stream and list, awaited; leaving the model out is "auto"."""
    face = serve_face()
    async with openai.AsyncOpenAI(api_key="any", base_url=f"{face.url}/v1", max_retries=0) as client:
        answer = await client.images.generate(prompt="quick draft of a fox")
        events = [e async for e in await client.images.generate(prompt="quick draft of a fox", stream=True)]
        names = [model.id async for model in client.models.list()]
    assert routing_of(answer)["model"] == "imagen-4-fast"
    assert [type(event) for event in events] == [ImageGenCompletedEvent]
    assert names[0] == "auto"


@pytest.mark.parametrize(
    ("model", "intent", "logical", "vendor"),
    [
        ("preview", "preview", "imagen-4-fast", "imagen-4.0-fast-generate-001"),
        ("dalle-3-std", None, "dalle-3-std", "dall-e-3"),
        ("dall-e-3", None, "dalle-3-std", "dall-e-3"),
        (FLARE, None, FLARE, FLARE),
    ],
)
def test_model_may_be_an_intent_a_name_or_a_vendors_id(
    model: str, intent: str | None, logical: str, vendor: str, serve_face: Callable[..., Any]
) -> None:
    """An intent, a name of the story, OpenAI's own id for it, and a live model all draw, and the answer names them."""
    routing = routing_of(serve_face().sdk().images.generate(model=model, prompt="a red fox"))
    assert (routing["intent"], routing["model"], routing["vendor_model"]) == (intent, logical, vendor)


def test_openais_own_facts_are_told(serve_face: Callable[..., Any]) -> None:
    """Size, format, quality and usage are those of the picture and of the vendor's own count."""
    answer = serve_face().sdk().images.generate(
        model=FLARE, prompt="a red fox", size="1280x720", quality="low", output_format="webp", user="u-1"
    )  # fmt: skip
    picture = picture_of(answer.data[0].b64_json)
    assert (picture.format, picture.size) == ("WEBP", (1280, 720))
    assert (answer.size, answer.output_format, answer.quality) == ("1280x720", "webp", "low")
    assert answer.usage is not None
    assert answer.usage.output_tokens == answer.usage.output_tokens_details.image_tokens == 196
    assert answer.usage.total_tokens == answer.usage.input_tokens + 196


def test_what_has_no_tokens_has_no_usage(serve_face: Callable[..., Any]) -> None:
    """A vendor that bills by the picture counts none, and none are made up."""
    assert serve_face().sdk().images.generate(model="imagen-4-fast", prompt="a red fox").usage is None


def test_a_url_on_request(serve_face: Callable[..., Any]) -> None:
    """`response_format="url"` gives a link to this service, which has the picture."""
    face = serve_face()
    answer = face.sdk().images.generate(model="preview", prompt="a red fox", response_format="url", n=2)
    assert [entry.b64_json for entry in answer.data] == [None, None]
    fetched = face.http().get(answer.data[1].url)
    assert answer.data[1].url == f"{face.url}/v1/images/{answer.data[1].id}"
    assert fetched.headers["content-type"] == "image/png"


def test_our_own_wishes_go_in_extra_body(serve_face: Callable[..., Any]) -> None:
    """seed, aspect_ratio, intent, max_cost, optimize and the rest are fields beside OpenAI's."""
    wishes = {"seed": 7, "aspect_ratio": "16:9", "intent": "text_heavy", "max_cost": 0.05, "optimize": {"cost": 1}}
    face = serve_face()
    answer = face.sdk().images.generate(prompt="a red fox", extra_body=wishes)
    routing = routing_of(answer)
    reasons = {candidate["model"]: candidate["reason"] for candidate in routing["candidates"]}
    assert routing["model"] == "gpt-image-2.5-sunburst"
    assert "over max_cost 0.05" in reasons["ideogram-v2"]
    assert routing["warnings"] == ["seed dropped: gpt-image-2.5-sunburst takes none"]
    assert picture_of(answer.data[0].b64_json).size == (1280, 720)


def test_facts_in_headers(serve_face: Callable[..., Any]) -> None:
    """`with_raw_response` shows the decision's main facts without a look at the body, which parses as ever."""
    raw = serve_face().sdk().images.with_raw_response.generate(model="text_heavy", prompt="a red fox")
    answer = raw.parse()
    assert isinstance(answer, ImagesResponse)
    facts = {name: value for name, value in raw.headers.items() if name.startswith("x-prompt-intent")}
    assert facts == {
        "x-prompt-intent": "text_heavy",
        "x-prompt-intent-model": "ideogram-v2a",
        "x-prompt-intent-vendor-model": "V_2A",
        "x-prompt-intent-cost-usd": "0.040000",
        "x-prompt-intent-request": routing_of(answer)["request_id"],
    }


def test_fields_without_a_meaning_here_are_dropped_with_a_warning(serve_face: Callable[..., Any]) -> None:
    """What OpenAI takes and nobody here does costs no error; the answer says what became of it."""
    answer = serve_face().sdk().images.generate(
        model="gpt-image-2.5-sunburst", prompt="a red fox", quality="xhigh", moderation="low", style="vivid",
        output_compression=100, background="opaque", extra_body={"complexity": "high"},
    )  # fmt: skip
    assert routing_of(answer)["warnings"] == [
        "moderation dropped: this service has no such setting",
        "style dropped: this service has no such setting",
        "complexity dropped: this service has no such setting",
        "quality 'xhigh' is asked for as 'high'",
    ]
    assert (answer.quality, answer.background) == ("high", "opaque")


@pytest.mark.parametrize(
    ("wishes", "kind", "code", "param"),
    [
        ({"prompt": "sandbox-blocked", "model": FLARE}, openai.BadRequestError, "moderation_blocked", None),
        ({"extra_body": {"sede": 7}}, openai.BadRequestError, "unknown_parameter", "sede"),
        ({"size": "big"}, openai.BadRequestError, "invalid_value", "size"),
        ({"n": 99}, openai.BadRequestError, "invalid_value", "n"),
        ({"model": "imagen-99"}, openai.NotFoundError, "model_not_found", "model"),
        ({"model": ""}, openai.NotFoundError, "model_not_found", "model"),
        ({"model": "preview", "extra_body": TEXT_HEAVY}, openai.BadRequestError, "invalid_value", "intent"),
        ({"extra_body": {"max_cost": 0}}, openai.BadRequestError, "over_budget", "max_cost"),
        ({"background": "transparent", "output_format": "jpeg"}, openai.BadRequestError, "invalid_value", "background"),
        ({"extra_headers": {"Idempotency-Key": "a b"}}, openai.BadRequestError, "invalid_value", "Idempotency-Key"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_refusals_are_typed(
    *,
    wishes: dict[str, Any],
    kind: type[openai.APIStatusError],
    code: str,
    param: str | None,
    stream: bool,
    serve_face: Callable[..., Any],
) -> None:
    """The SDK raises its own class with our code, streamed or not: a refusal never hides behind a 200."""
    with pytest.raises(kind) as caught:
        serve_face().sdk().images.generate(**({"prompt": "a fox", "stream": stream} | wishes))
    assert (caught.value.code, caught.value.param) == (code, param)
    assert caught.value.request_id


def test_a_rate_limit_is_typed(serve_face: Callable[..., Any]) -> None:
    """429 in the SDK's own class, with the vendor's wait and the decision beside the error."""
    face = serve_face(FaultRule(status=429, retry_after=7), attempts=1)
    with pytest.raises(openai.RateLimitError) as caught:
        face.sdk().images.generate(model=FLARE, prompt="a fox")
    assert caught.value.code == "rate_limit_exceeded"
    assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.response.json()["routing"]["attempts"][0]["outcome"] == "rate_limited"


def test_an_unknown_outcome_is_not_asked_for_again(serve_face: Callable[..., Any]) -> None:
    """504 with x-should-retry: false, and the SDK, which would try three times, obeys: one request, one bill."""
    face = serve_face(FaultRule(effect="cut_after"))
    with pytest.raises(openai.APIStatusError) as caught:
        face.sdk(max_retries=2).images.generate(model=FLARE, prompt="a fox")
    assert (caught.value.status_code, caught.value.code) == (504, "upstream_timeout")
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert face.asked == ["/v1/images/generations"]
    assert face.sandbox.ledger.totals["calls"] == 1


def test_a_wrong_key_of_ours_is_an_authentication_error(serve_face: Callable[..., Any]) -> None:
    """The SDK's key is this service's key, if it has one."""
    face = serve_face(api_key=SecretStr("right"))
    with pytest.raises(openai.AuthenticationError) as caught:
        face.sdk(api_key="wrong").images.generate(prompt="a fox")
    assert caught.value.code == "invalid_api_key"
    assert next(model.id for model in face.sdk(api_key="right").models.list()) == "auto"


def test_models_are_listed_and_retrieved(serve_face: Callable[..., Any]) -> None:
    """Every listed id can be looked up, names with dots among them, and so can a vendor's own id."""
    client = serve_face().sdk()
    listed = {model.id: model for model in client.models.list()}
    assert {"auto", "dalle-3-std", "gpt-image-2.5-flare", "gemini-3.1-flash-lite-image"} <= set(listed)
    for name in ("auto", "preview", "dalle-3-std", "gpt-image-2.5-flare"):
        assert client.models.retrieve(name) == listed[name]
    assert client.models.retrieve("dall-e-3") == listed["dalle-3-std"]
    assert listed["dalle-3-std"].model_extra["successor"] == "gpt-image-2.5-sunburst"


@pytest.mark.parametrize("name", ["gpt-image-9", "some/where"])
def test_an_unknown_model_cannot_be_retrieved(name: str, serve_face: Callable[..., Any]) -> None:
    """404 in OpenAI's envelope."""
    with pytest.raises(openai.NotFoundError) as caught:
        serve_face().sdk().models.retrieve(name)
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


def test_a_model_that_went_during_the_traffic_shows_its_successor(serve_face: Callable[..., Any]) -> None:
    """What a vendor calls gone is looked up as what is called from now on, and still is available."""
    client = serve_face(FaultRule(effect="gone", model=FLARE)).sdk()
    routing = routing_of(client.images.generate(model=FLARE, prompt="a red fox"))
    model = client.models.retrieve(FLARE).model_extra
    assert routing["vendor_model"] == model["vendor_model"] == "gpt-image-2.6-flare"
    assert model["available"] is True
