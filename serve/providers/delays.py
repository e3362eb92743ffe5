"""How long a vendor asks to wait, in seconds, read from its answer alone: no clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

# Bounded on purpose: also keeps "nan", "inf" and negative waits out.
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def stated_delay(headers: httpx.Headers) -> float | None:
    """Seconds from `retry-after-ms`, else `retry-after` (seconds, or an HTTP date), None where neither can be read.

    A date is taken relative to the answer's own `date`, never to our clock; one that has passed means now.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    stated = headers.get("retry-after")
    seconds = _number(stated)
    return seconds if seconds is not None else _between(headers.get("date"), stated)


def duration(text: str | None) -> float | None:
    """Seconds in a protobuf duration such as "34s" or "1.5s" (Google's `retryDelay`), None for anything else."""
    return _number(text[:-1]) if text and text.endswith("s") else None


def _number(text: str | None) -> float | None:
    stripped = (text or "").strip()
    return float(stripped) if _NUMBER.fullmatch(stripped) else None


def _between(start: str | None, end: str | None) -> float | None:
    now, then = _moment(start), _moment(end)
    return None if now is None or then is None else max(0.0, (then - now).total_seconds())


def _moment(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    # "-0000" parses to a naive time; HTTP dates are UTC anyhow.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
