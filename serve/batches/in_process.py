"""The service's own parts in this process, without HTTP: what `prompt-intent generate` draws with by default."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx
from fastapi import Request

from classifier import IntentClassifier
from classifier.explanation import Explanation
from serve.answers import KeptImage
from serve.batches.gateway import PATH, Reply
from serve.catalog import load_catalog
from serve.clock import Clock
from serve.endpoints.route import decide
from serve.errors import ServiceError, StoreError
from serve.intake import read_job
from serve.reception import caller_of
from serve.route_schemas import RouteBody, RouteDecision
from serve.schemas import ErrorDetail, GenerateBody, Routing
from serve.service import Service, open_service
from serve.settings import Settings
from serve.store.lock import owned
from serve.studio import Key, fingerprint


class InProcess:
    """A service in this process as a gateway. What it is asked under a key, a server on the same folder knows too."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._caller = _caller(service.settings)

    @property
    def sandbox(self) -> bool:
        """See `Gateway`."""
        return self._service.targets.sandbox

    async def draw(self, body: GenerateBody, key: str) -> Reply:
        """See `Gateway`."""
        service, began = self._service, self._service.clock.monotonic()
        routing: Routing | None = None
        pictures: Sequence[bytes] = ()
        error: ErrorDetail | None = None
        try:
            job = replace(read_job(body, service.settings), caller=self._caller)
            mark = fingerprint(PATH, body.model_dump_json(exclude_unset=True))
            answer = await service.studio.answer(job, Key(self._caller, key, mark))
            routing, error = answer.routing, answer.error.detail if answer.error else None
            pictures = await anyio.to_thread.run_sync(self._read, answer.images)
        except ServiceError as failure:
            error = ErrorDetail(message=str(failure), type=failure.type, param=failure.param, code=failure.code)
        return Reply((service.clock.monotonic() - began) * 1000, routing, tuple(pictures), error)

    async def decide(self, body: GenerateBody) -> RouteDecision:
        """See `Gateway`."""
        fields: dict[str, Any] = body.model_dump(exclude_unset=True)
        [decision] = (await decide(RouteBody.model_validate(fields), self._service)).data
        return decision

    async def explain(self, prompt: str) -> Explanation:
        """See `Gateway`."""
        [explanation] = await self._service.classification.explain([prompt])
        return explanation

    def _read(self, images: Sequence[KeptImage]) -> list[bytes]:
        return [self._service.images.read(image.id) for image in images]


@asynccontextmanager
async def open_in_process(
    settings: Settings,
    clock: Clock,
    *,
    classifier: IntentClassifier | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator[InProcess]:
    """A service in this process for the time of the block.

    Raises:
        StoreError: the state folder's store belongs to a service that runs; says how to draw with that one.
        CatalogError, SettingsError: the service cannot be started.
    """
    catalog = load_catalog(classes=(), profile=settings.profile, own_file=settings.catalog)
    try:
        async with open_service(settings, catalog, clock, classifier, transport) as service:
            yield InProcess(service)
    except StoreError as error:
        if not in_use(settings.state.database):
            raise
        raise StoreError(
            f"{settings.state.database} is in use: a service, or another batch, runs on this PROMPT_INTENT_HOME. "
            "Have that service draw with --url http://127.0.0.1:8000 (or wherever it listens), or stop it first"
        ) from error


def in_use(database: Path) -> bool:
    """Whether another process has the store, or another service of this one."""
    try:
        with owned(database):
            return False
    except StoreError:
        return True
    except OSError:
        return False


def _caller(settings: Settings) -> str:
    """Who we are to a server on the same folder with the same API key: idempotency keys are kept by caller."""
    key = settings.api_key
    headers = [] if key is None else [(b"authorization", bearer(key.get_secret_value()).encode())]
    return caller_of(Request({"type": "http", "headers": headers}))


def bearer(key: str) -> str:
    """The authorization header for a service's own key."""
    return f"Bearer {key}"
