"""What a request is expected to cost, and what it came to. Exact inside, in millionths of a dollar, and rounded once.

A vendor's own figures count before the catalogue's: its bill, else its tokens at the row's token prices, else the price
of a picture times the pictures. Table prices leave out the tokens of the prompt, which only the vendor can count: where
the row prices them, a long prompt is added by its length.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from serve.catalog import Model
from serve.image_request import Usage, WireRequest
from serve.price_table import MICROS, TokenKind, exact, price_keys, whole_micros

# More than any one call can cost: a vendor's figure beyond it is a slip, not a bill.
MOST_USD = 10_000
# UTF-8 bytes in a token at the least, as a rule: English has four to five, Chinese three.
_TOKEN_BYTES = 3
# Tokens of a prompt that the published price of a picture stands for: they come to a hundredth of a cent.
_SHORT_TOKENS = 20


class Prices(NamedTuple):
    """A row's prices on one day: US dollars a picture by key, and US dollars a million tokens by kind."""

    pictures: Mapping[str, float]
    tokens: Mapping[TokenKind, float]


def prices_on(model: Model, today: date | None) -> Prices:
    """The prices in force on `today`; without a day, those before any dated change."""
    pictures, tokens = model.price, model.token_price
    for change in model.price_changes:
        if today is None or change.since > today:
            break
        pictures = change.price
        tokens = tokens if change.token_price is None else change.token_price
    return Prices(pictures, tokens)


def estimate_usd(model: Model, wire: WireRequest, today: date | None = None) -> float:
    """US dollars for the whole request, `n` pictures of it; the most specific price of the row counts."""
    return _table_micros(model, wire, wire.n, today) / MICROS


def settle_usd(model: Model, wire: WireRequest, usage: Usage | None, pictures: int, today: date | None = None) -> float:
    """US dollars that one call came to.

    Args:
        model: the row that was called, with its prices on `today`.
        wire: the request as it was sent.
        usage: what the vendor's answer says it used. A figure that cannot be a bill (negative, endless, over
            `MOST_USD`) counts as not reported.
        pictures: how many were billed; counts where the vendor reports nothing that can be priced.
        today: the day of the call.
    """
    reported = None if usage is None else _reported_micros(usage, prices_on(model, today))
    return (_table_micros(model, wire, pictures, today) if reported is None else reported) / MICROS


def _table_micros(model: Model, wire: WireRequest, pictures: int, today: date | None) -> int:
    """The pictures by the row's table, and the prompt once for each call that they take."""
    table, tokens = prices_on(model, today)
    picture = next(table[key] for key in price_keys(wire.quality, wire.shape) if key in table)
    return whole_micros(picture) * pictures + _prompt_micros(wire, tokens) * math.ceil(pictures / model.max_n)


def _prompt_micros(wire: WireRequest, prices: Mapping[TokenKind, float]) -> int:
    """What a long prompt adds to a call at the most, as a rule; a short one adds nothing."""
    words = f"{wire.prompt}{wire.negative_prompt or ''}".encode("utf-8", "surrogatepass")
    tokens = math.ceil(len(words) / _TOKEN_BYTES)
    # Dollars a million tokens are millionths of a dollar a token.
    return 0 if tokens <= _SHORT_TOKENS else math.ceil(exact(prices.get("text_input", 0.0)) * tokens)


def _reported_micros(usage: Usage, prices: Prices) -> int | None:
    if usage.usd is not None and 0 <= usage.usd <= MOST_USD:
        return round(exact(usage.usd) * MICROS)
    tokens = _tokens_micros(usage, prices.tokens)
    return round(tokens) if tokens is not None and tokens <= MOST_USD * MICROS else None


def _tokens_micros(usage: Usage, prices: Mapping[TokenKind, float]) -> Fraction | None:
    """The tokens' price, or None where the picture's own are not reported or not priced.

    A kind that the row does not price counts as its dearest: the figure is never under the bill.
    """
    counts: dict[TokenKind, int | None] = {
        "text_input": usage.text_input_tokens,
        "image_input": usage.image_input_tokens,
        "image_output": usage.image_output_tokens,
        "text_output": usage.text_output_tokens,
    }
    used = {kind: count for kind, count in counts.items() if count is not None}
    if not prices or "image_output" not in used or min(used.values()) < 0:
        return None
    dearest = max(prices.values())
    return sum((exact(prices.get(kind, dearest)) * count for kind, count in used.items()), Fraction())
