"""Imagen 4 on the Gemini API's `:predict`, as it was until 2026-08-17."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from starlette.requests import Request
from typing_extensions import override

from serve.sandbox.canvas import Sketch
from serve.sandbox.desk import Desk, Easel, Order, Provider, RefusedError, Reply
from serve.sandbox.fields import listing, mapping, number, one_of, whole, words, yes_or_no
from serve.sandbox.google.errors import check_key, check_object, failure, gone, invalid, prompt_tokens

_USD = {
    "imagen-4.0-fast-generate-001": 0.02,
    "imagen-4.0-generate-001": 0.04,
    "imagen-4.0-ultra-generate-001": 0.06,
}
MODELS = tuple(_USD)

_FAST = "imagen-4.0-fast-generate-001"
_MOST_TOKENS = 480
# Pixels at 1K; 2K doubles both edges.
_SIZES = {"1:1": (1024, 1024), "3:4": (896, 1280), "4:3": (1280, 896), "9:16": (768, 1408), "16:9": (1408, 768)}
_RESOLUTIONS = one_of("1K", "2K")
_REFUSED_HERE = ("negativePrompt", "seed", "addWatermark", "labels", "enhancePrompt", "outputGcsUri", "storageUri")
_PARAMETERS = {
    "sampleCount": whole(1, 4),
    "aspectRatio": one_of(*_SIZES),
    # Two spellings are about: the SDK's, and that of the REST page.
    "sampleImageSize": _RESOLUTIONS,
    "imageSize": _RESOLUTIONS,
    "personGeneration": one_of("dont_allow", "allow_adult", "allow_all", any_case=True),
    "safetySetting": one_of(
        "block_low_and_above", "block_medium_and_above", "block_only_high", "block_none", any_case=True
    ),
    "includeRaiReason": yes_or_no,
    "includeSafetyAttributes": yes_or_no,
    "guidanceScale": number,
    "language": one_of("auto", "en", "ja", "ko", "hi", "zh", "pt", "es"),
    "outputOptions": mapping,
}
_OUTPUT = {"mimeType": one_of("image/png", "image/jpeg"), "compressionQuality": whole(0, 100)}


class ImagenDesk(Desk):
    """`POST /v1beta/models/{model}:predict`."""

    provider: ClassVar[Provider] = "google"
    bills_blocked: ClassVar[bool] = False

    @override
    def model_of(self, request: Request, payload: object) -> str | None:
        return str(request.path_params["model"])

    @override
    def order(self, request: Request, payload: object) -> Order:
        check_key(request)
        model = str(request.path_params["model"])
        if model not in MODELS:
            raise RefusedError(self.gone(model))
        prompt, parameters = _read(payload)
        sketch = _sketch(model, prompt, parameters)
        sketches = tuple(replace(sketch, index=index) for index in range(parameters.get("sampleCount", 4)))
        terms = {name: bool(parameters.get(name)) for name in ("includeRaiReason", "includeSafetyAttributes")}
        return Order(model, prompt, sketches, round(_USD[model] * len(sketches), 6), terms)

    @override
    async def drawn(self, order: Order, easel: Easel) -> Reply:
        return Reply(200, {"predictions": [await _prediction(sketch, order, easel) for sketch in order.sketches]})

    @override
    def blocked(self, order: Order) -> Reply:
        """A 200: with the reason in place of the picture where it was asked for, without any prediction where not."""
        if not order.terms["includeRaiReason"]:
            return Reply(200, {})
        reason = "Unable to show generated images: the prompt may violate the usage guidelines. Support codes: 00000000"
        return Reply(200, {"predictions": [{"raiFilteredReason": reason}]})

    @override
    def empty(self, order: Order) -> Reply:
        return Reply(200, {"predictions": []})

    @override
    def gone(self, model: str) -> Reply:
        return gone(model, "predict")

    @override
    def failure(self, status: int, retry_after: int | None, code: str | None) -> Reply:
        return failure(status, retry_after, code)


async def _prediction(sketch: Sketch, order: Order, easel: Easel) -> dict[str, Any]:
    picture = {"mimeType": f"image/{sketch.format}", "bytesBase64Encoded": await easel.paint_base64(sketch)}
    attributes: dict[str, Any] = {"safetyAttributes": {"categories": [], "scores": []}}
    return picture | attributes if order.terms["includeSafetyAttributes"] else picture


def _read(payload: object) -> tuple[str, dict[str, Any]]:
    """The prompt and the parameters."""
    if not isinstance(payload, dict):
        raise invalid("Invalid JSON payload received. Expected an object.")
    body = check_object(payload, "", {"instances": listing, "parameters": mapping})
    instances = body.get("instances", [])
    if len(instances) != 1:
        raise invalid(f"Invalid value at 'instances': exactly one instance is supported, got {len(instances)}.")
    instance = check_object(instances[0], "instances[0]", {"prompt": words(100_000)})
    if "prompt" not in instance:
        raise invalid("Invalid value at 'instances[0].prompt': it must not be empty.")
    if prompt_tokens(instance["prompt"]) > _MOST_TOKENS:
        raise invalid(f"Invalid value at 'instances[0].prompt': more than {_MOST_TOKENS} tokens.")
    parameters = body.get("parameters", {})
    for name in _REFUSED_HERE:
        if parameters.get(name) is not None:
            raise invalid(f"The parameter '{name}' is not supported on the Gemini API.")
    return instance["prompt"], check_object(parameters, "parameters", _PARAMETERS)


def _scale(model: str, parameters: Mapping[str, Any]) -> int:
    """By how much the edges at 1K are multiplied."""
    asked = {parameters[name] for name in ("sampleImageSize", "imageSize") if name in parameters}
    if len(asked) > 1:
        raise invalid("'sampleImageSize' and 'imageSize' contradict each other.")
    if "2K" in asked and model == _FAST:
        raise invalid(f"The sample image size 2K is not supported by {model}.")
    return 2 if "2K" in asked else 1


def _sketch(model: str, prompt: str, parameters: Mapping[str, Any]) -> Sketch:
    output = check_object(parameters.get("outputOptions"), "parameters.outputOptions", _OUTPUT)
    width, height = _SIZES[parameters.get("aspectRatio", "1:1")]
    scale = _scale(model, parameters)
    return Sketch(
        model,
        prompt,
        width * scale,
        height * scale,
        legible=False,
        format="jpeg" if output.get("mimeType") == "image/jpeg" else "png",
        quality=output.get("compressionQuality", 75),
    )
