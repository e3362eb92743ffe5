"""What vendors say of a model's end, in the traffic itself: headers, lists of models, and the texts of a 404.

No signal here changes a route. A model that answers "gone" is passed over by who called it; these are for the operator,
who brings the catalogue up to date before that day.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from serve.catalog import Model

_NOT_FOUND, _GONE = 404, 410
# Of the 404s that vendors send, these texts prove that a model was retired: Google's "is no longer available", OpenAI's
# "has been deprecated". Not a proof: "is no longer available to new users" (older accounts may go on), "is not found
# for API version ... or is not supported for ..." (also the wrong surface), "does not exist or you do not have access".
_RETIRED = re.compile(r"is no longer available(?!\s+to new users)|has been deprecated", re.IGNORECASE)
# One link of RFC 8288: <target>; name=value; name="value"
_LINK = re.compile(r'<([^<>"]*)>((?:\s*;\s*[\w*-]+(?:\s*=\s*(?:"[^"]*"|[^\s",;<>]+))?)*)')
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s",;<>]+))', re.IGNORECASE)
_READ, _SHOWN = 4_000, 200  # characters


@dataclass(frozen=True, slots=True)
class Sunset:
    """A vendor's word that a model is coming to its end, or is there.

    Attributes:
        model: the catalogue row's name.
        gone: the answer proves that the vendor has retired it.
        deprecated: since when it is deprecated, by RFC 9745; None where no day was said.
        ends: its last day is the one before this, by RFC 8594 or a list of models; None where no day was said.
        successor: what the vendor points to instead, an address or a model's id.
    """

    model: str
    gone: bool = False
    deprecated: date | None = None
    ends: date | None = None
    successor: str | None = None


class Sunsets:
    """What this process has been told, by row. Of each model it is news once that it ends, and once that it is gone."""

    def __init__(self) -> None:
        self._known: dict[str, Sunset] = {}

    def note(self, sunset: Sunset) -> bool:
        """Remember it; whether it is news, and worth a line in the log."""
        known = self._known.get(sunset.model)
        self._known[sunset.model] = sunset if known is None else _completed(known, sunset)
        return known is None or (sunset.gone and not known.gone)

    def note_listed(self, dates: Mapping[str, date], models: Iterable[Model]) -> list[Sunset]:
        """Remember the dates of `listed_sunsets` that the rows do not have; those that are news."""
        told = [
            Sunset(model.name, ends=dates[model.vendor_model])
            for model in models
            if dates.get(model.vendor_model, model.shutdown_date) != model.shutdown_date
        ]
        return [sunset for sunset in told if self.note(sunset)]

    def lines(self) -> list[str]:
        """One line a model, for an operator."""
        return [describe(sunset) for _, sunset in sorted(self._known.items())]


def signals(response: httpx.Response, model: Model) -> Sunset | None:
    """What a vendor's answer, good or bad, says of the end of `model`; None where it says nothing.

    Reads `Deprecation` (RFC 9745, or a plain date as in its drafts), `Sunset` (RFC 8594), `Link` with the relation
    "successor-version" (RFC 5829), and of refusals the texts that prove retirement. A successor alone is no signal.
    """
    gone = _proves_retirement(response)
    deprecation, sunset = (response.headers.get_list(name)[:1] for name in ("deprecation", "sunset"))
    if not gone and not deprecation and not sunset:
        return None
    deprecated = _day(deprecation[0]) if deprecation else None
    ends = _day(sunset[0]) if sunset else None
    return Sunset(model.name, gone, deprecated, ends, _successor(response))


def listed_sunsets(body: object) -> dict[str, date]:
    """The days on which models end, by the vendor's id, in the JSON of OpenAI's `GET /v1/models`.

    A model without `shutdown_date`, or with one that is no day, is left out.
    """
    entries = body.get("data") if isinstance(body, dict) else None
    found = {
        entry["id"]: _iso_day(entry.get("shutdown_date"))
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and isinstance(entry.get("id"), str)
    }
    return {name: day for name, day in found.items() if day is not None}


def describe(sunset: Sunset) -> str:
    """The signal in one line, and what to do."""
    said = [
        "that it is gone" if sunset.gone else "",
        f"that it ends on {sunset.ends}" if sunset.ends else "",
        f"that it is deprecated from {sunset.deprecated} on" if sunset.deprecated else "",
    ]
    words = " and ".join(part for part in said if part) or "that it is deprecated"
    instead = f"; its successor there is {sunset.successor}" if sunset.successor else ""
    return f"{sunset.model}: its vendor says {words}{instead}; bring its row in catalog.toml up to date"


def _completed(known: Sunset, said: Sunset) -> Sunset:
    return replace(
        known,
        gone=known.gone or said.gone,
        deprecated=said.deprecated or known.deprecated,
        ends=said.ends or known.ends,
        successor=said.successor or known.successor,
    )


def _proves_retirement(response: httpx.Response) -> bool:
    if response.status_code == _GONE:
        return True
    return response.status_code == _NOT_FOUND and any(_RETIRED.search(text) for text in _messages(response))


def _messages(response: httpx.Response) -> list[str]:
    """The vendor's own words: `error.message` (OpenAI, Google), `error`, `message` or `detail` (the others)."""
    try:
        body: Any = json.loads(response.content)
    except (ValueError, RecursionError):
        return []
    if not isinstance(body, dict):
        return []
    error = body.get("error")
    found = [error.get("message") if isinstance(error, dict) else error, body.get("message"), body.get("detail")]
    return [text for text in found if isinstance(text, str)]


def _day(value: str) -> date | None:
    """The UTC day of "@1688169599", of an HTTP date or of an ISO date; None for anything else, such as "true"."""
    text = value.strip()
    if text.startswith("@"):
        return _unix_day(text[1:].partition(";")[0].strip())
    try:
        return parsedate_to_datetime(text).astimezone(UTC).date()
    except (ValueError, TypeError, OverflowError):
        return _iso_day(text)


def _unix_day(seconds: str) -> date | None:
    try:
        return datetime.fromtimestamp(int(seconds), UTC).date()
    except (ValueError, OverflowError, OSError):
        return None


def _iso_day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _successor(response: httpx.Response) -> str | None:
    for target, parameters in _LINK.findall(", ".join(response.headers.get_list("link"))[:_READ]):
        relations = {name for quoted, bare in _REL.findall(parameters) for name in (quoted or bare).lower().split()}
        if "successor-version" in relations and target.isprintable():
            return str(target)[:_SHOWN]
    return None
