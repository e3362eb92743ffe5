"""What a caller may wish of the models, field by field, beside the picture itself: see `constraints.Wishes`.

Apart from `schemas`, so that every body that draws or decides can have these fields.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from serve.constraints import Wishes

Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Names = Annotated[list[Annotated[str, Field(max_length=100)]], Field(min_length=1, max_length=100)]


class Weights(BaseModel):
    """How much each counts against the others; only their ratio matters, and what is left out counts nothing."""

    model_config = ConfigDict(extra="forbid", strict=True)

    quality: Weight = Field(default=0, description="The route's own order.")
    speed: Weight = Field(default=0, description="The median latency measured here.")
    cost: Weight = Field(default=0, description="The estimate for this very request.")


class WishFields(BaseModel):
    """Wishes choose among the models of a route; with `model`, they can only refuse it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    optimize: Weights | None = Field(default=None, description="Reorders the candidates; the route's order by default.")
    max_cost: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="US dollars, for the whole request."
    )
    deadline_ms: int | None = Field(
        default=None, ge=1, le=86_400_000, description="Milliseconds, for the whole request."
    )
    allow: Names | None = Field(default=None, description="Only these: names of models or providers.")
    deny: Names | None = Field(default=None, description="None of these: names of models or providers.")

    def wishes(self) -> Wishes:
        """The fields as the policy takes them."""
        return Wishes(
            optimize=None if self.optimize is None else self.optimize.model_dump(),
            max_cost=self.max_cost,
            deadline_ms=self.deadline_ms,
            allow=None if self.allow is None else frozenset(self.allow),
            deny=frozenset(self.deny or ()),
        )
