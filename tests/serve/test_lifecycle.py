"""Dates on both sides of a shutdown, and the way along successors."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

import pytest

from serve.catalog import Catalog, Model, load_catalog
from serve.lifecycle import is_dead, resolve

SHIPPED = load_catalog()
LAST = date(2026, 12, 1)
EVE, AFTER = LAST - timedelta(days=1), LAST + timedelta(days=1)
NOBODY: frozenset[str] = frozenset()

Status = Literal["active", "deprecated", "shutdown"]


def row(name: str, status: Status = "active", until: date | None = None, successor: str | None = None) -> Model:
    """A row that lives at OpenAI and differs only in its life."""
    life = {"name": name, "status": status, "shutdown_date": until, "successor": successor}
    return SHIPPED.models["gpt-image-2.5-flare"].model_copy(update=life)


def catalog(*rows: Model) -> Catalog:
    """The shipped catalogue with these rows for its models."""
    return SHIPPED.model_copy(update={"models": {row.name: row for row in rows}})


def called(name: str, models: Catalog, today: date, overridden: frozenset[str] = NOBODY) -> str | None:
    """The name of the row that answers."""
    found = resolve(name, models, today, overridden)
    return None if found is None else found.name


@pytest.mark.parametrize(
    ("status", "until", "today", "dead"),
    [
        ("active", None, AFTER, False),
        ("active", LAST, EVE, False),
        ("active", LAST, LAST, True),
        ("active", LAST, AFTER, True),
        ("deprecated", None, AFTER, False),
        ("deprecated", LAST, EVE, False),
        ("deprecated", LAST, LAST, True),
        ("deprecated", LAST, AFTER, True),
        ("shutdown", LAST, EVE, False),
        ("shutdown", LAST, LAST, True),
        ("shutdown", LAST, AFTER, True),
        ("shutdown", None, EVE, True),
    ],
)
def test_a_model_dies_on_its_day(status: Status, until: date | None, today: date, dead: bool) -> None:
    """Alive on the eve, dead on the day itself and after; without a date the status decides, on every day."""
    assert is_dead(row("any", status, until), today) is dead


@pytest.mark.parametrize(("today", "answers"), [(EVE, "old"), (LAST, "new"), (AFTER, "new")])
def test_a_successor_takes_over_on_the_day(today: date, answers: str) -> None:
    """The named row answers through the eve, its successor from the day on."""
    models = catalog(row("old", "deprecated", LAST, "new"), row("new"))
    assert called("old", models, today) == answers


def test_a_living_row_is_never_replaced() -> None:
    """A successor changes nothing while the named row lives."""
    models = catalog(row("old", successor="new"), row("new"))
    assert called("old", models, AFTER) == "old"


@pytest.mark.parametrize(("today", "answers"), [(EVE, "second"), (LAST, "third"), (AFTER, "third")])
def test_succession_goes_on_past_dead_successors(today: date, answers: str) -> None:
    """A successor that died in its turn is passed over."""
    models = catalog(
        row("first", "shutdown", date(2026, 1, 1), "second"), row("second", "deprecated", LAST, "third"), row("third")
    )
    assert called("first", models, today) == answers


@pytest.mark.parametrize("successor", [None, "last"])
def test_a_line_that_ends_dead_has_no_answer(successor: str | None) -> None:
    """Without a living row at its end a name cannot be called."""
    models = catalog(row("old", "deprecated", LAST, successor), row("last", "deprecated", LAST))
    assert called("old", models, LAST) is None


@pytest.mark.parametrize("successor", ["one", "two"])
def test_a_circle_of_dead_rows_has_no_answer(successor: str) -> None:
    """A circle ends, whether it is one row long or two."""
    models = catalog(row("one", "deprecated", LAST, successor), row("two", "deprecated", LAST, "one"))
    assert called("one", models, LAST) is None


def test_an_overridden_host_still_serves_the_dead() -> None:
    """A sandbox or a private server answers under the old id; another provider's override changes nothing."""
    models = catalog(row("old", "shutdown", LAST, "new"), row("new"))
    assert called("old", models, AFTER, frozenset({"openai"})) == "old"
    assert called("old", models, AFTER, frozenset({"google"})) == "new"


def test_an_overridden_host_serves_a_dead_successor() -> None:
    """The override of the successor's provider counts as much as that of the named row's."""
    last = row("last", "deprecated", LAST).model_copy(update={"provider": "google"})
    models = catalog(row("old", "shutdown", LAST, "last"), last)
    assert called("old", models, AFTER, frozenset({"google"})) == "last"


@pytest.mark.parametrize("overridden", [NOBODY, frozenset({"openai"})])
def test_a_row_that_said_it_is_gone_is_passed_over(overridden: frozenset[str]) -> None:
    """Alive by its date or at an overridden host: who answered "gone" is not called, and its successors are."""
    models = catalog(row("first", successor="second"), row("second", successor="third"), row("third"))
    for gone, answers in [({"first"}, "second"), ({"first", "second"}, "third"), ({"second"}, "first")]:
        found = resolve("first", models, EVE, overridden, frozenset(gone))
        assert found is not None
        assert found.name == answers
    assert resolve("first", models, EVE, overridden, frozenset({"first", "second", "third"})) is None


def test_dalle_3_answers_for_itself_in_2025() -> None:
    """The shipped name resolves to its own row on a day before the shutdown, and to a living successor after it."""
    assert called("dalle-3-std", SHIPPED, date(2025, 11, 22)) == "dalle-3-std"
    assert called("dalle-3-std", SHIPPED, date(2026, 11, 22)) == "gpt-image-2.5-sunburst"


def test_an_unknown_name_is_no_model() -> None:
    """The caller checks names first; here an unknown one is a plain KeyError."""
    with pytest.raises(KeyError, match="nobody"):
        resolve("nobody", SHIPPED, LAST, NOBODY)


@pytest.mark.parametrize(
    ("name", "eve_of", "successor"),
    [
        ("imagen-4-fast", date(2026, 8, 16), "gemini-3.1-flash-lite-image"),
        ("imagen-4", date(2026, 8, 16), "gemini-nano-banana-2.1"),
        ("dalle-3-std", date(2026, 5, 11), "gpt-image-2.5-sunburst"),
    ],
)
def test_the_shipped_dates_are_the_day_after_the_eve(name: str, eve_of: date, successor: str) -> None:
    """The retired rows answer for themselves through the eve of their shutdown, and their successors from then on."""
    assert called(name, SHIPPED, eve_of) == name
    assert called(name, SHIPPED, eve_of + timedelta(days=1)) == successor
