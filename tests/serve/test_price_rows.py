"""The shipped prices, to the last digit, against what the vendors publish (read 2026-11-22)."""

from __future__ import annotations

import pytest

from serve.catalog import Quality, load_catalog
from serve.cost import estimate_usd
from serve.fitting import fit
from serve.image_request import ImageRequest

CATALOG = load_catalog()
GPT_IMAGE = {"default": 0.01317, "low": 0.00588, "medium": 0.01317, "high": 0.05268}
GPT_IMAGE_2_6 = {"default": 0.013, "low": 0.006, "medium": 0.013, "high": 0.053}

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
    "ideogram-3": {"default": 0.06, "turbo": 0.03, "quality": 0.09},
    "ideogram-4": {"default": 0.06, "turbo": 0.03, "quality": 0.1},
    "ideogram-4-5": {"default": 0.06, "low": 0.03, "medium": 0.06, "high": 0.1},
    "gpt-image-2": {"default": 0.053, "low": 0.006, "medium": 0.053, "high": 0.211},
    "gpt-image-2.5-sunburst": GPT_IMAGE,
    "gpt-image-2.5-flare": GPT_IMAGE,
    # Not published: 2.5's pictures, rounded.
    "gpt-image-2.6-sunburst": GPT_IMAGE_2_6,
    "gpt-image-2.6-flare": GPT_IMAGE_2_6,
    "flux-2-klein-4b": {"default": 0.014},
    "flux-2-klein-9b": {"default": 0.015},
    "flux-2-pro": {"default": 0.03},
    "flux-2-flex": {"default": 0.06},
    "flux-2-max": {"default": 0.07},
    "recraftv3": {"default": 0.04},
    "recraftv4_1": {"default": 0.035},
}

# US dollars a million tokens, for those who report what they used.
GPT_IMAGE_TOKENS = {"text_input": 5, "image_input": 8, "image_output": 30}
TOKENS = {
    "gemini-3.1-flash-lite-image": {"text_input": 0.25, "image_output": 30, "text_output": 1.5},
    "gemini-nano-banana-2.1": {"text_input": 1.5, "image_output": 30, "text_output": 7.5},
    "gpt-image-2": GPT_IMAGE_TOKENS,
    "gpt-image-2.5-sunburst": GPT_IMAGE_TOKENS,
    "gpt-image-2.5-flare": GPT_IMAGE_TOKENS,
    "gpt-image-2.6-sunburst": GPT_IMAGE_TOKENS,
    "gpt-image-2.6-flare": GPT_IMAGE_TOKENS,
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
    ("ideogram-4", "hd", "2:1", 0.1),
    ("ideogram-4-5", "auto", "1:1", 0.06),
    ("flux-2-pro", "high", "3:1", 0.03),
]


@pytest.mark.parametrize("name", CATALOG.models)
def test_a_row_has_the_vendors_prices(name: str) -> None:
    """Every price of every row is the published one, and there are no others."""
    assert CATALOG.models[name].price == PRICES[name]
    assert CATALOG.models[name].token_price == TOKENS.get(name, {})
    assert CATALOG.models[name].price_changes == []


@pytest.mark.parametrize(("name", "quality", "ratio", "usd"), BILLS)
def test_a_picture_costs_what_was_asked(name: str, quality: Quality, ratio: str, usd: float) -> None:
    """From the caller's words to the vendor's price: quality and shape both count where the vendor says so."""
    row = CATALOG.models[name]
    wire, _ = fit(ImageRequest("a fox", quality=quality, aspect_ratio=ratio), row)
    assert estimate_usd(row, wire) == usd
