"""How prices are written in a catalogue row, and in which order they are looked up.

Apart from `catalog`, because three readers share the rule: the catalogue checks its keys by it, `cost` finds prices by
it, `prices` compares them with a file by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MICROS = 1_000_000

TokenKind = Literal["text_input", "image_input", "image_output", "text_output"]
Usd = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@lru_cache(maxsize=1024)
def exact(usd: float) -> Fraction:
    """The decimal figure as it was written: 0.0336 is 336/10000, not the nearest binary number."""
    return Fraction(repr(usd))


@lru_cache(maxsize=1024)
def whole_micros(usd: float) -> int:
    """Millionths of a dollar, of a price that has no finer part."""
    return int(exact(usd) * MICROS)


def _in_whole_micros(usd: float) -> float:
    # Bills are kept in millionths of a dollar; whole ones add up over any split of a request.
    if exact(usd) * MICROS % 1:
        raise ValueError("is finer than a millionth of a dollar, round it up")
    return usd


def _priced_output(prices: dict[TokenKind, float]) -> dict[TokenKind, float]:
    if prices and "image_output" not in prices:
        raise ValueError("`image_output` is missing: a bill by tokens needs the price of the picture's own")
    return prices


PictureUsd = Annotated[Usd, AfterValidator(_in_whole_micros)]
TokenPrices = Annotated[dict[TokenKind, Usd], AfterValidator(_priced_output)]


class PriceChange(BaseModel):
    """The prices from the day `since` on (that day counts), in place of all earlier ones.

    `price` is a whole table as in the row; without `token_price` the earlier token prices stay.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    since: date
    price: dict[str, PictureUsd]
    token_price: TokenPrices | None = None


def price_keys(quality: str | None, shape: str) -> tuple[str, ...]:
    """The keys that price a picture in the wire's own words, the most specific first; `default` always answers."""
    if quality is None:
        return (shape, "default")
    return (f"{quality}/{shape}", quality, shape, "default")


def check_prices(prices: Iterable[str], qualities: Iterable[str], shapes: Iterable[str]) -> None:
    """Refuse a table of prices with a key that no request would look up.

    A misspelt key would be ignored for ever, and another price charged in its place.

    Raises:
        ValueError: `default` is missing, or a key is no quality, shape or pair of the row.
    """
    keys, spelled = set(prices), set(shapes)
    if "default" not in keys:
        raise ValueError("a `default` is missing")
    wires: list[str | None] = [None, *qualities]
    known = {key for quality in wires for shape in spelled for key in price_keys(quality, shape)}
    if unknown := sorted(keys - known - {"default"}):
        raise ValueError(f"{unknown[0]!r} is no quality, shape or quality/shape of this model")


def check_changes(changes: Sequence[PriceChange], qualities: Iterable[str], shapes: Iterable[str]) -> None:
    """Refuse changes of price out of order, or with a table that `check_prices` refuses.

    Raises:
        ValueError: names the day of the change at fault.
    """
    qualities, shapes = list(qualities), list(shapes)
    for before, after in pairwise(changes):
        if before.since >= after.since:
            raise ValueError(f"{after.since} comes after {before.since}: write the days in rising order")
    for change in changes:
        try:
            check_prices(change.price, qualities, shapes)
        except ValueError as error:
            raise ValueError(f"{change.since}: {error}") from error
