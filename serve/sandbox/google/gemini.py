"""Gemini image models on the Gemini API's `:generateContent`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.requests import Request
from typing_extensions import override

from serve.sandbox.canvas import Sketch
from serve.sandbox.desk import Desk, Easel, Order, Provider, RefusedError, Reply
from serve.sandbox.fields import Fields, listing, mapping, number, one_of, whole, words, yes_or_no
from serve.sandbox.google.errors import check_key, check_object, failure, gone, invalid, prompt_tokens

# Pixels at 1K; 2K doubles both edges, 4K quadruples them.
_SIZES = {
    "1:1": (1024, 1024),
    "2:3": (848, 1264),
    "3:2": (1264, 848),
    "3:4": (896, 1200),
    "4:3": (1200, 896),
    "4:5": (928, 1152),
    "5:4": (1152, 928),
    "9:16": (768, 1376),
    "16:9": (1376, 768),
    "21:9": (1584, 672),
}
_LONG_SIZES = {"1:4": (512, 2048), "4:1": (2048, 512), "1:8": (384, 3072), "8:1": (3072, 384)}
_SCALES = {"1K": 1, "2K": 2, "4K": 4}
_TOKENS = {"1K": 1120, "2K": 1680, "4K": 2520}
_MOST_TOKENS = 32_768


@dataclass(frozen=True, slots=True)
class _Model:
    usd: Mapping[str, float]
    sizes: Mapping[str, tuple[int, int]]
    thinking: tuple[str, ...]


_MODELS = {
    "gemini-3.1-flash-lite-image": _Model({"1K": 0.0336}, _SIZES, ("MINIMAL", "LOW", "MEDIUM", "HIGH")),
    "gemini-nano-banana-2.1": _Model(
        {"1K": 0.0336, "2K": 0.0504, "4K": 0.0756}, _SIZES | _LONG_SIZES, ("MINIMAL", "MEDIUM", "HIGH")
    ),
    "gemini-3-pro-image": _Model({"1K": 0.134, "2K": 0.134, "4K": 0.24}, _SIZES, ("MINIMAL", "LOW", "MEDIUM", "HIGH")),
}
MODELS = tuple(_MODELS)

_BODY: Fields = {
    "contents": listing,
    "generationConfig": mapping,
    "safetySettings": listing,
    "systemInstruction": mapping,
}
_CONFIG = {
    "responseModalities": listing,
    "candidateCount": whole(1, 8),
    "seed": whole(-(2**31), 2**31 - 1),
    "imageConfig": mapping,
    "thinkingConfig": mapping,
    "temperature": number,
    "topP": number,
    "topK": number,
    "maxOutputTokens": whole(1, 2**31 - 1),
    "stopSequences": listing,
}
_SAFETY = {
    "category": words(100),
    "threshold": one_of("OFF", "BLOCK_NONE", "BLOCK_ONLY_HIGH", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_LOW_AND_ABOVE"),
}


class GeminiDesk(Desk):
    """`POST /v1beta/models/{model}:generateContent`."""

    provider: ClassVar[Provider] = "google"
    bills_blocked: ClassVar[bool] = False

    @override
    def model_of(self, request: Request, payload: object) -> str | None:
        return str(request.path_params["model"])

    @override
    def order(self, request: Request, payload: object) -> Order:
        check_key(request)
        model = str(request.path_params["model"])
        if model not in _MODELS:
            raise RefusedError(self.gone(model))
        if not isinstance(payload, dict):
            raise invalid("Invalid JSON payload received. Expected an object.")
        body = check_object(_camel_case(payload), "", _BODY)
        prompt = _prompt(body.get("contents", []))
        config = check_object(body.get("generationConfig"), "generation_config", _CONFIG)
        _check_config(config)
        _check_safety(body.get("safetySettings", []))
        return _order(model, prompt, config)

    @override
    async def drawn(self, order: Order, easel: Easel) -> Reply:
        thought = {"text": "Composing the picture.", "thought": True}
        data = await easel.paint_base64(order.sketches[0])
        picture = {"inlineData": {"mimeType": "image/png", "data": data}, "thoughtSignature": "c2FuZGJveA=="}
        return self._answer(order, [thought, {"text": "Here is your picture."}, picture], "STOP", order.terms["tokens"])

    @override
    def blocked(self, order: Order) -> Reply:
        return Reply(200, {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}} | _meta(order, 0))

    @override
    def empty(self, order: Order) -> Reply:
        return self._answer(order, [{"text": "I cannot draw that now."}], "NO_IMAGE", 0)

    @override
    def gone(self, model: str) -> Reply:
        return gone(model, "generateContent")

    @override
    def failure(self, status: int, retry_after: int | None, code: str | None) -> Reply:
        return failure(status, retry_after, code)

    def _answer(self, order: Order, parts: list[dict[str, Any]], finish: str, tokens: int) -> Reply:
        candidate = {"content": {"role": "model", "parts": parts}, "finishReason": finish, "index": 0}
        return Reply(200, {"candidates": [candidate]} | _meta(order, tokens))


def _camel_case(value: object) -> object:
    """JSON with its keys in camel case: Google takes `thinking_level` for `thinkingLevel`, and its SDK sends it."""
    if isinstance(value, list):
        return [_camel_case(part) for part in value]
    if not isinstance(value, dict):
        return value
    return {re.sub("_([a-z])", lambda at: at[1].upper(), key): _camel_case(part) for key, part in value.items()}


def _order(model: str, prompt: str, config: Mapping[str, Any]) -> Order:
    row = _MODELS[model]
    image = check_object(config.get("imageConfig"), "generation_config.image_config", _image_fields(row))
    thinking = {"thinkingLevel": one_of(*row.thinking, any_case=True), "includeThoughts": yes_or_no}
    check_object(config.get("thinkingConfig"), "generation_config.thinking_config", thinking)
    resolution = image.get("imageSize", "1K")
    width, height = (edge * _SCALES[resolution] for edge in row.sizes[image.get("aspectRatio", "1:1")])
    sketch = Sketch(model, prompt, width, height, legible=True, seed=config.get("seed"))
    return Order(model, prompt, (sketch,), row.usd[resolution], {"tokens": _TOKENS[resolution]})


def _image_fields(row: _Model) -> Fields:
    people = one_of("ALLOW_ALL", "ALLOW_ADULT", "ALLOW_NONE")
    return {"aspectRatio": one_of(*row.sizes), "imageSize": one_of(*row.usd), "personGeneration": people}


def _prompt(contents: list[Any]) -> str:
    """The text of all the user's parts."""
    texts: list[str] = []
    for at, content in enumerate(contents):
        fields = {"role": one_of("user", "model"), "parts": listing}
        turn = check_object(content, f"contents[{at}]", fields)
        for number_, part in enumerate(turn.get("parts", [])):
            where = f"contents[{at}].parts[{number_}]"
            text = check_object(part, where, {"text": words(1_000_000)}).get("text")
            texts += [text] if text is not None and turn.get("role", "user") == "user" else []
    prompt = "\n".join(texts)
    if not prompt.strip():
        raise invalid("Invalid value at 'contents': a part with text is needed.")
    if prompt_tokens(prompt) > _MOST_TOKENS:
        raise invalid(f"The input has more than the {_MOST_TOKENS} tokens that this model reads.")
    return prompt


def _check_config(config: Mapping[str, Any]) -> None:
    if config.get("candidateCount", 1) != 1:
        raise invalid("Multiple candidates are not enabled for this model: 'candidateCount' must be 1.")
    modalities = config.get("responseModalities", ["TEXT", "IMAGE"])
    if any(str(name).upper() not in ("TEXT", "IMAGE") for name in modalities):
        raise invalid(f"Invalid value at 'generation_config.response_modalities': {modalities}.")
    if modalities and "IMAGE" not in {str(name).upper() for name in modalities}:
        raise invalid("This model does not support the requested response modalities: 'IMAGE' is missing.")


def _check_safety(settings: list[Any]) -> None:
    for at, setting in enumerate(settings):
        check_object(setting, f"safety_settings[{at}]", _SAFETY)


def _meta(order: Order, tokens: int) -> dict[str, Any]:
    asked = prompt_tokens(order.prompt)
    usage: dict[str, Any] = {
        "promptTokenCount": asked,
        "candidatesTokenCount": tokens,
        "totalTokenCount": asked + tokens,
    }
    if tokens:
        usage["candidatesTokensDetails"] = [{"modality": "IMAGE", "tokenCount": tokens}]
    return {"usageMetadata": usage, "modelVersion": order.model}
