"""The OpenAPI document of the OpenAI-compatible paths: described, and its examples are requests that work."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from openai.resources.images import Images

from serve.gateway_schemas import ImagesBody

PATHS = {
    "/v1/images/generations": "post",
    "/v1/images/{image_id}/export": "post",
    "/v1/models": "get",
    "/v1/models/{model}": "get",
}
EXAMPLES: list[dict[str, Any]] = ImagesBody.model_config["json_schema_extra"]["examples"]  # type: ignore[index, call-overload]
# gif and svg are for accounts with access, and these go with them.
NOT_OFFERED = {"frame_count", "frame_duration_ms", "svg"}


@pytest.mark.parametrize(("path", "method"), PATHS.items())
async def test_every_path_is_described(path: str, method: str, in_process: Callable[..., Any]) -> None:
    """A summary, a text, a schema of the answer and of the errors."""
    async with in_process() as client:
        operation = (await client.get("/openapi.json")).json()["paths"][path][method]
    assert len(operation["summary"]) > 10
    assert len(operation["description"]) > 50
    assert operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert {"4XX", "5XX"} <= set(operation["responses"])


async def test_streams_and_keys_are_described(in_process: Callable[..., Any]) -> None:
    """The event stream is one of the answers, and the idempotency key a parameter of all that draw."""
    async with in_process() as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    assert "text/event-stream" in paths["/v1/images/generations"]["post"]["responses"]["200"]["content"]
    for path in ("/v1/images/generations", "/v1/generate", "/v1/images/{image_id}/export"):
        named = {parameter["name"]: parameter for parameter in paths[path]["post"]["parameters"]}
        assert named["Idempotency-Key"]["in"] == "header"


async def test_the_docs_page_has_the_paths(in_process: Callable[..., Any]) -> None:
    """Whoever reads the page finds them, with their fields."""
    async with in_process() as client:
        page = (await client.get("/docs")).text
    for path, method in PATHS.items():
        assert f"{method.upper()} {path}" in page
    assert "partial_images" in page


@pytest.mark.parametrize("example", EXAMPLES)
async def test_the_examples_work(example: dict[str, Any], in_process: Callable[..., Any]) -> None:
    """What the document shows can be sent as it stands."""
    async with in_process() as client:
        answer = await client.post("/v1/images/generations", json=example)
    assert answer.status_code == 200, answer.text


def test_every_field_of_the_sdk_is_known() -> None:
    """All that `images.generate` takes has a field here, but for what goes with formats that are not offered."""
    parameters = set(inspect.signature(Images.generate).parameters)
    options = {"self", "extra_headers", "extra_query", "extra_body", "timeout"}
    assert parameters - options - NOT_OFFERED <= set(ImagesBody.model_fields)
