"""A service that runs already, asked over HTTP: the same requests under the same keys as in process."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from classifier import Prediction
from classifier.explanation import Explanation, FeatureContribution, WordEffect
from serve.batches.gateway import PATH, Reply
from serve.batches.in_process import bearer
from serve.client import USER_AGENT
from serve.clock import Clock
from serve.errors import InvalidRequestError, ServiceError
from serve.route_schemas import RouteDecision, RouteResponse
from serve.schemas import ClassifyResponse, Decision, ErrorDetail, ErrorEnvelope, GenerateBody, GenerateResponse
from serve.settings import Settings

# Beyond the request's own deadline: storing, encoding and sending take a moment too.
_GRACE_S = 30.0
_CONNECT_S = 5.0
_LOST = "the connection was lost before the answer came ({kind}): the same command asks for it again, and pays once"

_Answer = TypeVar("_Answer", bound=BaseModel)


class OverHttp:
    """A service behind a URL as a gateway. `deadline` is how many seconds it takes for a request that names none."""

    def __init__(self, client: httpx.AsyncClient, clock: Clock, sandbox: bool, deadline: float) -> None:
        self._client = client
        self._clock = clock
        self._sandbox = sandbox
        self._deadline = deadline

    @property
    def sandbox(self) -> bool:
        """See `Gateway`."""
        return self._sandbox

    async def draw(self, body: GenerateBody, key: str) -> Reply:
        """See `Gateway`."""
        began = self._clock.monotonic()
        try:
            response = await self._post(PATH, body.model_dump(exclude_unset=True), {"idempotency-key": key})
        except httpx.HTTPError as failure:
            lost = _LOST.format(kind=type(failure).__name__)
            error = ErrorDetail(message=lost, type="server_error", param=None, code="connection_lost")
            return Reply((self._clock.monotonic() - began) * 1000, error=error)
        ms = (self._clock.monotonic() - began) * 1000
        if response.status_code != httpx.codes.OK:
            told = _refusal(response)
            return Reply(ms, told.routing, error=told.error)
        try:
            answer = _read(GenerateResponse, response)
        except ServiceError as failure:
            error = ErrorDetail(message=str(failure), type=failure.type, param=None, code=failure.code)
            return Reply(ms, error=error)
        return Reply(ms, answer.routing, tuple(base64.b64decode(entry.b64_json or "") for entry in answer.data))

    async def decide(self, body: GenerateBody) -> RouteDecision:
        """See `Gateway`."""
        [decision] = _read(RouteResponse, await self._ask("/v1/route", body.model_dump(exclude_unset=True))).data
        return decision

    async def explain(self, prompt: str) -> Explanation:
        """See `Gateway`."""
        response = await self._ask("/v1/classify", {"prompt": prompt, "explain": True})
        [decision] = _read(ClassifyResponse, response).data
        return _explanation(decision)

    async def _ask(self, path: str, fields: Mapping[str, Any]) -> httpx.Response:
        try:
            response = await self._post(path, fields, {})
        except httpx.HTTPError as failure:
            raise ServiceError(_LOST.format(kind=type(failure).__name__)) from failure
        if response.status_code == httpx.codes.OK:
            return response
        error = _refusal(response).error
        kind = InvalidRequestError if response.status_code == httpx.codes.BAD_REQUEST else ServiceError
        raise kind(error.message, param=error.param, code=error.code)

    async def _post(self, path: str, fields: Mapping[str, Any], headers: Mapping[str, str]) -> httpx.Response:
        wanted = fields.get("deadline_ms")
        seconds = self._deadline if wanted is None else wanted / 1000
        timeout = httpx.Timeout(seconds + _GRACE_S, connect=_CONNECT_S)
        try:
            return await self._client.post(path, json=dict(fields), headers=dict(headers), timeout=timeout)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise _unreachable(str(self._client.base_url)) from error


@asynccontextmanager
async def open_over_http(
    url: str, settings: Settings, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[OverHttp]:
    """The service at `url` for the time of the block, asked with `settings.api_key` if there is one.

    Raises:
        ConnectionError: nobody answers there.
        InvalidRequestError: `url` is none, or what answers there is no service of this kind.
    """
    headers = {"user-agent": USER_AGENT}
    if settings.api_key is not None:
        headers["authorization"] = bearer(settings.api_key.get_secret_value())
    try:
        client = httpx.AsyncClient(base_url=url, headers=headers, transport=transport, trust_env=False)
    except httpx.InvalidURL as error:
        raise _no_service(url) from error
    async with client:
        yield OverHttp(client, clock, await _draws_in_sandbox(client, url), settings.deadline)


async def _draws_in_sandbox(client: httpx.AsyncClient, url: str) -> bool:
    try:
        response = await client.get("/readyz", timeout=_CONNECT_S)
        # 503 means that something is missing there, and says what; requests are then told so too.
        sandbox = response.json()["sandbox"]
    except (httpx.UnsupportedProtocol, ValueError, LookupError, TypeError) as error:
        raise _no_service(url) from error
    except httpx.HTTPError as error:
        raise _unreachable(url) from error
    return bool(sandbox)


def _no_service(url: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"{url} is not where prompt-intent serves: give its URL, http://127.0.0.1:8000", param="url"
    )


def _unreachable(url: str) -> ConnectionError:
    return ConnectionError(f"nobody answers at {url}: start it with `prompt-intent serve`, or leave --url out")


def _read(kind: type[_Answer], response: httpx.Response) -> _Answer:
    try:
        return kind.model_validate_json(response.content)
    except ValidationError as error:
        raise ServiceError("the service's answer cannot be read: see that it is of the same version as this") from error


def _refusal(response: httpx.Response) -> ErrorEnvelope:
    try:
        return ErrorEnvelope.model_validate_json(response.content)
    except ValidationError:
        # Something between us and the service speaks; what the service does meanwhile it does not say.
        message = f"HTTP {response.status_code} from something before the service"
        detail = ErrorDetail(message=message, type="server_error", param=None, code="connection_lost")
        return ErrorEnvelope(error=detail)


def _explanation(decision: Decision) -> Explanation:
    """The explanation as the classifier made it, from its JSON."""
    note = decision.explanation
    if note is None:
        raise ServiceError("the service explains nothing: see that it is of the same version as this")
    return Explanation(
        Prediction(decision.intent, decision.confidence, decision.probabilities, decision.abstained, decision.ood),
        note.runner_up,
        note.log_odds,
        note.bias,
        note.embedding,
        tuple(FeatureContribution(each.name, each.value, each.contribution) for each in note.features),
        tuple(WordEffect(each.text, each.effect) for each in note.words),
    )
