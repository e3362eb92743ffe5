"""Google's own SDK as the judge: it drives the sandbox on a real port and types its errors."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import pytest
from google import genai
from google.genai import errors, types
from PIL import Image

from serve.sandbox.faults import FaultPlan, FaultRule

Serve = Callable[[FaultPlan], str]
Connect = Callable[..., genai.Client]

IMAGEN = "imagen-4.0-generate-001"
GEMINI = "gemini-nano-banana-2.1"


@pytest.fixture
def connect(serve_on_port: Serve) -> Iterator[Connect]:
    """Opens SDK clients of a sandbox with a fault plan, and closes them."""
    clients: list[genai.Client] = []

    def open_client(*rules: FaultRule, api_key: str = "any", attempts: int = 1) -> genai.Client:
        options = types.HttpOptions(
            base_url=f"{serve_on_port(FaultPlan(rules))}/google",
            retry_options=types.HttpRetryOptions(attempts=attempts, initial_delay=0.01, max_delay=0.02),
        )
        clients.append(genai.Client(api_key=api_key, http_options=options))
        return clients[-1]

    yield open_client
    for client in clients:
        client.close()


def size_of(picture: bytes | None) -> tuple[str | None, tuple[int, int]]:
    """Container and pixels of a picture."""
    image = Image.open(io.BytesIO(picture or b""))
    image.load()
    return image.format, image.size


def test_imagen_answers_the_sdk(connect: Connect) -> None:
    """The typed answer holds real pictures of the asked ratio, resolution and format."""
    config = types.GenerateImagesConfig(
        number_of_images=2,
        aspect_ratio="16:9",
        image_size="2K",
        output_mime_type="image/jpeg",
        person_generation=types.PersonGeneration.ALLOW_ADULT,
        safety_filter_level=types.SafetyFilterLevel.BLOCK_LOW_AND_ABOVE,
        include_rai_reason=True,
        include_safety_attributes=True,
    )
    answer = connect().models.generate_images(model=IMAGEN, prompt="a red fox", config=config)
    pictures = [generated.image for generated in answer.generated_images or []]
    assert [picture and size_of(picture.image_bytes) for picture in pictures] == [("JPEG", (2816, 1536))] * 2
    assert [picture and picture.mime_type for picture in pictures] == ["image/jpeg"] * 2


def test_gemini_answers_the_sdk(connect: Connect) -> None:
    """The picture is found among the parts, and the tokens are parsed."""
    config = types.GenerateContentConfig(
        response_modalities=["IMAGE"],
        seed=7,
        image_config=types.ImageConfig(aspect_ratio="9:16", image_size="1K"),
        thinking_config=types.ThinkingConfig(thinking_level=types.ThinkingLevel.MINIMAL),
    )
    answer = connect().models.generate_content(model=GEMINI, contents="a red fox", config=config)
    pictures = [part.inline_data for part in answer.parts or [] if part.inline_data]
    assert [size_of(picture.data) for picture in pictures] == [("PNG", (768, 1376))]
    assert answer.usage_metadata is not None
    assert answer.usage_metadata.candidates_token_count == 1120


def test_a_filtered_imagen_picture_is_typed(connect: Connect) -> None:
    """HTTP is fine, the picture is missing, and the reason is there."""
    config = types.GenerateImagesConfig(number_of_images=1, include_rai_reason=True)
    answer = connect().models.generate_images(model=IMAGEN, prompt="sandbox-blocked", config=config)
    assert answer.generated_images is not None
    assert answer.generated_images[0].rai_filtered_reason
    assert answer.generated_images[0].image is None or answer.generated_images[0].image.image_bytes is None


def test_a_blocked_gemini_prompt_is_typed(connect: Connect) -> None:
    """No candidates, and the SDK knows the reason."""
    answer = connect().models.generate_content(model=GEMINI, contents="sandbox-blocked")
    assert answer.candidates is None
    assert answer.prompt_feedback is not None
    assert answer.prompt_feedback.block_reason == types.BlockedReason.PROHIBITED_CONTENT


def test_an_empty_gemini_answer_is_typed(connect: Connect) -> None:
    """A text and the finish reason NO_IMAGE."""
    answer = connect(FaultRule(effect="empty_200")).models.generate_content(model=GEMINI, contents="a red fox")
    assert answer.candidates is not None
    assert answer.candidates[0].finish_reason == types.FinishReason.NO_IMAGE


@pytest.mark.parametrize("model", ["imagen-3.0-generate-002", GEMINI])
def test_a_model_that_is_gone_is_a_client_error(model: str, connect: Connect) -> None:
    """404 NOT_FOUND at `:predict`, for a retired id and for a Gemini one."""
    with pytest.raises(errors.ClientError) as caught:
        connect().models.generate_images(model=model, prompt="a red fox")
    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    "config",
    [types.GenerateImagesConfig(aspect_ratio="2:1"), types.GenerateImagesConfig(image_size="8K")],
)
def test_a_wrong_value_is_a_client_error(config: types.GenerateImagesConfig, connect: Connect) -> None:
    """What the SDK lets through, the vendor refuses: 400 INVALID_ARGUMENT."""
    with pytest.raises(errors.ClientError) as caught:
        connect().models.generate_images(model=IMAGEN, prompt="a red fox", config=config)
    assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")


def test_more_candidates_are_a_client_error(connect: Connect) -> None:
    """Gemini draws one picture a call."""
    config = types.GenerateContentConfig(candidate_count=2)
    with pytest.raises(errors.ClientError, match="candidateCount"):
        connect().models.generate_content(model=GEMINI, contents="a red fox", config=config)


def test_a_wrong_key_is_a_client_error(connect: Connect) -> None:
    """400 with the reason API_KEY_INVALID, as Google has it."""
    with pytest.raises(errors.ClientError, match="API_KEY_INVALID"):
        connect(api_key="invalid").models.generate_images(model=IMAGEN, prompt="a red fox")


def test_a_rate_limit_is_a_client_error_with_its_delay(connect: Connect) -> None:
    """429 RESOURCE_EXHAUSTED, with the delay in the details."""
    client = connect(FaultRule(status=429, retry_after=7))
    with pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(model=GEMINI, contents="a red fox")
    assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")
    assert caught.value.details["error"]["details"][0]["retryDelay"] == "7s"


def test_the_sdk_retries_over_an_overload(connect: Connect) -> None:
    """Two 503s, and the third attempt gets its picture."""
    client = connect(FaultRule(status=503, first=2), attempts=3)
    config = types.GenerateImagesConfig(number_of_images=1)
    answer = client.models.generate_images(model=IMAGEN, prompt="a red fox", config=config)
    assert len(answer.generated_images or []) == 1


def test_an_overload_is_a_server_error(connect: Connect) -> None:
    """503 UNAVAILABLE in the SDK's own class."""
    with pytest.raises(errors.ServerError) as caught:
        connect(FaultRule(status=503)).models.generate_content(model=GEMINI, contents="a red fox")
    assert caught.value.status == "UNAVAILABLE"
