"""`create_app(settings)`: the service as one ASGI application. Nothing happens on import, the rest in the lifespan."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

import httpx
import structlog
from fastapi import FastAPI
from starlette.middleware import Middleware

from classifier import IntentClassifier
from serve.catalog import Catalog, load_catalog
from serve.clock import Clock
from serve.endpoints import classify, export, feedback, generate, generations, health, images, models, page, route
from serve.error_handlers import install_error_handlers
from serve.guards import BodyLimit, HostGuard, KeyGuard, OriginGuard, SecurityHeaders
from serve.observer import Observer
from serve.readiness import read_readiness
from serve.service import open_service
from serve.settings import Settings
from serve.turnstile import Turnstile
from serve.vitals import Vitals

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger("serve")


def create_app(
    settings: Settings,
    *,
    catalog: Catalog | None = None,
    classifier: IntentClassifier | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Clock | None = None,
    vitals: Vitals | None = None,
    closing: asyncio.Event | None = None,
) -> FastAPI:
    """The service as `settings` want it; what is not given is loaded: the catalogue now, the classifier at start-up.

    `transport` stands in for the network (or the sandbox) on the way to the vendors. `vitals` bring their own breakers
    and limits; they must have been made with the same `clock`. `closing` is set where the end is known to be near: no
    vendor is called from then on.

    Raises:
        CatalogError: the catalogue or the routes cannot be served.
    """
    # A bundle's own labels are checked once it is loaded; until then any set of routes will do.
    catalog = catalog or load_catalog(classes=(), profile=settings.profile, own_file=settings.catalog)
    clock = clock or Clock()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_service(settings, catalog, clock, classifier, transport, vitals, closing) as service:
            app.state.service = service
            readiness = read_readiness(service)
            _log.info("started", **readiness.model_dump(exclude={"warnings"}))
            for warning in readiness.warnings:
                _log.warning("start-up", warning=warning)
            yield

    app = FastAPI(
        title="prompt-intent",
        version=version("prompt-intent"),
        description="Reads the intent of an image prompt and routes it to the image model that is best at it.",
        lifespan=lifespan,
        middleware=_guards(settings, clock),
        docs_url=None,
        redoc_url=None,
    )
    install_error_handlers(app)
    for module in (generations, generate, classify, route, export, images, models, feedback, health, page):
        app.include_router(module.router)
    app.mount("/static", page.Assets())
    return app


def _guards(settings: Settings, clock: Clock) -> list[Middleware]:
    """Outermost first: what is refused further in still gets its id, its log line and the browser's restrictions."""
    return [
        Middleware(SecurityHeaders),
        Middleware(Observer, clock=clock),
        Middleware(Turnstile),
        Middleware(HostGuard, settings=settings),
        Middleware(OriginGuard, settings=settings),
        Middleware(KeyGuard, settings=settings),
        Middleware(BodyLimit, settings=settings),
    ]
