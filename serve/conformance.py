"""`prompt-intent doctor --live`: each dialect held against its vendor, by real calls that cost a few cents.

Of every provider and dialect the cheapest living row is asked three times: with a wrong key, for a model that does not
exist, and for one picture at its cheapest. The first two cost nothing where the vendor speaks as we think it does. Dead
rows stand in for living ones at a host that is not the vendor's own, where the service calls them too.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import httpx

from serve.calling import Answer, Caller
from serve.catalog import Catalog, Model, Quality
from serve.checkup import Finding
from serve.client import make_client, make_link_client, way_out
from serve.cost import estimate_usd, settle_usd
from serve.errors import ModelGoneError, ProviderError, ProviderInvalidRequestError, UpstreamAuthError
from serve.fitting import PIXELS, fit
from serve.image_request import ImageRequest, ReadyModel, WireRequest
from serve.lifecycle import is_dead
from serve.model_list import lists_of
from serve.pictures import Picture, PictureDesk
from serve.providers import dialect_of
from serve.settings import Settings
from serve.sunset import listed_sunsets
from serve.targets import Targets

PROMPT = "a red circle on a white background"
_PLAIN: Quality = "auto"
_WRONG_KEY = "invalid"
_NO_SUCH_PATH = (404, 405)
_NO_SUCH_MODEL = "prompt-intent-no-such-model"
# Between what was expected to be billed and what was: GPT Image's token counts vary by a few per cent with the picture.
_CLOSE = 1.25

Errors = tuple[type[ProviderError], ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """The cheapest picture of one row, and what it should cost in US dollars."""

    row: Model
    wire: WireRequest
    usd: float

    @property
    def subject(self) -> str:
        """Whose dialect is tried, for the report."""
        return _subject(self.row)


def plan_trials(catalog: Catalog, targets: Targets, today: date) -> list[Trial]:
    """One for every provider with a key and every dialect that it can be spoken to in, the cheapest first."""

    def worth(trial: Trial) -> tuple[bool, float]:
        return is_dead(trial.row, today), trial.usd

    best: dict[str, Trial] = {}
    for row in catalog.models.values():
        target = targets.providers[row.provider]
        if target.api_key and (target.overridden or not is_dead(row, today)):
            trial = min((_trial(row, quality, today) for quality in row.qualities or (_PLAIN,)), key=_usd)
            best[trial.subject] = min(trial, best.get(trial.subject, trial), key=worth)
    return sorted(best.values(), key=_usd)


def untried(catalog: Catalog, targets: Targets, today: date) -> list[Finding]:
    """A word on each dialect that `plan_trials` leaves out although its provider has a key."""
    keyed = [row for row in catalog.models.values() if targets.providers[row.provider].api_key]
    tried = {trial.subject for trial in plan_trials(catalog, targets, today)}
    left = dict.fromkeys(_subject(row) for row in keyed)
    return [Finding("ok", one, "not tried: no living model speaks it") for one in left if one not in tried]


def within(trials: Sequence[Trial], ceiling: float) -> tuple[list[Trial], list[Finding]]:
    """The trials that `ceiling` US dollars pay for together, and a warning for each that they do not."""
    taken: list[Trial] = []
    left: list[Finding] = []
    for trial in trials:
        if sum(map(_usd, taken)) + trial.usd <= ceiling:
            taken.append(trial)
        else:
            left.append(Finding("warning", trial.subject, f"not tried: ${trial.usd:.3f} more pass the ceiling"))
    return taken, left


class Conformance:
    """Tries dialects on whoever `targets` lead to. `patience` is the longest one call may take, in seconds."""

    def __init__(
        self, client: httpx.AsyncClient, desk: PictureDesk, targets: Targets, today: date, patience: float
    ) -> None:
        self._client = client
        self._desk = desk
        self._targets = targets
        self._today = today
        self._caller = Caller(client, targets, patience)
        self._stranger = Caller(client, _with_key(targets, _WRONG_KEY), patience)

    async def examine(self, trials: Iterable[Trial]) -> list[Finding]:
        """What each trial showed, in order. Raises nothing that a vendor can cause."""
        return [await check(trial) for trial in trials for check in (self._key, self._name, self._picture)]

    async def ends(self, catalog: Catalog) -> list[Finding]:
        """Whether the vendors' lists of models and the catalogue agree on the days on which models end."""
        return [
            finding
            for model in lists_of(catalog, self._targets, self._today)
            for finding in await self._listed(model, catalog)
        ]

    async def _listed(self, model: ReadyModel, catalog: Catalog) -> list[Finding]:
        provider, list_models = model.row.provider, dialect_of(model.row).list_models
        if list_models is None:
            return []
        try:
            response = await self._client.send(list_models(model))
            if response.status_code in _NO_SUCH_PATH:
                return [Finding("ok", f"{provider} models", "has no list of its models")]
            if not response.is_success:
                return [_unlisted(provider, f"answered {response.status_code}")]
            return _compared(provider, listed_sunsets(response.json()), catalog)
        except httpx.RequestError as error:
            return [_unlisted(provider, f"could not be asked for ({type(error).__name__})")]
        except ValueError:
            return [_unlisted(provider, "is not JSON")]

    async def _key(self, trial: Trial) -> Finding:
        error = await _refusal(self._stranger.draw(trial.row, trial.wire))
        return _refused(trial, "a wrong key", error, (UpstreamAuthError,))

    async def _name(self, trial: Trial) -> Finding:
        stranger = trial.row.model_copy(update={"vendor_model": _NO_SUCH_MODEL})
        error = await _refusal(self._caller.draw(stranger, trial.wire))
        return _refused(trial, "an unknown model", error, (ModelGoneError, ProviderInvalidRequestError))

    async def _picture(self, trial: Trial) -> Finding:
        began = time.monotonic()
        try:
            answer = await self._caller.draw(trial.row, trial.wire)
            pictures = await self._desk.prove(answer.images, trial.row.provider)
        except ProviderError as error:
            return Finding("error", trial.subject, f"draws: {trial.row.vendor_model} gave no picture: {error}")
        return _drawn(trial, answer, pictures, time.monotonic() - began, self._today)


async def try_live(
    settings: Settings, catalog: Catalog, targets: Targets, trials: Sequence[Trial], today: date
) -> list[Finding]:
    """All that can be learned of `targets` by the trials and the vendors' lists of models."""
    transport, patience = way_out(targets), settings.connect_timeout + settings.read_timeout
    async with make_client(settings, transport) as client, make_link_client(settings, transport) as links:
        kit = Conformance(client, PictureDesk(links, targets), targets, today, patience)
        return [*await kit.examine(trials), *untried(catalog, targets, today), *await kit.ends(catalog)]


def _trial(row: Model, quality: Quality, today: date) -> Trial:
    wire, _ = fit(replace(ImageRequest(PROMPT), quality=quality), row)
    return Trial(row, wire, estimate_usd(row, wire, today))


def _subject(row: Model) -> str:
    return f"{row.provider} {row.dialect}"


def _usd(trial: Trial) -> float:
    return trial.usd


def _with_key(targets: Targets, key: str) -> Targets:
    return replace(targets, providers={name: replace(one, api_key=key) for name, one in targets.providers.items()})


async def _refusal(call: Awaitable[Answer]) -> ProviderError | None:
    try:
        await call
    except ProviderError as error:
        return error
    return None


def _refused(trial: Trial, what: str, error: ProviderError | None, wanted: Errors) -> Finding:
    if error is None:
        return Finding("error", trial.subject, f"{what}: was not refused, and a picture may have been billed")
    told = f"{what}: {error.upstream_status or 'no answer'}, told as {error.kind}"
    if isinstance(error, wanted):
        return Finding("ok", trial.subject, told)
    kinds = " or ".join(kind.kind for kind in wanted)
    return Finding("warning", trial.subject, f"{told} where {kinds} was expected: {error}")


def _drawn(trial: Trial, answer: Answer, pictures: Sequence[Picture], seconds: float, today: date) -> Finding:
    billed = settle_usd(trial.row, trial.wire, answer.usage, trial.wire.n, today)
    first = pictures[0]
    told = (
        f"draws: {trial.row.vendor_model}, {first.media_type} {first.width}x{first.height} in {seconds:.1f} s, "
        f"${billed:.4f} {'by its usage' if answer.usage else 'by the catalogue'}"
    )
    if amiss := _amiss(trial, first, billed):
        return Finding("warning", trial.subject, f"{told}; {amiss}")
    return Finding("ok", trial.subject, told)


def _amiss(trial: Trial, picture: Picture, billed: float) -> str:
    """What of the picture or its bill is not as the row says; empty where all is."""
    found = []
    if PIXELS.fullmatch(trial.wire.shape) and trial.wire.shape != f"{picture.width}x{picture.height}":
        found.append(f"{trial.wire.shape} was asked")
    if not trial.usd / _CLOSE <= billed <= trial.usd * _CLOSE:
        found.append(f"${trial.usd:.4f} was expected: bring the row's price up to date")
    return "; ".join(found)


def _unlisted(provider: str, why: str) -> Finding:
    return Finding(
        "warning", f"{provider} models", f"its list {why}, so the days on which models end were not compared"
    )


def _compared(provider: str, ends: Mapping[str, date], catalog: Catalog) -> list[Finding]:
    rows = [row for row in catalog.models.values() if row.provider == provider and row.vendor_model in ends]
    apart = [
        Finding("warning", row.name, f"its vendor's list says it ends {ends[row.vendor_model]}, the catalogue "
                f"{row.shutdown_date or 'gives no day'}: bring its row up to date")
        for row in rows
        if row.shutdown_date != ends[row.vendor_model]
    ]  # fmt: skip
    return apart or [Finding("ok", f"{provider} models", f"its list and the catalogue agree on {len(rows)} ends")]
