"""What a bench asks of whom, in which order, and what that is expected to cost. Decided before anybody is called."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from serve.catalog import Catalog
from serve.constraints import Constraints, Health
from serve.errors import InvalidRequestError
from serve.image_request import ImageRequest
from serve.policy import choose_route


@dataclass(frozen=True, slots=True)
class Plan:
    """Every model draws every prompt `runs` times, one picture a request.

    Attributes:
        models: names from the catalogue, each once.
        concurrency: requests under way at once, of all models together.
        max_cost: US dollars for the whole bench; None sets no ceiling.
    """

    models: tuple[str, ...]
    prompts: tuple[str, ...]
    concurrency: int
    runs: int
    max_cost: float | None = None

    @property
    def prompts_sha256(self) -> str:
        """What tells two sets of prompts apart without telling them."""
        return hashlib.sha256(json.dumps(self.prompts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Order:
    """One request to be made; `usd` is the catalogue's estimate, in US dollars."""

    model: str
    prompt: str
    usd: float


def read_models(names: str) -> tuple[str, ...]:
    """The models of a list with commas.

    Raises:
        InvalidRequestError: no name, or the same one twice.
    """
    models = tuple(name.strip() for name in names.split(",") if name.strip())
    if not models:
        raise InvalidRequestError("name one model or several, with commas between them", param="models")
    if twice := [name for name in dict.fromkeys(models) if models.count(name) > 1]:
        raise InvalidRequestError(f"{twice[0]} is named twice: its figures would be one model's", param="models")
    return models


def make_orders(plan: Plan, catalog: Catalog, health: Health, today: date) -> tuple[Order, ...]:
    """Every request in the order in which they start: the models take turns, so that a slow minute hurts all alike.

    Each round begins with another model: nobody is always the one who waits behind the same neighbour.

    Raises:
        InvalidRequestError: there is no such model, or it cannot be called, or cannot draw one of the prompts.
    """
    usd = {
        (model, prompt): _expected(model, prompt, catalog, health, today)
        for prompt in dict.fromkeys(plan.prompts)
        for model in plan.models
    }
    rounds = [prompt for _ in range(plan.runs) for prompt in plan.prompts]
    return tuple(
        Order(model, prompt, usd[model, prompt])
        for number, prompt in enumerate(rounds)
        for model in _rotated(plan.models, number)
    )


def estimates(orders: Sequence[Order]) -> Mapping[str, float]:
    """US dollars by model."""
    usd: dict[str, float] = defaultdict(float)
    for order in orders:
        usd[order.model] += order.usd
    return usd


def _expected(model: str, prompt: str, catalog: Catalog, health: Health, today: date) -> float:
    # By the policy itself: what it would refuse later is refused before the first dollar is spent.
    [candidate] = choose_route(None, Constraints(ImageRequest(prompt), model), catalog, health, today).taken
    return candidate.cost_usd or 0.0


def _rotated(models: tuple[str, ...], by: int) -> tuple[str, ...]:
    first = by % len(models)
    return models[first:] + models[:first]
