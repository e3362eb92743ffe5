"""Prices, to the last digit, against what the vendors publish (read 2026-11-22), and the arithmetic over them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.catalog import Model, Quality, load_catalog
from serve.cost import estimate_usd
from serve.fitting import fit
from serve.image_request import ImageRequest, WireRequest

CATALOG = load_catalog()
GPT_IMAGE = {"default": 0.01317, "low": 0.00588, "medium": 0.01317, "high": 0.05268}

# US dollars an image, in the words of the wire.
PRICES = {
    "imagen-4-fast": {"default": 0.02},
    "imagen-4": {"default": 0.04},
    "ideogram-v2": {"default": 0.08},
    "ideogram-v2a": {"default": 0.04},
    "dalle-3-std": {
        "default": 0.04,
        "standard/1024x1024": 0.04,
        "standard/1792x1024": 0.08,
        "standard/1024x1792": 0.08,
        "hd/1024x1024": 0.08,
        "hd/1792x1024": 0.12,
        "hd/1024x1792": 0.12,
    },
    "gemini-3.1-flash-lite-image": {"default": 0.0336},
    "gemini-nano-banana-2.1": {"default": 0.0336, "1K": 0.0336, "2K": 0.0504},
    "ideogram-2": {"default": 0.08, "turbo": 0.05},
    "ideogram-2a": {"default": 0.04, "turbo": 0.025},
    "gpt-image-2.5-sunburst": GPT_IMAGE,
    "gpt-image-2.5-flare": GPT_IMAGE,
}

# What one picture costs a caller who asks for (quality, aspect ratio).
BILLS: list[tuple[str, Quality, str, float]] = [
    ("imagen-4-fast", "auto", "16:9", 0.02),
    ("imagen-4-fast", "high", "16:9", 0.02),
    ("imagen-4", "high", "1:1", 0.04),
    ("ideogram-v2", "auto", "3:1", 0.08),
    ("ideogram-v2a", "low", "1:1", 0.04),
    ("dalle-3-std", "auto", "1:1", 0.04),
    ("dalle-3-std", "auto", "16:9", 0.08),
    ("dalle-3-std", "high", "1:1", 0.08),
    ("dalle-3-std", "hd", "9:16", 0.12),
    ("gemini-3.1-flash-lite-image", "hd", "1:1", 0.0336),
    ("gemini-nano-banana-2.1", "auto", "1:1", 0.0336),
    ("gemini-nano-banana-2.1", "high", "21:9", 0.0504),
    ("ideogram-2", "auto", "1:1", 0.08),
    ("ideogram-2", "low", "1:1", 0.05),
    ("ideogram-2a", "standard", "2:1", 0.04),
    ("ideogram-2a", "low", "2:1", 0.025),
    ("gpt-image-2.5-sunburst", "auto", "1:1", 0.01317),
    ("gpt-image-2.5-sunburst", "high", "21:9", 0.05268),
    ("gpt-image-2.5-flare", "auto", "16:9", 0.00588),
    ("gpt-image-2.5-flare", "standard", "16:9", 0.01317),
]


def priced(**price: float) -> Model:
    """A row with these prices and no others; "_" stands for "/" in a key."""
    keys = {key.replace("_", "/"): usd for key, usd in price.items()}
    return CATALOG.models["gpt-image-2.5-flare"].model_copy(update={"price": keys})


@pytest.mark.parametrize("name", CATALOG.models)
def test_a_row_has_the_vendors_prices(name: str) -> None:
    """Every price of every row is the published one, and there are no others."""
    assert CATALOG.models[name].price == PRICES[name]


@pytest.mark.parametrize(("name", "quality", "ratio", "usd"), BILLS)
def test_a_picture_costs_what_was_asked(name: str, quality: Quality, ratio: str, usd: float) -> None:
    """From the caller's words to the vendor's price: quality and shape both count where the vendor says so."""
    row = CATALOG.models[name]
    wire, _ = fit(ImageRequest("a fox", quality=quality, aspect_ratio=ratio), row)
    assert estimate_usd(row, wire) == usd


@pytest.mark.parametrize(
    ("price", "usd"),
    [
        ({"fine_wide": 1.0, "fine": 2.0, "wide": 3.0, "default": 4.0}, 1.0),
        ({"fine": 2.0, "wide": 3.0, "default": 4.0}, 2.0),
        ({"wide": 3.0, "default": 4.0}, 3.0),
        ({"fine_tall": 1.0, "rough": 2.0, "tall": 3.0, "default": 4.0}, 4.0),
    ],
)
def test_the_most_specific_price_counts(price: dict[str, float], usd: float) -> None:
    """The pair goes before the quality, the quality before the shape, the shape before the default."""
    assert estimate_usd(priced(**price), WireRequest("a fox", 1, "wide", "fine")) == usd


def test_without_a_quality_the_shape_counts() -> None:
    """A model that takes no quality is priced by its shape, or by the default."""
    row = priced(fine=2.0, wide=3.0, default=4.0)
    assert estimate_usd(row, WireRequest("a fox", 1, "wide")) == 3.0
    assert estimate_usd(row, WireRequest("a fox", 1, "tall")) == 4.0


def test_a_free_model_costs_nothing() -> None:
    """A price of nothing is a price, not a missing one."""
    assert estimate_usd(priced(fine=0.0, default=4.0), WireRequest("a fox", 3, "wide", "fine")) == 0.0


@given(
    row=st.sampled_from(list(CATALOG.models.values())),
    data=st.data(),
    n=st.integers(min_value=1, max_value=10),
    times=st.integers(min_value=1, max_value=10),
)
def test_the_estimate_is_linear_in_the_count(row: Model, data: st.DataObject, n: int, times: int) -> None:
    """`n` pictures cost `n` times one picture, whatever the shape and quality, and never less than nothing."""
    shape = data.draw(st.sampled_from([*row.shapes.values(), "unheard-of"]))
    quality = data.draw(st.sampled_from([None, "unheard-of", *row.qualities.values()]))
    one, some, more = (estimate_usd(row, WireRequest("a fox", count, shape, quality)) for count in (1, n, n * times))
    assert some == pytest.approx(one * n, rel=1e-12)
    assert more == pytest.approx(some * times, rel=1e-12)
    assert one in row.price.values()
    assert one >= 0
