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
FLUX = ("flux-2-klein-4b", "flux-2-klein-9b", "flux-2-pro", "flux-2-flex", "flux-2-max")

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
    "gpt-image-2": ("openai", "openai_images", "gpt-image-2", 10, 32_000, WEB),
    "gpt-image-2.6-sunburst": ("openai", "openai_images", "gpt-image-2.6-sunburst", 10, 32_000, WEB),
    "gpt-image-2.6-flare": ("openai", "openai_images", "gpt-image-2.6-flare", 10, 32_000, WEB),
    "ideogram-3": ("ideogram", "ideogram_v2", "ideogram-3", 8, 10_000, []),
    "ideogram-4": ("ideogram", "ideogram_v2", "ideogram-4", 8, 10_000, []),
    "ideogram-4-5": ("ideogram", "ideogram_v2", "ideogram-4-5", 8, 10_000, []),
    **{name: ("bfl", "bfl_flux", name, 1, 32_000, ["png", "jpeg"]) for name in FLUX},
    "recraftv4_1": ("recraft", "openai_images", "recraftv4_1", 6, 10_000, ["png", "webp"]),
    "recraftv3": ("recraft", "openai_images", "recraftv3", 6, 1_000, ["png", "webp"]),
}

# name: the vendor's last day, what answers from then on
RETIRED = {
    "imagen-4-fast": (date(2026, 8, 17), "gemini-3.1-flash-lite-image"),
    "imagen-4": (date(2026, 8, 17), "gemini-nano-banana-2.1"),
    "dalle-3-std": (date(2026, 5, 12), "gpt-image-2.5-sunburst"),
}

IDEOGRAM_V2 = ("ideogram-2", "ideogram-2a", "ideogram-3", "ideogram-4", "ideogram-4-5")
GPT_IMAGE = [name for name in FACTS if name.startswith("gpt-image")]

# Which fields of a request have a place on the wire at all.
TAKES = {
    "seed": {"ideogram-v2", "ideogram-v2a", *IDEOGRAM_V2, *FLUX, "recraftv4_1", "recraftv3"},
    "negative_prompt": {"ideogram-v2", "ideogram-2", "ideogram-3", "recraftv3"},
    "user": {"dalle-3-std", *GPT_IMAGE},
    # On gpt-image-2 it is a preview that may have been withdrawn.
    "transparent": {name for name in GPT_IMAGE if name != "gpt-image-2"},
}

# What the vendor understands as a quality, in its own words; a model that is not here has no such field.
QUALITIES = {
    "imagen-4": {"1K", "2K"},
    "gemini-nano-banana-2.1": {"1K", "2K"},
    "ideogram-2": {"turbo", "default"},
    "ideogram-2a": {"turbo", "default"},
    "dalle-3-std": {"standard", "hd"},
    "ideogram-3": {"turbo", "default", "quality"},
    "ideogram-4": {"turbo", "default", "quality"},
    "ideogram-4-5": {"low", "medium", "high"},
    **{name: {"low", "medium", "high"} for name in GPT_IMAGE},
}

# What a model calls otherwise than its dialect does.
NAMES = {
    "ideogram-4": {"shape": "resolution"},
    "ideogram-4-5": {"shape": "size", "quality": "quality"},
    "recraftv4_1": {"seed": "random_seed", "output_format": "image_format"},
    "recraftv3": {"seed": "random_seed", "output_format": "image_format"},
}

# What answers for a living row on the day its vendor ends it; rows that are not here have nothing to follow them.
FOLLOWED = {
    "ideogram-v2": "ideogram-2",
    "ideogram-v2a": "ideogram-2a",
    "ideogram-2": "ideogram-3",
    "ideogram-2a": "ideogram-3",
    "ideogram-3": "ideogram-4",
    "ideogram-4": "ideogram-4-5",
    "gpt-image-2": "gpt-image-2.5-sunburst",
    "gpt-image-2.5-sunburst": "gpt-image-2.6-sunburst",
    "gpt-image-2.5-flare": "gpt-image-2.6-flare",
    "gemini-3.1-flash-lite-image": "gemini-nano-banana-2.1",
    "recraftv3": "recraftv4_1",
}

IMAGEN = {"1:1", "3:4", "4:3", "9:16", "16:9"}
GEMINI = IMAGEN | {"2:3", "3:2", "4:5", "5:4", "21:9"}
LYING = [(3, 2), (4, 3), (16, 9), (16, 10), (3, 1)]
LEGACY = {"ASPECT_1_1", *(f"ASPECT_{a}_{b}" for a, b in LYING), *(f"ASPECT_{b}_{a}" for a, b in LYING)}
LONGER = [*LYING, (5, 4), (2, 1)]
RATIOS = {"1x1", *(f"{a}x{b}" for a, b in LONGER), *(f"{b}x{a}" for a, b in LONGER)}
WIRE_SHAPES = {
    "google_predict": IMAGEN,
    "google_generate": GEMINI,
    "ideogram_legacy": LEGACY,
}
# Exact sizes, of which a model takes its own and no others.
PIXELS = {
    "ideogram-4": "1024x1024 896x1120 864x1152 832x1248 800x1280 720x1280 720x1440 512x1536",
    "ideogram-4-5": "1024x1024 896x1120 864x1152 832x1248 800x1280 720x1280 720x1440 1024x3072",
    "recraftv4_1": "1024x1024 768x1536 832x1280 896x1216 896x1152 832x1344 896x1280 768x1344",
    "recraftv3": "1024x1024 1024x2048 1024x1536 1024x1365 1024x1280 1024x1707 1024x1434 1024x1820",
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
    "bfl": Endpoint("https://api.bfl.ai", "BFL_API_KEY", "BFL_BASE_URL", ["bfl.ai"]),
    "recraft": Endpoint(
        "https://external.api.recraft.ai/v1", "RECRAFT_API_KEY", "RECRAFT_BASE_URL", ["img.recraft.ai"]
    ),
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
    """Imagen 4 and DALL-E 3 are gone since their day; every other row is active, undated, and may have a successor."""
    row = CATALOG.models[name]
    if name in RETIRED:
        assert (row.status, row.shutdown_date, row.successor) == ("shutdown", *RETIRED[name])
    else:
        assert (row.status, row.shutdown_date, row.successor) == ("active", None, FOLLOWED.get(name))


@pytest.mark.parametrize("field", TAKES)
def test_a_field_is_sent_to_those_who_take_it(field: str) -> None:
    """Seeds go to Ideogram, FLUX and Recraft, negative prompts to four models, end user and background to OpenAI."""
    assert {name for name, row in CATALOG.models.items() if getattr(row, field)} == TAKES[field]


@pytest.mark.parametrize("name", FACTS)
def test_qualities_are_the_vendors_own_words(name: str) -> None:
    """Each of our qualities has a wire word that the vendor knows, and every one of ours is covered."""
    qualities = CATALOG.models[name].qualities
    assert set(qualities.values()) == QUALITIES.get(name, set())
    assert set(qualities) in (set(), {"auto", "low", "medium", "high", "standard", "hd"})


def test_fields_are_named_as_the_vendor_names_them() -> None:
    """What a model calls otherwise stands in its row, in dialects that ask for it."""
    assert {name: row.wire_names for name, row in CATALOG.models.items() if row.wire_names} == NAMES
    assert {CATALOG.models[name].dialect for name in NAMES} == {"openai_images", "ideogram_v2"}


@pytest.mark.parametrize("name", [name for name, facts in FACTS.items() if facts[1] in WIRE_SHAPES])
def test_ratios_are_the_vendors_own_spellings(name: str) -> None:
    """All ratios of the vendor are in the table, each under the ratio that it spells."""
    check_ratios(name, WIRE_SHAPES[CATALOG.models[name].dialect])


@pytest.mark.parametrize("name", ["ideogram-2", "ideogram-2a", "ideogram-3"])
def test_older_models_of_ideograms_v2_take_ratios(name: str) -> None:
    """Up to 3 a shape is a ratio."""
    check_ratios(name, RATIOS)


def check_ratios(name: str, spellings: set[str]) -> None:
    """These are all of the row's shapes, each under the ratio that it spells."""
    row = CATALOG.models[name]
    assert set(row.shapes.values()) == spellings
    for ratio, spelling in row.shapes.items():
        assert spelling.removeprefix("ASPECT_").replace("_", ":").replace("x", ":") == ratio


def test_dalle_3_draws_three_sizes() -> None:
    """DALL-E 3 has one square, one lying and one standing size."""
    sizes = {"1:1": "1024x1024", "16:9": "1792x1024", "9:16": "1024x1792"}
    assert CATALOG.models["dalle-3-std"].shapes == sizes


@pytest.mark.parametrize("name", PIXELS)
def test_exact_sizes_are_those_the_model_takes(name: str) -> None:
    """Each size of the vendor's list is there, lying and standing, under a ratio that is not far from it."""
    standing = [tuple(map(int, size.split("x"))) for size in PIXELS[name].split()]
    row = CATALOG.models[name]
    assert {tuple(map(int, size.split("x"))) for size in row.shapes.values()} >= set(standing)
    for ratio, size in row.shapes.items():
        width, height = map(int, size.split("x"))
        assert (min(width, height), max(width, height)) in standing
        stretch = Fraction(width, height) / Fraction(*map(int, ratio.split(":")))
        assert Fraction(92, 100) < stretch < Fraction(108, 100)


@pytest.mark.parametrize("name", FLUX)
def test_flux_draws_one_megapixel(name: str) -> None:
    """Edges divide by 16 and lie between 256 and 2048; no picture has a second megapixel to pay; ratios are exact."""
    for ratio, size in CATALOG.models[name].shapes.items():
        width, height = map(int, size.split("x"))
        assert width % 16 == height % 16 == 0
        assert 256 <= min(width, height) <= max(width, height) <= 2048
        assert 800_000 < width * height <= 1024 * 1024
        assert Fraction(width, height) == Fraction(*map(int, ratio.split(":")))


@pytest.mark.parametrize("name", GPT_IMAGE)
def test_gpt_image_sizes_keep_the_vendors_rules(name: str) -> None:
    """Edges divide by 16, at most 3840; at most 3:1; 655,360 to 8,294,400 pixels; and the ratio is exact."""
    for ratio, size in CATALOG.models[name].shapes.items():
        width, height = map(int, size.split("x"))
        assert width % 16 == height % 16 == 0
        assert max(width, height) <= 3840
        assert Fraction(1, 3) <= Fraction(width, height) <= 3
        assert 655_360 <= width * height <= 8_294_400
        assert Fraction(width, height) == Fraction(*map(int, ratio.split(":")))


def test_base64_is_asked_for_where_links_are_usual() -> None:
    """DALL-E 3 and Recraft answer with links unless told otherwise; GPT Image refuses `response_format`."""
    extras = {name: row.extra for name, row in CATALOG.models.items() if row.extra}
    assert set(extras) == {"dalle-3-std", "recraftv4_1", "recraftv3"}
    assert all(extra == {"response_format": "b64_json"} for extra in extras.values())


@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_provider_is_reached_where_it_lives(name: str) -> None:
    """Hosts and environment names are the published ones; images are fetched from the vendor's own hosts only."""
    provider = CATALOG.providers[name]
    written = Endpoint(provider.base_url, provider.key_env, provider.base_url_env, provider.image_hosts)
    assert written == ENDPOINTS[name]
    assert provider.sandbox_path.startswith("/")


def test_there_are_these_providers() -> None:
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
