"""Between HTTP and the studio: who asks, with which key and for what; and the answer with its facts in headers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from serve.answers import KeptAnswer, KeptError, render
from serve.errors import InvalidRequestError
from serve.job import Job
from serve.schemas import ErrorEnvelope
from serve.service import Service
from serve.studio import Key, fingerprint

IDEMPOTENCY_KEY = "idempotency-key"
KEYED: dict[str, Any] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            "description": (
                "For a day, an equal request with the same key gets the same answer, and nothing is drawn twice."
            ),
        }
    ]
}
"""How the OpenAPI document describes the header, for the paths that take it."""
_WELL_FORMED = re.compile(r"[\x21-\x7e]{1,255}")
# All that a header's value may hold; an operator's own names may have more.
_PLAIN = "".join(map(chr, range(0x21, 0x7F))).replace("%", "")


async def draw(job: Job, body: BaseModel, request: Request, service: Service) -> KeptAnswer:
    """The answer to a job, under the caller's idempotency key if it sent one.

    Raises:
        InvalidRequestError: the key is no key.
        ServiceError: see `Studio.answer`.
    """
    caller = caller_of(request)
    job = replace(job, caller=caller)
    answer = await service.studio.answer(job, _key(request, caller, body))
    request.state.answered = True
    outcomes = [attempt.outcome for attempt in answer.routing.attempts]
    request.state.log = {"model": answer.routing.model, "outcomes": outcomes, "answer": answer.request_id}
    return answer


def caller_of(request: Request) -> str:
    """A name for whoever sent this key of ours; "" where the service has none. It tells nothing of the key."""
    sent = request.headers.get("authorization", "")
    return hashlib.sha256(sent.encode()).hexdigest()[:16] if sent else ""


def facts(answer: KeptAnswer) -> Mapping[str, str]:
    """The decision's most asked-for facts as headers."""
    routing = answer.routing
    told = {
        "x-prompt-intent": routing.intent,
        "x-prompt-intent-model": routing.model,
        "x-prompt-intent-vendor-model": routing.vendor_model,
        "x-prompt-intent-cost-usd": f"{routing.cost_usd:.6f}",
        "x-prompt-intent-request": answer.request_id,
    }
    return {name: quote(value, safe=_PLAIN) for name, value in told.items() if value is not None}


async def respond(answer: KeptAnswer, shell: BaseModel, service: Service) -> Response:
    """The response for pictures: `shell` as JSON, its empty `b64_json` fields, if it has any, filled with them.

    Raises:
        NotFoundError: a picture of a replayed answer has been deleted meanwhile.
        ServiceError: a picture's file cannot be read.
    """
    content = await render(shell, answer.images, service.images)
    return Response(content, headers=dict(facts(answer)), media_type="application/json")


def refuse(answer: KeptAnswer, error: KeptError) -> JSONResponse:
    """The response for a job that failed: OpenAI's envelope with the decision beside it."""
    content = ErrorEnvelope(error=error.detail, routing=answer.routing).model_dump(mode="json")
    return JSONResponse(content, error.status, {**facts(answer), **error.headers})


def images_base(request: Request, service: Service) -> str:
    """Where this service's pictures are, as the caller sees it."""
    # The Host header has passed the guard: it is there, and can only be one of our own names.
    own = f"{request.scope['scheme']}://{request.headers['host']}{request.scope.get('root_path', '')}"
    return f"{service.settings.public_url or own}/v1/images"


def _key(request: Request, caller: str, body: BaseModel) -> Key | None:
    sent = request.headers.get(IDEMPOTENCY_KEY)
    if sent is None:
        return None
    if not _WELL_FORMED.fullmatch(sent):
        raise InvalidRequestError("an idempotency key has 1 to 255 visible ASCII characters", param="Idempotency-Key")
    # A null is the same as leaving the field out.
    return Key(caller, sent, fingerprint(request.url.path, body.model_dump_json(exclude_unset=True, exclude_none=True)))
