"""The service's parts, put together once at start-up and taken apart at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import anyio.to_thread
import httpx
import structlog
from fastapi import Depends, Request

from classifier import ClassifierError, IntentClassifier
from classifier.champion import locate
from serve.call_rules import CallRules
from serve.calling import Caller
from serve.catalog import Catalog
from serve.classification import Classification
from serve.client import make_client, make_link_client, way_out
from serve.clock import Clock
from serve.drawing import Draw
from serve.generation import Choose, Classify, Keep
from serve.image_store import ImageStore
from serve.model_list import watch
from serve.pictures import PictureDesk
from serve.retry import RetryRule
from serve.settings import Settings
from serve.store import Store
from serve.studio import Studio
from serve.targets import Targets
from serve.trying import TryModel
from serve.vitals import Vitals, make_vitals

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger("serve")


@dataclass(frozen=True, slots=True)
class Service:
    """What the endpoints work with."""

    settings: Settings
    catalog: Catalog
    targets: Targets
    clock: Clock
    classification: Classification
    vitals: Vitals
    images: ImageStore
    store: Store
    studio: Studio


@asynccontextmanager
async def open_service(
    settings: Settings,
    catalog: Catalog,
    clock: Clock,
    classifier: IntentClassifier | None,
    transport: httpx.AsyncBaseTransport | None,
    vitals: Vitals | None = None,
    closing: asyncio.Event | None = None,
) -> AsyncIterator[Service]:
    """Load the classifier unless one is given, open the client, and close it at the end.

    `transport` stands in for the network, or for the sandbox where the settings ask for it. `vitals` are those of a
    process that has called nobody yet, unless they are given. Whoever sets `closing` says before the block's end that
    it is near: calls under way are waited for, and no other begins.
    """
    closing = closing or asyncio.Event()
    targets = Targets.from_settings(settings, catalog)
    classification = await _classification(settings, catalog, classifier)
    images = ImageStore(settings.state.images)
    await anyio.to_thread.run_sync(images.tidy)
    transport = transport or way_out(targets)
    async with (
        Store.open(settings.state.database) as store,
        make_client(settings, transport) as client,
        make_link_client(settings, transport) as links,
    ):
        if lost := await store.recover(clock.now()):
            _log.warning("start-up", warning=f"{lost} requests were cut off when the service stopped the last time")
        vitals = vitals or make_vitals(clock)
        vitals.limiter.open({name: provider.max_in_flight for name, provider in catalog.providers.items()})
        rules = call_rules(settings)
        # The sandbox announces the ends that vendors do; there is nothing to be done about its own.
        hear = None if targets.sandbox else vitals.hear
        caller = Caller(client, targets, rules.patience, hear=hear)
        try_model = TryModel(caller, PictureDesk(links, targets), store, clock)
        draw = Draw(try_model, vitals, rules, catalog, targets, clock, closing=closing)
        steps = (Classify(classification, clock), Choose(catalog, targets, vitals, clock), draw, Keep(images))
        studio = Studio(
            steps, store, classification, clock,
            sandbox=targets.sandbox, patience=rules.deadline, rebill=rules.rebill,
        )  # fmt: skip
        watching = asyncio.create_task(watch(client, targets, catalog, vitals, clock.today()))
        try:
            yield Service(settings, catalog, targets, clock, classification, vitals, images, store, studio)
        finally:
            watching.cancel()
            closing.set()
            await studio.close()


def call_rules(settings: Settings) -> CallRules:
    """What the settings allow an attempt loop."""
    return CallRules(
        retry=RetryRule(attempts=settings.attempts),
        patience=settings.connect_timeout + settings.read_timeout,
        deadline=settings.deadline,
        rebill=settings.rebill,
        fallback_on_block=settings.fallback_on_block,
    )


async def _classification(settings: Settings, catalog: Catalog, given: IntentClassifier | None) -> Classification:
    """Without a usable classifier the service still answers requests that name their model."""
    try:
        classifier = await anyio.to_thread.run_sync(_load, settings) if given is None else given
    except ClassifierError as error:
        return Classification(None, str(error), settings, catalog)
    missing = [label for label in classifier.classes_ if label not in catalog.routes.intents]
    if missing:
        problem = f"routes.toml: intents.{missing[0]}: missing, and the classifier knows this intent"
        return Classification(None, problem, settings, catalog)
    return Classification(classifier, None, settings, catalog)


def _load(settings: Settings) -> IntentClassifier:
    return IntentClassifier.from_pretrained(locate(settings.model, settings.state))


async def _service(request: Request) -> Service:
    # `async` or FastAPI hands so little to a worker thread, and waits for it.
    service: Service = request.app.state.service
    return service


ServiceDep = Annotated[Service, Depends(_service)]
