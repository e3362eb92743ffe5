"""OpenAI's own SDK as the judge: it drives the sandbox on a real port and types its errors."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator

import openai
import pytest
from PIL import Image

from serve.sandbox.faults import FaultPlan, FaultRule

Serve = Callable[[FaultPlan], str]
Connect = Callable[..., openai.OpenAI]


@pytest.fixture
def connect(serve_on_port: Serve) -> Iterator[Connect]:
    """Opens SDK clients of a sandbox with a fault plan, without retries unless asked for, and closes them."""
    clients: list[openai.OpenAI] = []

    def open_client(*rules: FaultRule, api_key: str = "any", max_retries: int = 0) -> openai.OpenAI:
        base = serve_on_port(FaultPlan(rules))
        clients.append(openai.OpenAI(api_key=api_key, base_url=f"{base}/openai/v1", max_retries=max_retries))
        return clients[-1]

    yield open_client
    for client in clients:
        client.close()


def size_of(picture: str | None) -> tuple[str | None, tuple[int, int]]:
    """Container and pixels of a base64 picture."""
    image = Image.open(io.BytesIO(base64.b64decode(picture or "", validate=True)))
    image.load()
    return image.format, image.size


def test_gpt_image_answers_the_sdk(connect: Connect) -> None:
    """The typed answer holds real pictures of the asked size and format, and a parsed usage."""
    answer = connect().images.generate(
        model="gpt-image-2.5-flare", prompt="a red fox", n=2, size="1280x720", output_format="jpeg", quality="low"
    )
    assert [size_of(image.b64_json) for image in answer.data or []] == [("JPEG", (1280, 720))] * 2
    assert (answer.quality, answer.size, answer.output_format) == ("low", "1280x720", "jpeg")
    assert answer.usage is not None
    assert answer.usage.output_tokens == 2 * 196


def test_dalle_answers_the_sdk(connect: Connect) -> None:
    """Base64 or a link, with the revised prompt."""
    client = connect()
    inline = client.images.generate(model="dall-e-3", prompt="a fox", size="1792x1024", response_format="b64_json")
    linked = client.images.generate(model="dall-e-3", prompt="a fox", quality="hd", style="natural")
    assert inline.data is not None
    assert linked.data is not None
    assert size_of(inline.data[0].b64_json) == ("PNG", (1792, 1024))
    assert inline.data[0].revised_prompt
    assert (linked.data[0].url or "").startswith(str(client.base_url).removesuffix("v1/"))


def test_the_list_of_models_is_typed(connect: Connect) -> None:
    """Every row parses as a model."""
    models = {model.id: model for model in connect().models.list()}
    assert models["dall-e-3"].object == "model"
    assert "gpt-image-2" in models


@pytest.mark.parametrize(
    ("arguments", "kind", "code", "param"),
    [
        ({"response_format": "url"}, openai.BadRequestError, "unknown_parameter", "response_format"),
        ({"quality": "hd"}, openai.BadRequestError, "invalid_value", "quality"),
        ({"size": "1000x1000"}, openai.BadRequestError, "invalid_value", "size"),
        ({"prompt": "sandbox-blocked"}, openai.BadRequestError, "moderation_blocked", None),
        ({"model": "gpt-image-1"}, openai.NotFoundError, "model_not_found", None),
        ({"model": "dall-e-3", "n": 2}, openai.BadRequestError, "invalid_value", "n"),
    ],
)
def test_refusals_come_out_typed(
    *,
    arguments: dict[str, object],
    kind: type[openai.APIStatusError],
    code: str,
    param: str | None,
    connect: Connect,
) -> None:
    """The SDK reads class, code, parameter and request id out of the answer."""
    asked = {"model": "gpt-image-2", "prompt": "a fox", **arguments}
    with pytest.raises(kind) as caught:
        connect().post("/images/generations", body=asked, cast_to=openai.types.ImagesResponse)
    assert (caught.value.code, caught.value.param) == (code, param)
    assert (caught.value.request_id or "").startswith("req_")


def test_a_wrong_key_is_an_authentication_error(connect: Connect) -> None:
    """401 in the SDK's own class."""
    with pytest.raises(openai.AuthenticationError) as caught:
        connect(api_key="invalid").images.generate(model="gpt-image-2", prompt="a fox")
    assert caught.value.code == "invalid_api_key"


def test_a_rate_limit_is_typed_and_tells_how_long(connect: Connect) -> None:
    """429 in the SDK's own class, with the header that its retries go by."""
    client = connect(FaultRule(status=429, retry_after=7))
    with pytest.raises(openai.RateLimitError) as caught:
        client.images.generate(model="gpt-image-2", prompt="a fox")
    assert caught.value.code == "rate_limit_exceeded"
    assert caught.value.response.headers["retry-after"] == "7"


def test_the_sdk_retries_over_a_rate_limit(connect: Connect) -> None:
    """Told to come back at once, the SDK does, and gets its picture."""
    client = connect(FaultRule(status=429, retry_after=0, first=1), max_retries=1)
    answer = client.images.generate(model="gpt-image-2", prompt="a fox")
    assert size_of(answer.data[0].b64_json if answer.data else None) == ("PNG", (1024, 1024))


def test_an_overload_is_a_server_error(connect: Connect) -> None:
    """503 in the SDK's own class."""
    with pytest.raises(openai.InternalServerError):
        connect(FaultRule(status=503)).images.generate(model="gpt-image-2", prompt="a fox")


def test_a_cut_is_a_connection_error(connect: Connect) -> None:
    """A connection that goes away is not an answer to the SDK either."""
    with pytest.raises(openai.APIConnectionError):
        connect(FaultRule(effect="cut_after")).images.generate(model="gpt-image-2", prompt="a fox")


def test_an_empty_success_has_no_data(connect: Connect) -> None:
    """200 with an empty list parses, and holds nothing."""
    assert connect(FaultRule(effect="empty_200")).images.generate(model="gpt-image-2", prompt="a fox").data == []
