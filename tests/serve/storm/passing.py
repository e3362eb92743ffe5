"""One storm from its beginning to its account; both the test and `make storm` are made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from serve.breaker import BreakerSettings
from serve.clock import Clock
from tests.serve.storm.accounts import Account, account
from tests.serve.storm.callers import PROMPTS, gateway
from tests.serve.storm.vendors import vendors

FAULTS = Path(__file__).with_name("faults.toml")
OUTAGE = Path(__file__).with_name("outage.toml")
NEVER = BreakerSettings(consecutive=1_000_000, last=1_000_000, least=1_000_000, share=1.0)
"""Breakers that stay closed, so that nothing but the budget holds extra calls back."""


@dataclass(frozen=True, slots=True)
class Storm:
    """How it goes: the vendors' faults, how many requests of which intents, and how many of them at once.

    `breaker` None are the shipped breakers.
    """

    faults: Path
    requests: int
    at_once: int = 64
    intents: Sequence[str] = tuple(PROMPTS)
    breaker: BreakerSettings | None = None
    seed: int = 0


async def pass_over(storm: Storm, home: Path, clock: Clock | None = None) -> Account:
    """A new gateway, its state in `home`, before new vendors in such a storm."""
    with vendors(storm.faults, storm.seed) as sandbox:
        async with gateway(home, sandbox, storm.breaker, clock or Clock()) as service:
            told = await service.storm(storm.requests, storm.at_once, storm.intents)
            attempts = await service.attempts()
        return account(told, sandbox.ledger(), attempts)
