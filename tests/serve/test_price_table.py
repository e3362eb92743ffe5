"""How prices are written in a row: a key that nobody would look up is refused, and so is a change out of order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from serve.catalog import Model, load_catalog
from serve.fitting import fit
from serve.image_request import ImageRequest
from serve.price_table import price_keys

ROWS = list(load_catalog().models.values())
QUALITIES = ("auto", "low", "medium", "high", "standard", "hd")
NEW_YEAR = date(2027, 1, 1)


def with_prices(row: Model, **fields: Any) -> Model:
    """`row` with other prices, checked as if it came from the file."""
    return Model.model_validate(row.model_dump() | fields)


def changed(since: date, price: Mapping[str, float], **fields: Any) -> dict[str, Any]:
    """One change of price, as the file has it."""
    return {"since": since, "price": price, **fields}


def test_the_pair_goes_first_and_the_default_last() -> None:
    """The order of the look-up, with and without a quality."""
    assert price_keys("fine", "wide") == ("fine/wide", "fine", "wide", "default")
    assert price_keys(None, "wide") == ("wide", "default")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_no_key_of_the_shipped_rows_is_idle(row: Model) -> None:
    """Each price is looked up by some request, but for a default that more specific ones cover wholly."""
    wires = [
        fit(ImageRequest("x", quality=quality, aspect_ratio=ratio), row)[0]
        for quality in QUALITIES
        for ratio in row.shapes
    ]
    for table in (row.price, *(change.price for change in row.price_changes)):
        found = {next(key for key in price_keys(wire.quality, wire.shape) if key in table) for wire in wires}
        assert found | {"default"} == set(table)


@given(row=st.sampled_from(ROWS), data=st.data(), table=st.sampled_from(["price", "price_changes", "token_price"]))
def test_no_misspelt_key_is_ignored(row: Model, data: st.DataObject, table: str) -> None:
    """A slip of one letter, anywhere in any key of any table of any row, is refused and named."""
    keys = ["text_input", "image_output"] if table == "token_price" else list(row.price)
    key = data.draw(st.sampled_from(keys))
    place = data.draw(st.integers(min_value=0, max_value=len(key)))
    letter = data.draw(st.sampled_from("abcdxyz0189_/ "))
    slip = key[:place] + letter + key[place + data.draw(st.integers(0, 1)) :]
    wires = [[None, *row.qualities.values()], row.shapes.values()]
    assume(slip not in {word for quality in wires[0] for shape in wires[1] for word in price_keys(quality, str(shape))})
    assume(slip not in {"text_input", "image_input", "image_output", "text_output"})
    fields = {
        "price": {"price": row.price | {slip: 0.01}},
        "price_changes": {"price_changes": [changed(NEW_YEAR, row.price | {slip: 0.01})]},
        "token_price": {"token_price": {"image_output": 30.0, slip: 5.0}},
    }
    with pytest.raises(ValidationError) as refused:
        with_prices(row, **fields[table])
    assert slip in str(refused.value)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"price": {}}, "default"),
        ({"price": {"default": 0.0000001}}, "millionth"),
        ({"price": {"default": -0.01}}, "greater"),
        ({"token_price": {"text_input": 5.0}}, "image_output"),
        ({"token_price": {"image_output": -5.0}}, "greater"),
        ({"token_price": {"image_output": float("nan")}}, "finite"),
        ({"price_changes": [changed(NEW_YEAR, {})]}, "2027-01-01: a `default`"),
        ({"price_changes": [changed(NEW_YEAR, {"default": 0.01}, until=NEW_YEAR)]}, "until"),
        ({"price_changes": [{"since": NEW_YEAR}]}, "required"),
        ({"price_changes": [changed(NEW_YEAR, {"default": 0.01}, token_price={"text_input": 5.0})]}, "image_output"),
    ],
)
def test_prices_that_cannot_be_charged_are_refused(fields: dict[str, Any], word: str) -> None:
    """No default, less than nothing, finer than a bill can be, a picture's tokens unpriced, an unknown field."""
    with pytest.raises(ValidationError, match=word):
        with_prices(ROWS[0], **fields)


@given(days=st.lists(st.dates(), min_size=2, max_size=5))
def test_changes_stand_in_rising_order(days: list[date]) -> None:
    """Changes load exactly if every day is later than the one before it."""
    changes = [changed(day, {"default": 0.01}) for day in days]
    if days == sorted(set(days)):
        assert [change.since for change in with_prices(ROWS[0], price_changes=changes).price_changes] == days
    else:
        with pytest.raises(ValidationError, match="rising order"):
            with_prices(ROWS[0], price_changes=changes)


def test_a_change_keeps_the_rows_rules() -> None:
    """The new table is keyed by the same qualities and shapes as the old one."""
    row = next(row for row in ROWS if "hd/1024x1024" in row.price)
    later = changed(NEW_YEAR + timedelta(days=1), {"default": 0.01, "hd/1024x1024": 0.02})
    assert with_prices(row, price_changes=[later]).price_changes[0].price["hd/1024x1024"] == 0.02
