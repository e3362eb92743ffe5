"""The catalogue against a prices file: what differs is named, what either side lacks is, and nothing is overlooked."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from serve.catalog import Catalog, Model, load_catalog
from serve.errors import CatalogError
from serve.price_table import PriceChange
from serve.prices import PriceDifference, PriceRow, compare_prices, count_agreeing, read_prices

SHIPPED = load_catalog()
HERE = "not in the catalogue"
THERE = "not in the file"


def price_row(**fields: Any) -> dict[str, Any]:
    """A row of a prices file, with the remarks that such files carry."""
    return {
        "provider": "openai",
        "usd_per_image": None,
        "by_size_quality": {},
        "source": "a price page",
        "date": "2026-11-22",
        "estimate_usd_per_image": {"low": 1},
        **fields,
    }


# Agrees with the catalogue's four rows in every way that the format has.
AGREEING = {
    "_meta": {"currency": "USD", "note": "a remark, no row"},
    "dall-e-3": price_row(usd_per_image=0.04, by_size_quality={"hd/1024x1792": 0.12, "standard/1792x1024": 0.08}),
    "gemini-nano-banana-2.1": price_row(
        provider="google",
        usd_per_image=0.0336,
        by_size_quality={"1K": 0.0336, "2K": 0.0504},
        usd_per_1m_tokens={"text_input": 1.5, "image_output": 30, "text_output": 7.5},
    ),
    "imagen-4.0-generate-001": price_row(provider="google", usd_per_image=0.04, by_size_quality={"any": 0.04}),
    "V_2": price_row(
        provider="ideogram",
        usd_per_image=0.08,
        by_size_quality={"default": 0.08},
        v2_path="/v2/image/generate/ideogram-2 rendering_speed=default",
    ),
    "V_2_TURBO": price_row(
        provider="ideogram",
        usd_per_image=0.05,
        by_size_quality={"turbo": 0.05},
        v2_path="/v2/image/generate/ideogram-2 rendering_speed=turbo",
    ),
}
ROWS = ("dalle-3-std", "gemini-nano-banana-2.1", "imagen-4", "ideogram-v2", "ideogram-2")


def catalog_of(*models: Model) -> Catalog:
    """The shipped providers with these rows alone."""
    return SHIPPED.model_copy(update={"models": {model.name: model for model in models}})


def shipped(*names: str) -> Catalog:
    """Some of the shipped rows."""
    return catalog_of(*(SHIPPED.models[name] for name in names))


def changed(name: str, **fields: Any) -> Catalog:
    """One shipped row, with some fields changed."""
    return catalog_of(SHIPPED.models[name].model_copy(update=fields))


def written(folder: Path, rows: dict[str, Any]) -> dict[str, PriceRow]:
    """The rows, by way of a file."""
    file = folder / "prices.json"
    file.write_text(json.dumps(rows), encoding="utf-8")
    return read_prices(file)


def only(name: str, **fields: Any) -> dict[str, Any]:
    """One row of the agreeing file, with some fields changed."""
    return {name: {**AGREEING[name], **fields}}


def test_a_file_that_agrees_leaves_what_it_does_not_mention(tmp_path: Path) -> None:
    """Pairs, qualities, "any", defaults, tokens and a second address all find the price they are about."""
    rows = written(tmp_path, AGREEING)
    left = [(difference.model, difference.key) for difference in compare_prices(shipped(*ROWS), rows)]
    assert left == [
        ("dalle-3-std", key) for key in ("standard/1024x1024", "standard/1024x1792", "hd/1024x1024", "hd/1792x1024")
    ]
    assert count_agreeing(shipped(*ROWS), rows) == 13


@pytest.mark.parametrize(
    ("name", "row", "expected"),
    [
        ("dalle-3-std", only("dall-e-3", usd_per_image=0.05), ("default", 0.04, 0.05)),
        ("dalle-3-std", only("dall-e-3", by_size_quality={"hd/1024x1792": 0.13}), ("hd/1024x1792", 0.12, 0.13)),
        ("gemini-nano-banana-2.1", only("gemini-nano-banana-2.1", by_size_quality={"2K": 0.05}), ("2K", 0.0504, 0.05)),
        (
            "gemini-nano-banana-2.1",
            only("gemini-nano-banana-2.1", usd_per_1m_tokens={"text_input": 2}),
            ("token_price.text_input", 1.5, 2),
        ),
        ("imagen-4", only("imagen-4.0-generate-001", by_size_quality={"any": 0.05}), ("default", 0.04, 0.05)),
        ("ideogram-v2", only("V_2", by_size_quality={"raster": 0.09}), ("default", 0.08, 0.09)),
        ("ideogram-2", only("V_2_TURBO", usd_per_image=0.06), ("turbo", 0.05, 0.06)),
        ("imagen-4", only("imagen-4.0-generate-001", usd_per_image=0), ("default", 0.04, 0)),
    ],
)
def test_a_price_that_differs_is_named(
    tmp_path: Path, name: str, row: dict[str, Any], expected: tuple[str, float, float]
) -> None:
    """With the catalogue's row and key, and both figures; nothing is a price too."""
    found = [each for each in compare_prices(shipped(name), written(tmp_path, row)) if each.kind == "differs"]
    assert found == [PriceDifference(name, *expected)]
    key, ours, theirs = expected
    assert str(found[0]) == f"{name}: {key}: the catalogue says ${ours}, the file ${float(theirs)}"


def test_what_the_catalogue_lacks_is_named(tmp_path: Path) -> None:
    """A setting it does not sell, a token that it does not price, and a model that it does not have."""
    catalog = changed("gemini-nano-banana-2.1", token_price={})
    rows = only("gemini-nano-banana-2.1", by_size_quality={"1K": 0.0336, "2K": 0.0504, "4K": 0.0756})
    found = compare_prices(catalog, written(tmp_path, rows | only("dall-e-3", by_size_quality={})))
    assert {each.kind for each in found} == {HERE}
    assert [(each.model, each.key, each.theirs) for each in found] == [
        ("gemini-nano-banana-2.1", "4K", 0.0756),
        ("gemini-nano-banana-2.1", "token_price.text_input", 1.5),
        ("gemini-nano-banana-2.1", "token_price.image_output", 30),
        ("gemini-nano-banana-2.1", "token_price.text_output", 7.5),
        ("dall-e-3", "default", 0.04),
    ]
    assert str(found[0]) == "gemini-nano-banana-2.1: 4K: not in the catalogue ($0.0756)"


def test_what_the_file_lacks_is_named(tmp_path: Path) -> None:
    """Prices of a row that the file has, and all prices of one that it has not."""
    rows = only("gemini-nano-banana-2.1", by_size_quality={"1K": 0.0336}, usd_per_1m_tokens={"image_output": 30})
    found = compare_prices(shipped("gemini-nano-banana-2.1", "imagen-4-fast"), written(tmp_path, rows))
    assert {each.kind for each in found} == {THERE}
    assert [(each.model, each.key, each.ours) for each in found] == [
        ("gemini-nano-banana-2.1", "2K", 0.0504),
        ("gemini-nano-banana-2.1", "token_price.text_input", 1.5),
        ("gemini-nano-banana-2.1", "token_price.text_output", 7.5),
        ("imagen-4-fast", "default", 0.02),
    ]
    assert str(found[3]) == "imagen-4-fast: default: not in the file ($0.02)"


def test_every_shipped_price_is_looked_at() -> None:
    """Against an empty file, each price of each row is one that the file lacks."""
    found = compare_prices(SHIPPED, {})
    assert len(found) == sum(len(row.price) + len(row.token_price) for row in SHIPPED.models.values())
    assert count_agreeing(SHIPPED, {}) == 0


@pytest.mark.parametrize(
    ("written_as", "vendor_model"),
    [("ideogram-v4.5", "ideogram-4-5"), ("ideogram-v3", "ideogram-3"), ("gpt-image-2.5-flare", "gpt-image-2-5-flare")],
)
def test_an_id_is_known_in_another_spelling(tmp_path: Path, written_as: str, vendor_model: str) -> None:
    """Vendors write their versions with and without "v", with dots and with dashes."""
    catalog = changed("imagen-4-fast", vendor_model=vendor_model)
    rows = written(tmp_path, {written_as: price_row(provider="google", usd_per_image=0.02)})
    assert compare_prices(catalog, rows) == []


def test_a_reseller_is_another_seller(tmp_path: Path) -> None:
    """The same id at another provider has its own price: neither side knows the other's."""
    rows = written(tmp_path, only("imagen-4.0-generate-001", provider="reseller", by_size_quality={}))
    kinds = [(each.model, each.kind) for each in compare_prices(shipped("imagen-4"), rows)]
    assert kinds == [("imagen-4", THERE), ("imagen-4.0-generate-001", HERE)]


def test_a_size_is_held_against_the_quality_that_prices_it(tmp_path: Path) -> None:
    """Where the catalogue prices a quality for all sizes, a size that costs something else shows up in full."""
    rows = written(tmp_path, {"gpt-image-2.5-flare": price_row(by_size_quality={"low/1280x720": 0.004})})
    found = [each for each in compare_prices(shipped("gpt-image-2.5-flare"), rows) if each.kind == "differs"]
    assert found == [PriceDifference("gpt-image-2.5-flare", "low/1280x720", 0.00588, 0.004)]


def test_the_prices_of_the_day_are_compared(tmp_path: Path) -> None:
    """A dated change counts from its day on."""
    change = PriceChange(since=date(2027, 1, 1), price={"default": 0.05})
    catalog = changed("imagen-4", price_changes=[change])
    rows = written(tmp_path, only("imagen-4.0-generate-001"))
    assert compare_prices(catalog, rows, date(2026, 12, 31)) == []
    assert [each.ours for each in compare_prices(catalog, rows, date(2027, 1, 1))] == [0.05]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "expected an object"),
        ('{"a": 1}', "a: "),
        ('{"a": {"provider": "openai", "by_size_quality": {}}}', "a.usd_per_image: Field required"),
        ('{"a": {"provider": "openai", "usd_per_image": 1}}', "a.by_size_quality: Field required"),
        ('{"a": {"provider": "openai", "usd_per_image": -1, "by_size_quality": {}}}', "a.usd_per_image: .*greater"),
        ('{"a": {"provider": "openai", "usd_per_image": NaN, "by_size_quality": {}}}', "a.usd_per_image: .*finite"),
        ('{"a": {"provider": "openai", "usd_per_image": 1, "by_size_quality": {"x": "1"}}}', "a.by_size_quality.x: "),
        (
            '{"a": {"provider": "openai", "usd_per_image": 1, "by_size_quality": {}, "usd_per_1m_token": {}}}',
            "a: .*'usd_per_1m_token' is no price",
        ),
        (
            '{"a": {"provider": "openai", "usd_per_image": 1, "by_size_quality": {}, "usd_per_1m_tokens": {"out": 1}}}',
            "a.usd_per_1m_tokens.out",
        ),
    ],
)
def test_a_file_that_cannot_be_read_says_where(tmp_path: Path, text: str, word: str) -> None:
    """A slip in a price is an error with file and key, never a price that is passed over."""
    file = tmp_path / "prices.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CatalogError, match=rf"prices\.json: {word}"):
        read_prices(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """No file is an error that names it, not a catalogue without faults."""
    with pytest.raises(CatalogError, match=r"prices\.json: cannot be read"):
        read_prices(tmp_path / "prices.json")
