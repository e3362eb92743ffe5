"""The service's parts, put together once at start-up and taken apart at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import anyio.to_thread
import httpx
from fastapi import Depends, Request

from classifier import ClassifierError, IntentClassifier
from classifier.champion import locate
from serve.calling import Caller
from serve.catalog import Catalog
from serve.classification import Classification
from serve.client import make_client
from serve.clock import Clock
from serve.generation import Choose, Classify, Draw, Keep, TryModel
from serve.image_store import ImageStore
from serve.job import Step
from serve.pictures import PictureDesk
from serve.settings import Settings
from serve.targets import Targets


@dataclass(frozen=True, slots=True)
class Service:
    """What the endpoints work with."""

    settings: Settings
    catalog: Catalog
    targets: Targets
    clock: Clock
    classification: Classification
    store: ImageStore
    steps: tuple[Step, ...]


@asynccontextmanager
async def open_service(
    settings: Settings,
    catalog: Catalog,
    clock: Clock,
    classifier: IntentClassifier | None,
    transport: httpx.AsyncBaseTransport | None,
) -> AsyncIterator[Service]:
    """Load the classifier unless one is given, open the client, and close it at the end.

    `transport` stands in for the network, or for the sandbox where the settings ask for it.
    """
    targets = Targets.from_settings(settings, catalog)
    classification = await _classification(settings, catalog, classifier)
    store = ImageStore(settings.state.images)
    async with make_client(settings, transport or _transport(targets)) as client:
        caller = Caller(client, targets, settings.connect_timeout + settings.read_timeout)
        try_model = TryModel(caller, PictureDesk(client, targets), clock)
        steps = (Classify(classification), Choose(catalog, targets, clock), Draw(try_model), Keep(store))
        yield Service(settings, catalog, targets, clock, classification, store, steps)


def _transport(targets: Targets) -> httpx.AsyncBaseTransport | None:
    """The sandbox as the client's only way out, so that such a process has no connection to open; else the network."""
    if not targets.sandbox:
        return None
    # Drawing libraries and fonts: a process with real keys never pays for them.
    from serve.sandbox.app import create_sandbox  # noqa: PLC0415

    return httpx.ASGITransport(app=create_sandbox())


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


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceDep = Annotated[Service, Depends(_service)]
