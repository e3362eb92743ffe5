"""What the doctor finds, by day, key and price: fine, a warning or an error, and what to do."""

from __future__ import annotations

import io
from datetime import date

import pytest
from rich.console import Console

from serve.catalog import Catalog, IntentRoute, Model, Routes, load_catalog
from serve.checkup import (
    Finding,
    Level,
    check_coming_routes,
    check_keys,
    check_prices,
    check_routes,
    check_sunsets,
    exit_code,
    render_findings,
)
from serve.constraints import Health
from serve.prices import PriceRow

SHIPPED = load_catalog()
TODAY = date(2026, 11, 22)
END = date(2026, 12, 1)
NOBODY: frozenset[str] = frozenset()
ALL = frozenset(SHIPPED.providers)


def row(name: str, provider: str = "openai", **changes: object) -> Model:
    """A living row without a successor, unless `changes` say otherwise."""
    plain = {"name": name, "provider": provider, "vendor_model": name, "successor": None, "price_changes": []}
    return SHIPPED.models["gpt-image-2.5-flare"].model_copy(update=plain | changes)


ROWS = [
    row("dying", shutdown_date=END, successor="heir"),
    row("heir", "google"),
    row("last", "ideogram", shutdown_date=END),
    row("mute", "google", text=False),
]
ROUTES = Routes(
    default="heir",
    intents={
        "preview": IntentRoute(models=["dying"]),
        "text_heavy": IntentRoute(models=["last", "mute"], needs=["text"]),
    },
)
CATALOG = Catalog(providers=SHIPPED.providers, models={row.name: row for row in ROWS}, routes=ROUTES)


def told(findings: list[Finding], level: Level) -> list[str]:
    """The findings of one level, each in one line."""
    return [f"{finding.subject}: {finding.message}" for finding in findings if finding.level == level]


@pytest.mark.parametrize(
    ("levels", "code"), [([], 0), (["ok"], 0), (["ok", "warning"], 1), (["error", "warning"], 2), (["error"], 2)]
)
def test_the_worst_finding_decides_the_exit_code(levels: list[Level], code: int) -> None:
    """0 fine, 1 warnings, 2 errors."""
    assert exit_code([Finding(level, "any", "thing") for level in levels]) == code


def test_a_living_model_is_warned_of_in_its_last_60_days() -> None:
    """From the 60th day before to the eve, on a route or not; who answers afterwards is told."""
    warned = told(check_sunsets(CATALOG, NOBODY, TODAY), "warning")
    assert warned == [
        "dying: shuts down 2026-12-01, in 9 days; heir answers from then on",
        "last: shuts down 2026-12-01, in 9 days; nothing answers from then on: give its row a successor",
    ]
    for day, count in [(date(2026, 10, 1), 0), (date(2026, 10, 2), 2), (date(2026, 11, 30), 2), (END, 0)]:
        assert len(told(check_sunsets(CATALOG, NOBODY, day), "warning")) == count
    assert len(told(check_sunsets(CATALOG, frozenset({"openai"}), TODAY), "warning")) == 1
    assert told(check_sunsets(CATALOG, ALL, TODAY), "ok") == ["sunsets: no living model is shut down within 60 days"]


def test_a_route_that_dies_on_a_day_is_an_error() -> None:
    """On the eve all is well; on the day the intent whose models are all dead or unable is named, the other goes on."""
    eve, day = (check_routes(CATALOG, NOBODY, on) for on in (date(2026, 11, 30), END))
    assert told(eve, "error") == []
    assert told(eve, "ok") == ["intents.preview: answered by dying", "intents.text_heavy: answered by last"]
    assert told(eve, "warning") == ["intents.text_heavy: mute cannot answer: draws no legible text"]
    assert told(day, "ok") == ["intents.preview: answered by heir"]
    assert told(day, "error") == [
        "intents.text_heavy: on 2026-12-01 none of its models can answer, only the default model is left: "
        "change routes.toml"
    ]
    assert "intents.text_heavy: last cannot answer: shut down 2026-12-01, and no successor of it is alive" in told(
        day, "warning"
    )


def test_a_dead_default_is_an_error() -> None:
    """It answers whatever the classifier is unsure of."""
    routes = ROUTES.model_copy(update={"default": "last"})
    found = check_routes(CATALOG.model_copy(update={"routes": routes}), NOBODY, END)
    assert "default: on 2026-12-01 last is dead: change routes.toml" in told(found, "error")
    assert any("nothing is left" in line for line in told(found, "error"))


def test_a_route_that_will_die_is_an_error_before_it_does() -> None:
    """In the 60 days before, once, of the day on which it dies; what is dead already is said elsewhere."""
    routes = ROUTES.model_copy(update={"default": "dying"})
    heir = row("heir", "google", shutdown_date=date(2026, 12, 5))
    catalog = CATALOG.model_copy(update={"routes": routes, "models": CATALOG.models | {"heir": heir}})
    assert told(check_coming_routes(catalog, NOBODY, TODAY), "error") == [
        "intents.text_heavy: from 2026-12-01 on none of its models can answer, only the default model is left: "
        "change routes.toml",
        "intents.preview: from 2026-12-05 on none of its models can answer, nothing is left: change routes.toml",
        "default: from 2026-12-05 on dying is dead: change routes.toml",
    ]
    for day, subjects in [(date(2026, 10, 1), 0), (date(2026, 10, 2), 1), (END, 2), (date(2026, 12, 5), 0)]:
        assert len(check_coming_routes(catalog, NOBODY, day)) == subjects
    assert check_coming_routes(catalog, ALL, TODAY) == []


def test_an_overridden_host_keeps_routes_alive() -> None:
    """What an operator serves on a host of their own has no vendor's date."""
    assert told(check_routes(CATALOG, ALL, END), "error") == []


def test_no_key_at_all_is_a_warning_with_the_sandbox_and_an_error_without() -> None:
    """Keyless is how one tries things out, but not with the sandbox switched off."""
    (with_sandbox,) = check_keys(CATALOG, Health(NOBODY, NOBODY), TODAY, sandbox=True)
    (without,) = check_keys(CATALOG, Health(NOBODY, NOBODY), TODAY, sandbox=False)
    assert (with_sandbox.level, without.level) == ("warning", "error")
    assert with_sandbox.message.startswith("none is set, the sandbox draws everything: set one of OPENAI_API_KEY, ")
    assert without.message.startswith("none is set, nothing can be drawn")


def test_a_missing_key_is_a_warning_where_a_route_needs_it() -> None:
    """The key, what it would call, and the intents that are left to the default model."""
    found = check_keys(CATALOG, Health(frozenset({"google"}), NOBODY), TODAY, sandbox=True)
    assert told(found, "warning") == [
        "OPENAI_API_KEY: not set: dying cannot be called",
        "IDEOGRAM_API_KEY: not set: last cannot be called",
        "intents.preview: none of its models has a key, the default model answers",
        "intents.text_heavy: none of its models has a key, the default model answers",
    ]
    assert {"GEMINI_API_KEY: set", "BFL_API_KEY: not set; no route needs it"} <= set(told(found, "ok"))
    assert exit_code(check_keys(CATALOG, Health(ALL, NOBODY), TODAY, sandbox=True)) == 0


def test_a_price_that_differs_is_a_warning() -> None:
    """Both figures are told; what only one side has is counted; a file about other models is suspicious."""
    catalog = CATALOG.model_copy(update={"models": {"heir": row("heir", price={"default": 0.02}, token_price={})}})

    def file(usd: float, name: str = "heir") -> dict[str, PriceRow]:
        return {name: PriceRow(provider="openai", usd_per_image=usd, by_size_quality={})}

    assert exit_code(check_prices(catalog, file(0.02), TODAY)) == 0
    differing = check_prices(catalog, file(0.03), TODAY)
    assert told(differing, "warning")[0] == "prices: heir: default: the catalogue says $0.02, the file $0.03"
    strange = check_prices(catalog, file(0.02, "stranger"), TODAY)
    assert told(strange, "warning") == ["prices: 0 agree, 1 are only in the catalogue, 1 only in the file"]


def test_the_worst_comes_first_and_nothing_is_swallowed() -> None:
    """A terminal shows errors on top, and square brackets as they are."""
    screen = Console(file=io.StringIO(), width=100)
    screen.print(render_findings([Finding("ok", "a", "fine"), Finding("error", "b", "in [red]routes[/red]")]))
    file = screen.file
    assert isinstance(file, io.StringIO)
    shown = file.getvalue()
    assert shown.index("error") < shown.index("fine")
    assert "in [red]routes[/red]" in shown
