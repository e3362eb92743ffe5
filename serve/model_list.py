"""The vendors' own lists of models: asked for free, they say on which day a model ends before any answer does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, timedelta

import httpx
import structlog

from serve.catalog import Catalog
from serve.image_request import ReadyModel
from serve.lifecycle import is_dead
from serve.providers import dialect_of
from serve.sunset import listed_sunsets
from serve.targets import Targets
from serve.vitals import Vitals

_DAY_S = 86_400.0
_log: structlog.typing.FilteringBoundLogger = structlog.get_logger("serve")


def lists_of(catalog: Catalog, targets: Targets, today: date) -> list[ReadyModel]:
    """A living row of each provider that has a key and a list; overridden hosts are included."""
    found = {
        model.provider: targets.ready(model)
        for model in catalog.models.values()
        if targets.providers[model.provider].api_key and dialect_of(model).list_models and not is_dead(model, today)
    }
    return list(found.values())


async def ask_for_ends(client: httpx.AsyncClient, model: ReadyModel) -> Mapping[str, date] | None:
    """The days on which models of this provider end, by the vendor's id; None where it gave no list."""
    list_models = dialect_of(model.row).list_models
    if list_models is None:
        return None
    try:
        response = await client.send(list_models(model))
        return listed_sunsets(response.json()) if response.is_success else None
    except (httpx.RequestError, ValueError):
        return None


async def watch(
    client: httpx.AsyncClient,
    targets: Targets,
    catalog: Catalog,
    vitals: Vitals,
    today: date,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Ask at once, which is `today`, and then every day, until cancelled.

    Only vendors are asked: whoever overrides a host knows what it serves.
    """
    while True:
        for model in lists_of(catalog, targets, today):
            if not targets.providers[model.row.provider].overridden:
                await _hear_from(client, model, catalog, vitals)
        await sleep(_DAY_S)
        today += timedelta(days=1)


async def _hear_from(client: httpx.AsyncClient, model: ReadyModel, catalog: Catalog, vitals: Vitals) -> None:
    provider = model.row.provider
    try:
        ends = await ask_for_ends(client, model) or {}
        vitals.hear_ends(ends, [row for row in catalog.models.values() if row.provider == provider])
    except Exception as error:
        # Nobody waits for this task: what ended it would be seen by no one, and tomorrow's list may be in order.
        _log.error("model list", provider=provider, kind=type(error).__name__)
