"""The profiles of `routes.toml`: several sets of routes in one file, each checked whichever is chosen."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from serve.catalog import CATALOG_FILE, Catalog, load_catalog
from serve.errors import CatalogError
from serve.lifecycle import is_dead, on_routes

TODAY = date(2026, 11, 22)
ROUTES = """
default = "dalle-3-std"
[intents.preview]
models = ["imagen-4-fast"]

[profiles.own]
default = "ideogram-2"
[profiles.own.intents.preview]
models = ["ideogram-2a"]
target_ms = 1500
needs = ["text"]
"""


def load(folder: Path, routes: str = ROUTES, profile: str = "story") -> Catalog:
    """The shipped models with these routes."""
    file = folder / "routes.toml"
    file.write_text(routes, "utf-8")
    return load_catalog(CATALOG_FILE, file, classes=("preview",), profile=profile)


def test_the_top_of_the_file_is_the_story(tmp_path: Path) -> None:
    """Without a choice the routes are those outside of every profile."""
    routes = load(tmp_path).routes
    assert (routes.default, routes.intents["preview"].models) == ("dalle-3-std", ["imagen-4-fast"])
    assert (routes.intents["preview"].target_ms, routes.intents["preview"].needs) == (None, [])


def test_a_profile_is_complete_in_itself(tmp_path: Path) -> None:
    """A chosen profile brings its own default, models, target and needs, and takes none from the story."""
    routes = load(tmp_path, profile="own").routes
    assert (routes.default, routes.intents["preview"].models) == ("ideogram-2", ["ideogram-2a"])
    assert (routes.intents["preview"].target_ms, routes.intents["preview"].needs) == (1500, ["text"])


def test_an_unknown_profile_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    """The error names what is missing and what there is."""
    with pytest.raises(CatalogError, match=r"routes\.toml: profiles\.mine: missing; there are story, own"):
        load(tmp_path, profile="mine")


@pytest.mark.parametrize("profile", ["story", "own"])
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"ideogram-2a"', '"odd"', r"profiles\.own\.intents\.preview\.models: no model 'odd'"),
        ('default = "ideogram-2"', "", r"profiles\.own\.default: Field required"),
        ("[profiles.own.intents.preview]", "[profiles.own.intents.other]", r"profiles\.own\.intents\.preview: missing"),
        ("target_ms = 1500", "target_ms = 0", r"profiles\.own\.intents\.preview\.target_ms: .*greater"),
        ("target_ms = 1500", 'target_ms = "fast"', r"profiles\.own\.intents\.preview\.target_ms: .*integer"),
        ('needs = ["text"]', 'needs = ["taste"]', r"profiles\.own\.intents\.preview\.needs\.0: .*'text'"),
        ("[profiles.own]", "[profiles]\nodd = 1\n[profiles.own]", r"profiles: expected a table a profile"),
        ("[profiles.own]", "[profiles.story]", r"profiles: expected a table a profile, and 'story' is the top"),
    ],
)
def test_a_mistake_in_any_profile_is_refused(tmp_path: Path, profile: str, old: str, new: str, said: str) -> None:
    """Also in the profile that is not chosen: changing over is no time for surprises."""
    assert old in ROUTES
    with pytest.raises(CatalogError, match=said):
        load(tmp_path, ROUTES.replace(old, new, 1), profile)


@pytest.mark.parametrize("profile", ["story", "live"])
def test_the_shipped_profiles_keep_the_storys_promises(profile: str) -> None:
    """Previews have a target of three seconds, and lettering goes to models that write."""
    catalog = load_catalog(profile=profile)
    intents = catalog.routes.intents
    assert {name: route.target_ms for name, route in intents.items() if route.target_ms} == {"preview": 3000}
    assert {name: route.needs for name, route in intents.items() if route.needs} == {"text_heavy": ["text"]}
    assert all(catalog.models[name].text for name in intents["text_heavy"].models)


def test_the_live_profile_names_living_models_only() -> None:
    """No name in it is retired, nor has its end announced."""
    catalog = load_catalog(profile="live")
    rows = [catalog.models[name] for name in on_routes(catalog.routes)]
    assert not any(is_dead(row, TODAY) or row.shutdown_date for row in rows)
    assert {row.status for row in rows} == {"active"}
