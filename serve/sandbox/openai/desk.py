"""OpenAI's Images API: keys, models, answers and errors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from starlette.requests import Request
from typing_extensions import override

from serve.sandbox.canvas import Sketch
from serve.sandbox.desk import Clock, Desk, Easel, Order, Provider, RefusedError, Reply, named_model
from serve.sandbox.openai import dalle, gpt_image
from serve.sandbox.openai.errors import envelope, invalid, request_id

MODELS = (*dalle.MODELS, *gpt_image.MODELS)
SHUTDOWN_DATES = {"dall-e-3": "2026-05-12"}

_USUAL_CODES = {
    401: "invalid_api_key",
    404: "model_not_found",
    429: "rate_limit_exceeded",
    503: "server_is_overloaded",
}
_QUOTA_CODES = ("insufficient_quota", "credit_balance_exhausted")


class OpenAIDesk(Desk):
    """`POST /v1/images/generations`. `clock` gives Unix seconds."""

    provider: ClassVar[Provider] = "openai"
    bills_blocked: ClassVar[bool] = False

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @override
    def model_of(self, request: Request, payload: object) -> str | None:
        return named_model(payload)

    @override
    def order(self, request: Request, payload: object) -> Order:
        check_key(request)
        if not isinstance(payload, dict):
            raise RefusedError(
                envelope(400, "We could not parse the JSON body of your request: it must be a JSON object.")
            )
        model = self.model_of(request, payload)
        if model is None:
            raise invalid("model", "Missing required parameter: 'model'.", "missing_required_parameter")
        if model in dalle.MODELS:
            return dalle.take_order(payload)
        if model in gpt_image.MODELS:
            return gpt_image.take_order(payload)
        raise RefusedError(self.gone(model))

    @override
    async def drawn(self, order: Order, easel: Easel) -> Reply:
        if order.model in dalle.MODELS:
            return self._answer(order, [await self._dalle_picture(order.sketches[0], order.terms, easel)])
        return self._answer(order, [{"b64_json": await easel.paint_base64(sketch)} for sketch in order.sketches])

    @override
    def blocked(self, order: Order) -> Reply:
        if order.model in dalle.MODELS:
            return envelope(400, "Your request was rejected by our safety system.", code="content_policy_violation")
        return envelope(
            400,
            "Your request was rejected by the safety system. safety_violations=[violence].",
            type_="image_generation_user_error",
            code="moderation_blocked",
            more={"moderation_details": {"moderation_stage": "input", "categories": ["violence"]}},
        )

    @override
    def empty(self, order: Order) -> Reply:
        return self._answer(order, [])

    @override
    def gone(self, model: str) -> Reply:
        message = f"The model `{model}` does not exist or you do not have access to it."
        return envelope(404, message, code="model_not_found")

    @override
    def failure(self, status: int, retry_after: int | None, code: str | None) -> Reply:
        code = code or _USUAL_CODES.get(status)
        type_ = "server_error" if status >= 500 else "invalid_request_error"
        if status == 429:
            type_ = "insufficient_quota" if code in _QUOTA_CODES else "rate_limit_error"
        headers = (
            {} if retry_after is None else {"retry-after": str(retry_after), "retry-after-ms": str(retry_after * 1000)}
        )
        return envelope(
            status, f"The sandbox was told to answer with {status}.", type_=type_, code=code, headers=headers
        )

    def _answer(self, order: Order, data: list[dict[str, str]]) -> Reply:
        terms = {name: value for name, value in order.terms.items() if name != "link"}
        body = {"created": int(self._clock()), "data": data, **terms}
        return Reply(200, body, {"x-request-id": request_id()})

    async def _dalle_picture(self, sketch: Sketch, terms: Mapping[str, Any], easel: Easel) -> dict[str, str]:
        if not terms["link"]:
            return {"b64_json": await easel.paint_base64(sketch), "revised_prompt": sketch.prompt}
        link = easel.gallery.hang(sketch)
        times = f"st={_stamp(link.hung)}&se={_stamp(link.expires)}"
        path = f"openai/images/private/org-sandbox/user-sandbox/img-{link.id}.png"
        return {"url": f"{easel.base_url}{path}?{times}&sig={link.signature}", "revised_prompt": sketch.prompt}


def check_key(request: Request) -> None:
    """Refuse a request without a Bearer key, or with the key `invalid`."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise RefusedError(envelope(401, "You didn't provide an API key in the Authorization header (Bearer)."))
    if key.strip() == "invalid":
        raise RefusedError(envelope(401, "Incorrect API key provided: invalid.", code="invalid_api_key"))


def model_list() -> dict[str, Any]:
    """The body of `GET /v1/models`, with the day a model was shut down where it was."""
    rows = [
        {"id": model, "object": "model", "created": 0, "owned_by": "openai", "shutdown_date": SHUTDOWN_DATES.get(model)}
        for model in MODELS
    ]
    return {"object": "list", "data": rows}


def _stamp(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
