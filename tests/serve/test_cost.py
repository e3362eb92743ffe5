"""The arithmetic over prices: expected before a call, settled after it, to the millionth of a dollar."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.catalog import Model, Quality, load_catalog
from serve.cost import MOST_USD, estimate_usd, prices_on, settle_usd
from serve.fitting import fit
from serve.image_request import ImageRequest, Usage, WireRequest
from serve.price_table import PriceChange, TokenKind

CATALOG = load_catalog()
ONE = WireRequest("a fox", 1, "wide", "fine")
DAY = timedelta(days=1)


def micros(usd: float) -> int:
    """Whole millionths of a dollar; `usd` must be of those already."""
    assert round(usd * 1_000_000) / 1_000_000 == usd
    return round(usd * 1_000_000)


def priced(**price: float) -> Model:
    """A row with these prices and no others; "_" stands for "/" in a key."""
    keys = {key.replace("_", "/"): usd for key, usd in price.items()}
    return CATALOG.models["gpt-image-2.5-flare"].model_copy(update={"price": keys, "token_price": {}})


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


def test_prices_add_up_without_a_binary_remainder() -> None:
    """Three times a dime is thirty cents."""
    assert estimate_usd(priced(default=0.1), WireRequest("a fox", 3, "wide")) == 0.3


@pytest.mark.parametrize("row", CATALOG.models.values(), ids=lambda row: row.name)
def test_whatever_can_be_asked_has_a_price(row: Model) -> None:
    """Each quality in each ratio of each row is priced, by one of the row's own prices."""
    for quality, ratio in product(get_args(Quality), row.shapes):
        wire, _ = fit(ImageRequest("a fox", quality=quality, aspect_ratio=ratio), row)
        assert estimate_usd(row, wire) in row.price.values()


@st.composite
def asked(draw: st.DrawFn) -> tuple[Model, WireRequest]:
    """A row of the catalogue, or one with prices of any size, and a request in words that it may or may not know."""
    row = draw(st.sampled_from(list(CATALOG.models.values())))
    if draw(st.booleans()):
        usd = st.integers(min_value=0, max_value=10**9).map(lambda count: count / 1_000_000)
        row = row.model_copy(update={"price": {key: draw(usd) for key in row.price}})
    shape = draw(st.sampled_from([*row.shapes.values(), "unheard-of"]))
    quality = draw(st.sampled_from([None, "unheard-of", *row.qualities.values()]))
    return row, WireRequest("a fox", draw(st.integers(min_value=1, max_value=100)), shape, quality)


@given(asked=asked(), parts=st.lists(st.integers(min_value=1, max_value=10), min_size=1, max_size=10))
def test_an_estimate_is_the_sum_of_its_parts(asked: tuple[Model, WireRequest], parts: list[int]) -> None:
    """However a request is split into calls, to the last millionth of a dollar."""
    row, wire = asked
    whole, *split = (estimate_usd(row, replace(wire, n=n)) for n in (sum(parts), *parts))
    assert micros(whole) == sum(micros(part) for part in split)


@given(asked=asked(), more=st.integers(min_value=0, max_value=100))
def test_more_pictures_never_cost_less(asked: tuple[Model, WireRequest], more: int) -> None:
    """The estimate rises with `n`, and is never under nothing."""
    row, wire = asked
    assert 0 <= estimate_usd(row, wire) <= estimate_usd(row, replace(wire, n=wire.n + more))


@given(asked=asked(), usage=st.sampled_from([None, Usage(), Usage(text_input_tokens=9)]), today=st.none() | st.dates())
def test_without_a_report_the_estimate_is_the_bill(
    asked: tuple[Model, WireRequest], usage: Usage | None, today: date | None
) -> None:
    """A vendor that says nothing of its pictures bills what was expected, for as many pictures as it drew."""
    row, wire = asked
    assert settle_usd(row, wire, usage, wire.n, today) == estimate_usd(row, wire, today)
    assert settle_usd(row, wire, usage, 1, today) == estimate_usd(row, replace(wire, n=1), today)
    assert settle_usd(row, wire, usage, 0, today) == 0.0


def worded(prompt: str, n: int = 1) -> WireRequest:
    """At GPT Image's lowest."""
    return WireRequest(prompt, n, "1024x1024", "low")


@pytest.mark.parametrize(
    ("prompt", "usd"),
    [
        ("", 0.00588),
        ("x" * 60, 0.00588),
        ("x" * 61, 0.00588 + 21 * 0.000005),
        ("word " * 6400, 0.00588 + 10667 * 0.000005),
        ("狐" * 1000, 0.00588 + 1000 * 0.000005),
        ("\ud800" * 30, 0.00588 + 30 * 0.000005),
    ],
)
def test_a_long_prompt_is_expected_to_cost_its_tokens(prompt: str, usd: float) -> None:
    """One for three bytes, where the row prices them; the published price stands for a short one."""
    assert estimate_usd(CATALOG.models["gpt-image-2.5-sunburst"], worded(prompt)) == pytest.approx(usd, abs=1e-9)
    assert estimate_usd(priced(default=0.04), worded(prompt)) == 0.04


def test_a_long_prompt_is_paid_for_once_a_call() -> None:
    """GPT Image draws ten pictures for one prompt, Gemini one; the sum is that of the calls."""
    prompt = "word " * 600
    several, single = CATALOG.models["gpt-image-2.5-sunburst"], CATALOG.models["gemini-nano-banana-2.1"]
    assert several.max_n == 10
    assert estimate_usd(several, worded(prompt, 10)) == pytest.approx(10 * 0.00588 + 1000 * 0.000005)
    assert estimate_usd(several, worded(prompt, 11)) == pytest.approx(11 * 0.00588 + 2000 * 0.000005)
    assert estimate_usd(single, worded(prompt, 4)) == pytest.approx(4 * estimate_usd(single, worded(prompt)))


def test_a_long_prompt_is_settled_at_no_more_than_was_expected() -> None:
    """32,000 characters of English are 7,000 tokens; without a report the estimate is the bill."""
    row, wire = CATALOG.models["gpt-image-2.5-sunburst"], worded("word " * 6400)
    usage = Usage(text_input_tokens=7000, image_output_tokens=196)
    assert 0.04 < settle_usd(row, wire, usage, 1) < estimate_usd(row, wire) == settle_usd(row, wire, None, 1)
    assert settle_usd(row, wire, None, 0) == 0.0


COUNTS = st.none() | st.integers(min_value=-(10**30), max_value=10**30) | st.integers(min_value=0, max_value=10**5)


@given(
    asked=asked(),
    usage=st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS, st.none() | st.floats() | st.just(10**400)),
    pictures=st.integers(min_value=0, max_value=10),
)
def test_no_report_makes_a_bill_that_cannot_be(asked: tuple[Model, WireRequest], usage: Usage, pictures: int) -> None:
    """Whatever a vendor writes, a settled cost is a whole number of millionths, not under nothing and not endless."""
    row, wire = asked
    usd = settle_usd(row, wire, usage, pictures)
    assert micros(usd) >= 0
    assert usd <= max(MOST_USD, estimate_usd(row, replace(wire, n=pictures)))


@pytest.mark.parametrize("slip", [-0.01, float("nan"), float("inf"), float("-inf"), MOST_USD + 1.0])
def test_a_bill_that_cannot_be_is_not_believed(slip: float) -> None:
    """The table's price counts in its place."""
    assert settle_usd(priced(default=0.04), ONE, Usage(usd=slip), 2) == 0.08


@given(count=st.integers(min_value=0, max_value=10**10), asked=asked())
def test_the_vendors_own_bill_counts_first(count: int, asked: tuple[Model, WireRequest]) -> None:
    """Before its tokens, before the catalogue, whatever came; nothing is a bill as well."""
    row, wire = asked
    usage = Usage(text_input_tokens=7, image_output_tokens=1_000, usd=count / 1_000_000)
    assert micros(settle_usd(row, wire, usage, 1)) == count


def test_tokens_count_before_the_table() -> None:
    """A square of GPT Image at medium: 439 tokens of picture, 10 of prompt, read off the answer."""
    row = CATALOG.models["gpt-image-2.5-sunburst"]
    usage = Usage(text_input_tokens=10, image_input_tokens=0, image_output_tokens=439, text_output_tokens=0)
    assert settle_usd(row, ONE, usage, 1) == 0.01322
    assert settle_usd(row, ONE, Usage(image_output_tokens=439), 1) == estimate_usd(row, replace(ONE, quality="medium"))


@pytest.mark.parametrize(
    "usage",
    [
        Usage(),
        Usage(text_input_tokens=9),
        Usage(text_input_tokens=-9, image_output_tokens=439),
        Usage(image_output_tokens=-439),
        Usage(image_output_tokens=10**400),
    ],
)
def test_tokens_that_make_no_bill_leave_the_table(usage: Usage) -> None:
    """The picture's own are not counted, or a count cannot be: the table's price counts, for each picture."""
    row = CATALOG.models["gpt-image-2.5-sunburst"]
    assert settle_usd(row, WireRequest("a fox", 2, "wide", "low"), usage, 2) == 0.01176


def test_tokens_without_a_price_leave_the_table() -> None:
    """A row that prices no tokens is settled by its pictures, whatever the vendor counts."""
    assert settle_usd(priced(default=0.04), ONE, Usage(image_output_tokens=439), 3) == 0.12


def test_an_unpriced_kind_counts_as_the_dearest() -> None:
    """The settled figure is never under the bill: GPT Image publishes no price of text that it writes."""
    row = CATALOG.models["gpt-image-2.5-sunburst"]
    assert settle_usd(row, ONE, Usage(image_output_tokens=100, text_output_tokens=10), 1) == 0.0033


def test_a_bill_is_rounded_once() -> None:
    """Two parts of 0.4 millionths are one millionth, not none."""
    row = priced(default=0.04).model_copy(update={"token_price": {"text_input": 0.4, "image_output": 0.4}})
    assert settle_usd(row, ONE, Usage(text_input_tokens=1, image_output_tokens=1), 1) == 0.000001


@given(
    prices=st.fixed_dictionaries(dict.fromkeys(get_args(TokenKind), st.integers(min_value=0, max_value=200))),
    counts=st.tuples(*[st.integers(min_value=0, max_value=10**6)] * 4),
)
def test_tokens_are_billed_to_the_millionth(prices: dict[TokenKind, int], counts: tuple[int, ...]) -> None:
    """A dollar a million tokens is a millionth a token; nothing is lost between."""
    row = priced(default=0.04).model_copy(update={"token_price": {kind: float(usd) for kind, usd in prices.items()}})
    text_in, image_in, image_out, text_out = counts
    kinds = ("text_input", "image_input", "image_output", "text_output")
    expected = sum(prices[kind] * count for kind, count in zip(kinds, counts, strict=True))
    assert micros(settle_usd(row, ONE, Usage(text_in, image_in, image_out, text_out), 1)) == expected


def dated(*changes: tuple[date, float, dict[TokenKind, float] | None]) -> Model:
    """A row at 4 cents and 30 dollars a million tokens, until these changes."""
    later = [PriceChange(since=day, price={"default": usd}, token_price=tokens) for day, usd, tokens in changes]
    return priced(default=0.04).model_copy(update={"token_price": {"image_output": 30.0}, "price_changes": later})


def test_a_price_changes_on_its_day() -> None:
    """The day before the old price, from that day on the new one; the token price stays unless it changes too."""
    spring, summer = date(2027, 3, 1), date(2027, 6, 1)
    row = dated((spring, 0.05, None), (summer, 0.03, {"image_output": 20.0}))
    asked = [None, spring - DAY, spring, summer - DAY, summer, summer + DAY]
    assert [estimate_usd(row, ONE, today) for today in asked] == [0.04, 0.04, 0.05, 0.05, 0.03, 0.03]
    tokens = Usage(image_output_tokens=1_000)
    assert [settle_usd(row, ONE, tokens, 1, today) for today in asked] == [0.03, 0.03, 0.03, 0.03, 0.02, 0.02]


@given(days=st.sets(st.dates(), max_size=5).map(sorted), today=st.dates())
def test_the_last_change_reached_is_in_force(days: list[date], today: date) -> None:
    """Whatever the days are."""
    row = dated(*[(day, 1.0 + number, None) for number, day in enumerate(days)])
    reached = [1.0 + number for number, day in enumerate(days) if day <= today]
    assert prices_on(row, today).pictures == {"default": reached[-1] if reached else 0.04}
