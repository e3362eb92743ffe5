"""The catalogue's prices against a file of prices that somebody read at the vendors: what differs, what either lacks.

The file is JSON, an object of rows by the vendor's model id; a name that begins with "_" holds remarks. A row has

    provider            as in the catalogue, or there is no match
    usd_per_image       US dollars for a picture at the default setting; null where the vendor publishes tokens only
    by_size_quality     US dollars a picture by "quality/size", "quality" or "size", in the vendor's words; "any" stands
                        for every picture, and so does the only word of a row whose model has no qualities
    usd_per_1m_tokens   optional: US dollars a million tokens, by kind (`text_input`, `image_input`, `image_output`,
                        `text_output`)
    v2_path             optional: the other address that sells the same picture at the same price, written
                        "/.../<model id> rendering_speed=<quality>"

and any remarks beside them. Ids are compared without regard to "." or "-" and to a "v" before a number, which vendors
write either way: "ideogram-v4.5" is "ideogram-4-5".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator

from serve.catalog import Catalog, Model
from serve.cost import Prices, prices_on
from serve.errors import CatalogError
from serve.price_table import TokenKind, Usd, price_keys

_V2_PATH = re.compile(r"/(?:[^/ ]+/)*(?P<id>[^/ ]+) rendering_speed=(?P<quality>[^ ]+)")


class PriceRow(BaseModel):
    """One row of the file, see the module's description. Remarks are let through, a misspelt price is not."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    provider: str
    usd_per_image: Usd | None
    by_size_quality: dict[str, Usd]
    usd_per_1m_tokens: dict[TokenKind, Usd] = {}
    v2_path: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _knows_its_prices(cls, raw: Any) -> Any:
        names = {str(key) for key in raw} if isinstance(raw, dict) else set()
        if unknown := sorted(name for name in names - cls.model_fields.keys() if name.startswith(("usd", "by_"))):
            raise ValueError(f"{unknown[0]!r} is no price that this format knows")
        return raw


@dataclass(frozen=True, slots=True)
class PriceDifference:
    """One price that the catalogue and the file do not agree on. US dollars; None where one of them has no such price.

    `model` is the catalogue's name, or the file's id where the catalogue has no such row; `key` is the catalogue's key
    of the price ("token_price.<kind>" for tokens), or the file's where the catalogue has none.
    """

    model: str
    key: str
    ours: float | None
    theirs: float | None

    @property
    def kind(self) -> Literal["differs", "not in the file", "not in the catalogue"]:
        """Which side lacks the price, if one does."""
        if self.theirs is None:
            return "not in the file"
        return "not in the catalogue" if self.ours is None else "differs"

    def __str__(self) -> str:
        if self.kind == "differs":
            return f"{self.model}: {self.key}: the catalogue says ${self.ours}, the file ${self.theirs}"
        return f"{self.model}: {self.key}: {self.kind} (${self.ours if self.theirs is None else self.theirs})"


@dataclass(frozen=True, slots=True)
class _Quote:
    """One price of the file: who asks it for which model, under which word; `only` if the row has no other word."""

    source: str
    provider: str
    model: str
    word: str
    usd: float
    only: bool = False


def read_prices(path: Path) -> dict[str, PriceRow]:
    """The rows of a prices file by the vendor's model id.

    Raises:
        CatalogError: the file is missing, is not JSON, or a row has a price missing, misspelt or under nothing; names
            the file and the key.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CatalogError(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(raw, dict):
        raise CatalogError(f"{path}: expected an object of rows by model id")
    try:
        rows = TypeAdapter(dict[str, PriceRow]).validate_python(
            {name: row for name, row in raw.items() if not name.startswith("_")}
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise CatalogError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return rows


def compare_prices(catalog: Catalog, rows: Mapping[str, PriceRow], today: date | None = None) -> list[PriceDifference]:
    """Every price that differs or that one side lacks, in the catalogue's order, then what only the file has.

    `today` picks among dated prices, as in `cost.prices_on`.
    """
    return [pair for pair in dict.fromkeys(_pairs(catalog, rows, today)) if pair.ours != pair.theirs]


def count_agreeing(catalog: Catalog, rows: Mapping[str, PriceRow], today: date | None = None) -> int:
    """How many prices both sides have and agree on: none at all means that the file is about other models."""
    return sum(pair.ours == pair.theirs for pair in set(_pairs(catalog, rows, today)))


def _pairs(catalog: Catalog, rows: Mapping[str, PriceRow], today: date | None) -> Iterator[PriceDifference]:
    quotes = [quote for name, row in rows.items() for quote in _quotes(name, row)]
    placed: set[str] = set()
    for model in catalog.models.values():
        fitting = [
            quote for quote in quotes if (quote.provider, quote.model) == (model.provider, _plain(model.vendor_model))
        ]
        placed |= {quote.source for quote in fitting}
        yield from _model_pairs(model, fitting, prices_on(model, today))
    for quote in quotes:
        if quote.source not in placed and quote.model == _plain(quote.source):
            yield PriceDifference(quote.source, quote.word, None, quote.usd)


def _quotes(name: str, row: PriceRow) -> Iterator[_Quote]:
    def quote(model: str, word: str, usd: float, only: bool = False) -> _Quote:
        return _Quote(name, row.provider, _plain(model), word, usd, only)

    if row.usd_per_image is not None:
        yield quote(name, "default", row.usd_per_image)
    for word, usd in row.by_size_quality.items():
        yield quote(name, word, usd, only=len(row.by_size_quality) == 1)
    for kind, usd in row.usd_per_1m_tokens.items():
        yield quote(name, f"token_price.{kind}", usd)
    if row.usd_per_image is not None and (other := _V2_PATH.fullmatch(row.v2_path or "")):
        yield quote(other["id"], other["quality"], row.usd_per_image)


def _plain(model_id: str) -> str:
    return re.sub(r"-v(?=[0-9])", "-", model_id.lower().replace(".", "-"))


def _model_pairs(model: Model, quotes: list[_Quote], prices: Prices) -> Iterator[PriceDifference]:
    ours = {**prices.pictures, **{f"token_price.{kind}": usd for kind, usd in prices.tokens.items()}}
    left = set(ours)
    for quote in quotes:
        keys = _keys(model, quote, ours)
        left -= keys
        for key in sorted(keys) or [quote.word]:
            yield PriceDifference(model.name, quote.word if "/" in quote.word else key, ours.get(key), quote.usd)
    for key, usd in ours.items():
        if key in left:
            yield PriceDifference(model.name, key, usd, None)


def _keys(model: Model, quote: _Quote, ours: Mapping[str, float]) -> set[str]:
    """The catalogue's keys that price what the quote is about; empty where the catalogue has no such thing."""
    if quote.word in ours:
        return {quote.word}
    qualities: list[str | None] = [*model.qualities.values()] or [None]
    pictures = [price_keys(quality, shape) for quality, shape in product(qualities, model.shapes.values())]
    whole = quote.word == "any" or (quote.only and not model.qualities)
    return {next(key for key in keys if key in ours) for keys in pictures if whole or quote.word in keys}
