"""The shipped catalogue against the vendors' published facts (read 2026-11-22): a row changes when a fact does."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import NamedTuple

import pytest

from serve.catalog import load_catalog
from serve.lifecycle import is_dead, resolve

CATALOG = load_catalog()
TODAY = date(2026, 11, 22)

STORY = ("imagen-4-fast", "imagen-4", "ideogram-v2", "ideogram-v2a", "dalle-3-std")

WEB = ["png", "jpeg", "webp"]

# name: provider, dialect, vendor's id, images a call, prompt characters, image formats that can be asked for
FACTS = {
    "imagen-4-fast": ("google", "google_predict", "imagen-4.0-fast-generate-001", 4, 2_000, ["png", "jpeg"]),
    "imagen-4": ("google", "google_predict", "imagen-4.0-generate-001", 4, 2_000, ["png", "jpeg"]),
    "ideogram-v2": ("ideogram", "ideogram_legacy", "V_2", 8, 10_000, []),
    "ideogram-v2a": ("ideogram", "ideogram_legacy", "V_2A", 8, 10_000, []),
    "dalle-3-std": ("openai", "openai_images", "dall-e-3", 1, 4_000, []),
    "gemini-3.1-flash-lite-image": ("google", "google_generate", "gemini-3.1-flash-lite-image", 1, 32_000, []),
    "gemini-nano-banana-2.1": ("google", "google_generate", "gemini-nano-banana-2.1", 1, 32_000, []),
    "ideogram-2": ("ideogram", "ideogram_v2", "ideogram-2", 8, 10_000, []),
    "ideogram-2a": ("ideogram", "ideogram_v2", "ideogram-2a", 8, 10_000, []),
    "gpt-image-2.5-sunburst": ("openai", "openai_images", "gpt-image-2.5-sunburst", 10, 32_000, WEB),
    "gpt-image-2.5-flare": ("openai", "openai_images", "gpt-image-2.5-flare", 10, 32_000, WEB),
}

# name: the vendor's last day, what answers from then on
RETIRED = {
    "imagen-4-fast": (date(2026, 8, 17), "gemini-3.1-flash-lite-image"),
    "imagen-4": (date(2026, 8, 17), "gemini-nano-banana-2.1"),
    "dalle-3-std": (date(2026, 5, 12), "gpt-image-2.5-sunburst"),
}

# Which fields of a request have a place on the wire at all.
TAKES = {
    "seed": {"ideogram-v2", "ideogram-v2a", "ideogram-2", "ideogram-2a"},
    "negative_prompt": {"ideogram-v2", "ideogram-2"},
    "user": {"dalle-3-std", "gpt-image-2.5-sunburst", "gpt-image-2.5-flare"},
}

# What the vendor understands as a quality, in its own words; a model that is not here has no such field.
QUALITIES = {
    "imagen-4": {"1K", "2K"},
    "gemini-nano-banana-2.1": {"1K", "2K"},
    "ideogram-2": {"turbo", "default"},
    "ideogram-2a": {"turbo", "default"},
    "dalle-3-std": {"standard", "hd"},
    "gpt-image-2.5-sunburst": {"low", "medium", "high"},
    "gpt-image-2.5-flare": {"low", "medium", "high"},
}

IMAGEN = {"1:1", "3:4", "4:3", "9:16", "16:9"}
GEMINI = IMAGEN | {"2:3", "3:2", "4:5", "5:4", "21:9"}
LYING = [(3, 2), (4, 3), (16, 9), (16, 10), (3, 1)]
LEGACY = {"ASPECT_1_1", *(f"ASPECT_{a}_{b}" for a, b in LYING), *(f"ASPECT_{b}_{a}" for a, b in LYING)}
LONGER = [*LYING, (5, 4), (2, 1)]
IDEOGRAM = {"1x1", *(f"{a}x{b}" for a, b in LONGER), *(f"{b}x{a}" for a, b in LONGER)}
WIRE_SHAPES = {
    "google_predict": IMAGEN,
    "google_generate": GEMINI,
    "ideogram_legacy": LEGACY,
    "ideogram_v2": IDEOGRAM,
}


class Endpoint(NamedTuple):
    """A vendor's address and the names of its environment variables."""

    base_url: str
    key_env: str
    base_url_env: str
    image_hosts: list[str]


ENDPOINTS = {
    "openai": Endpoint(
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        ["oaidalleapiprodscus.blob.core.windows.net"],
    ),
    "google": Endpoint("https://generativelanguage.googleapis.com", "GEMINI_API_KEY", "GEMINI_BASE_URL", []),
    "ideogram": Endpoint("https://api.ideogram.ai", "IDEOGRAM_API_KEY", "IDEOGRAM_BASE_URL", ["ideogram.ai"]),
}


def test_the_catalogue_holds_these_models_and_no_others() -> None:
    """A new row brings its facts into this file."""
    assert set(CATALOG.models) == set(FACTS)


@pytest.mark.parametrize("name", FACTS)
def test_a_row_says_what_its_vendor_says(name: str) -> None:
    """Provider, dialect, the vendor's id and its limits are the published ones."""
    row = CATALOG.models[name]
    written = row.provider, row.dialect, row.vendor_model, row.max_n, row.max_prompt_chars, row.output_formats
    assert written == FACTS[name]


@pytest.mark.parametrize("name", FACTS)
def test_a_row_knows_the_dates_of_its_life(name: str) -> None:
    """Imagen 4 and DALL-E 3 are gone since their day and have a named successor; every other row is active, undated."""
    row = CATALOG.models[name]
    if name in RETIRED:
        assert (row.status, row.shutdown_date, row.successor) == ("shutdown", *RETIRED[name])
    else:
        assert (row.status, row.shutdown_date) == ("active", None)


@pytest.mark.parametrize("field", TAKES)
def test_a_field_is_sent_to_those_who_take_it(field: str) -> None:
    """Seeds go to Ideogram, negative prompts to its 2.0 models only, the end user to OpenAI."""
    assert {name for name, row in CATALOG.models.items() if getattr(row, field)} == TAKES[field]


@pytest.mark.parametrize("name", FACTS)
def test_qualities_are_the_vendors_own_words(name: str) -> None:
    """Each of our qualities has a wire word that the vendor knows, and every one of ours is covered."""
    qualities = CATALOG.models[name].qualities
    assert set(qualities.values()) == QUALITIES.get(name, set())
    assert set(qualities) in (set(), {"auto", "low", "medium", "high", "standard", "hd"})


@pytest.mark.parametrize("name", [name for name, facts in FACTS.items() if facts[1] in WIRE_SHAPES])
def test_ratios_are_the_vendors_own_spellings(name: str) -> None:
    """All ratios of the vendor are in the table, each under the ratio that it spells."""
    row = CATALOG.models[name]
    assert set(row.shapes.values()) == WIRE_SHAPES[row.dialect]
    for ratio, spelling in row.shapes.items():
        assert spelling.removeprefix("ASPECT_").replace("_", ":").replace("x", ":") == ratio


def test_dalle_3_draws_three_sizes() -> None:
    """DALL-E 3 has one square, one lying and one standing size."""
    sizes = {"1:1": "1024x1024", "16:9": "1792x1024", "9:16": "1024x1792"}
    assert CATALOG.models["dalle-3-std"].shapes == sizes


@pytest.mark.parametrize("name", ["gpt-image-2.5-sunburst", "gpt-image-2.5-flare"])
def test_gpt_image_sizes_keep_the_vendors_rules(name: str) -> None:
    """Edges divide by 16, at most 3840; at most 3:1; 655,360 to 8,294,400 pixels; and the ratio is exact."""
    for ratio, size in CATALOG.models[name].shapes.items():
        width, height = map(int, size.split("x"))
        assert width % 16 == height % 16 == 0
        assert max(width, height) <= 3840
        assert Fraction(1, 3) <= Fraction(width, height) <= 3
        assert 655_360 <= width * height <= 8_294_400
        assert Fraction(width, height) == Fraction(*map(int, ratio.split(":")))


def test_only_dalle_3_is_asked_for_base64() -> None:
    """GPT Image refuses `response_format`, so no row but the DALL-E one may say it."""
    extras = {name: row.extra for name, row in CATALOG.models.items() if row.extra}
    assert extras == {"dalle-3-std": {"response_format": "b64_json"}}


@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_provider_is_reached_where_it_lives(name: str) -> None:
    """Hosts and environment names are the published ones; images are fetched from the vendor's own hosts only."""
    provider = CATALOG.providers[name]
    written = Endpoint(provider.base_url, provider.key_env, provider.base_url_env, provider.image_hosts)
    assert written == ENDPOINTS[name]
    assert provider.sandbox_path.startswith("/")


def test_there_are_three_providers() -> None:
    """A new provider brings its facts into this file."""
    assert set(CATALOG.providers) == set(ENDPOINTS)


@pytest.mark.parametrize("name", STORY)
def test_the_storys_names_are_answered_today(name: str) -> None:
    """Each of the five names has a row that is alive, without any override."""
    row = resolve(name, CATALOG, TODAY, frozenset())
    assert row is not None
    assert not is_dead(row, TODAY)


def test_each_intent_starts_with_the_storys_model() -> None:
    """Previews go to Imagen 4 Fast, lettering to Ideogram 2a, hard scenes and doubt to DALL-E 3."""
    firsts = {intent: route.models[0] for intent, route in CATALOG.routes.intents.items()}
    assert firsts == {"preview": "imagen-4-fast", "text_heavy": "ideogram-v2a", "complex_logic": "dalle-3-std"}
    assert CATALOG.routes.default == "dalle-3-std"
    assert CATALOG.routes.intents["preview"].export == "imagen-4"


def test_the_fitted_threshold_is_not_repeated() -> None:
    """The threshold lives in the bundle; the shipped routes do not override it."""
    assert CATALOG.routes.abstain_below is None
