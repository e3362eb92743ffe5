"""A vendor's signals that a model ends: read where they are meant, and not read into what proves nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.catalog import load_catalog
from serve.sunset import Sunset, Sunsets, listed_sunsets, signals

MODELS = load_catalog().models
ROW = MODELS["ideogram-v2a"]
NAME = ROW.name
DAY = date(2026, 12, 1)
SECONDS = int(datetime(2026, 12, 1, 12, tzinfo=UTC).timestamp())
GOOGLE = "This model models/imagen-4.0-generate-001 is no longer available. Please update your code."
WRONG_SURFACE = "models/x is not found for API version v1beta, or is not supported for predict."
OPENAI = "The model `dall-e-3` has been deprecated, learn more here: https://platform.openai.com/docs/deprecations"


def told(status: int = 200, body: Any = None, **headers: str) -> Sunset | None:
    """What an answer says of ROW; headers are written with _ for -."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return signals(httpx.Response(status, json=body, headers=fields), ROW)


@pytest.mark.parametrize(
    ("value", "day"),
    [
        (f"@{SECONDS}", DAY),
        (f"@{SECONDS};note=1", DAY),
        ("@0", date(1970, 1, 1)),
        ("Tue, 01 Dec 2026 12:00:00 GMT", DAY),
        ("Tue, 01 Dec 2026 23:30:00 -0200", date(2026, 12, 2)),
        ("2026-12-01", DAY),
        ("true", None),
        ("", None),
        ("@", None),
        ("@soon", None),
        ("@999999999999999999999", None),
        ("Tue, 99 Foo 2026", None),
    ],
)
def test_a_deprecation_header_is_a_signal_whatever_its_day(value: str, day: date | None) -> None:
    """RFC 9745's @seconds, an HTTP date and an ISO date give the UTC day; anything else is a signal without one."""
    assert told(deprecation=value) == Sunset(NAME, deprecated=day)


def test_a_sunset_header_gives_the_end() -> None:
    """RFC 8594's HTTP date; it may come with a deprecation, and on an error as well as on a success."""
    ends = "Tue, 01 Dec 2026 00:00:00 GMT"
    assert told(sunset=ends) == Sunset(NAME, ends=DAY)
    assert told(429, deprecation="@0", sunset=ends) == Sunset(NAME, deprecated=date(1970, 1, 1), ends=DAY)


@pytest.mark.parametrize(
    ("link", "successor"),
    [
        ('<https://v.test/v2>; rel="successor-version"', "https://v.test/v2"),
        ("</v2/image>; rel=successor-version", "/v2/image"),
        ('<https://v.test/a,b;c>; title="x, y"; rel="help Successor-Version"', "https://v.test/a,b;c"),
        ('<https://v.test/docs>; rel="deprecation", </v2>;rel="successor-version"', "/v2"),
        ('<https://v.test/docs>; rel="deprecation"', None),
        ("https://v.test/v2; rel=successor-version", None),
        ("<", None),
        ("", None),
    ],
)
def test_a_link_names_the_successor(link: str, successor: str | None) -> None:
    """The target of the relation "successor-version" is kept, among other links and parameters."""
    assert told(deprecation="@0", link=link) == Sunset(NAME, deprecated=date(1970, 1, 1), successor=successor)


def test_an_answer_without_signals_says_nothing() -> None:
    """A plain success is no signal, and neither is a link to a successor alone."""
    assert told(body={"data": [], "notice": "is no longer available"}) is None
    assert told(link='</v2>; rel="successor-version"') is None


@pytest.mark.parametrize(
    ("status", "body", "proof"),
    [
        (404, {"error": {"code": 404, "message": GOOGLE, "status": "NOT_FOUND"}}, True),
        (404, {"error": {"message": OPENAI, "type": "invalid_request_error", "code": "model_not_found"}}, True),
        (404, {"message": "Model V_2A is no longer available."}, True),
        (404, {"error": "V_2A has been deprecated"}, True),
        (410, None, True),
        # The texts of 404s that a living model gives as well.
        (404, {"error": {"message": "This model models/x is no longer available to new users.", "code": 404}}, False),
        (404, {"error": {"message": WRONG_SURFACE}}, False),
        (404, {"error": {"message": "The model `x` does not exist or you do not have access to it."}}, False),
        (404, {"error": {"message": None}}, False),
        (404, ["is no longer available"], False),
        (404, None, False),
        # Whoever refuses a key, a prompt or a rate says nothing of the model.
        (400, {"error": {"message": GOOGLE}}, False),
        (401, {"error": {"message": GOOGLE}}, False),
        (500, {"error": {"message": GOOGLE}}, False),
    ],
)  # fmt: skip
def test_only_some_texts_of_a_404_prove_retirement(status: int, body: Any, proof: bool) -> None:
    """Google's and OpenAI's texts for a retired model, and a 410, are proof; every other refusal is not."""
    assert told(status, body) == (Sunset(NAME, gone=True) if proof else None)


def test_a_page_instead_of_json_proves_nothing() -> None:
    """A proxy's 404 may hold any words."""
    response = httpx.Response(404, html="<p>This page is no longer available</p>")
    assert signals(response, ROW) is None


@given(value=st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=40))
def test_no_header_can_break_the_reading(value: str) -> None:
    """Whatever a vendor writes, the answer is a signal, with or without days."""
    raw = value.encode("latin-1")
    headers = [(b"deprecation", raw), (b"sunset", raw), (b"link", raw)]
    assert signals(httpx.Response(200, headers=headers), ROW) is not None


def test_openais_list_of_models_gives_the_ends() -> None:
    """`shutdown_date` by the vendor's id; null, missing and unreadable ones are left out."""
    body = {
        "object": "list",
        "data": [
            {"id": "gpt-image-1.5", "shutdown_date": "2026-12-01"},
            {"id": "gpt-image-2", "shutdown_date": None},
            {"id": "gpt-image-2.5-flare"},
            {"id": "odd", "shutdown_date": "soon"},
            {"id": 7, "shutdown_date": "2026-12-01"},
            "gpt-image-1",
        ],
    }
    assert listed_sunsets(body) == {"gpt-image-1.5": DAY}


@pytest.mark.parametrize("body", [None, [], "x", {}, {"data": None}, {"data": {"id": "x"}}])
def test_a_list_that_is_none_gives_nothing(body: object) -> None:
    """A server that is only like OpenAI's may answer anything."""
    assert listed_sunsets(body) == {}


def test_each_model_is_news_once_and_once_more_when_it_is_gone() -> None:
    """The same header on every answer is one line in the log, not one a picture."""
    sunsets = Sunsets()
    soon, gone = Sunset(NAME, ends=DAY), Sunset(NAME, gone=True)
    assert [sunsets.note(sunset) for sunset in (soon, soon, gone, gone, soon)] == [True, False, True, False, False]
    assert sunsets.note(Sunset("other", ends=DAY))


def test_what_is_known_grows() -> None:
    """Signals complete each other, and each model has one line that says what to do."""
    sunsets = Sunsets()
    for sunset in (Sunset(NAME, ends=DAY), Sunset(NAME, successor="/v2"), Sunset("another", deprecated=DAY)):
        sunsets.note(sunset)
    assert sunsets.lines() == [
        "another: its vendor says that it is deprecated from 2026-12-01 on; bring its row in catalog.toml up to date",
        f"{NAME}: its vendor says that it ends on 2026-12-01; its successor there is /v2; "
        "bring its row in catalog.toml up to date",
    ]
    sunsets.note(Sunset(NAME, gone=True))
    assert "that it is gone and that it ends on 2026-12-01" in sunsets.lines()[1]


def test_listed_dates_are_news_where_the_catalogue_lacks_them() -> None:
    """A date that the row has is no news; another or a first one is, once."""
    known = MODELS["dalle-3-std"]
    day = known.shutdown_date
    assert day is not None
    live = MODELS["gpt-image-2.5-flare"]
    sunsets = Sunsets()
    assert sunsets.note_listed({known.vendor_model: day, "unheard-of": DAY}, MODELS.values()) == []
    assert sunsets.note_listed({live.vendor_model: DAY}, MODELS.values()) == [Sunset(live.name, ends=DAY)]
    assert sunsets.note_listed({live.vendor_model: DAY}, MODELS.values()) == []
    later = {known.vendor_model: day + timedelta(days=1)}
    assert [sunset.model for sunset in sunsets.note_listed(later, MODELS.values())] == [known.name]
