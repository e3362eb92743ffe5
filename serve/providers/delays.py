"""How long a vendor asks to wait, in seconds, read from its answer; from our clock only where that has none."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

# Bounded on purpose: also keeps "nan", "inf" and negative waits out.
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def stated_delay(headers: httpx.Headers, now: Callable[[], float] = time.time) -> float | None:
    """Seconds from `retry-after-ms`, else `retry-after` (seconds, or an HTTP date), None where neither can be read.

    A date is taken relative to the answer's own `date`, and to `now` (seconds since 1970) only where it has none that
    can be read: the vendor's clock and ours may differ. One that has passed means now.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    stated = headers.get("retry-after")
    seconds = _number(stated)
    return seconds if seconds is not None else _until(stated, headers.get("date"), now)


def duration(text: str | None) -> float | None:
    """Seconds in a protobuf duration such as "34s" or "1.5s" (Google's `retryDelay`), None for anything else."""
    return _number(text[:-1]) if text and text.endswith("s") else None


def _number(text: str | None) -> float | None:
    stripped = (text or "").strip()
    return float(stripped) if _NUMBER.fullmatch(stripped) else None


def _until(end: str | None, start: str | None, now: Callable[[], float]) -> float | None:
    then = _moment(end)
    if then is None:
        return None
    began = _moment(start) or datetime.fromtimestamp(now(), UTC)
    return max(0.0, (then - began).total_seconds())


def _moment(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    # "-0000" parses to a naive time; HTTP dates are UTC anyhow.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
