"""The storms of docs/promises.md at full size: 2,000 requests, 64 at once, judged by the vendors' own books.

Run by `make storm`, never by the tests; they have the short version, tests/serve/storm. Prints the page's table, and
ends with 1 where a promise was broken.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import structlog
import typer

from tests.serve.storm.accounts import Account
from tests.serve.storm.passing import FAULTS, NEVER, OUTAGE, Storm, pass_over

STORMS: Mapping[str, Storm] = MappingProxyType(
    {
        "faults": Storm(FAULTS, 2000),
        "outage": Storm(OUTAGE, 2000),
        "outage, breakers off": Storm(OUTAGE, 2000, breaker=NEVER),
    }
)
# The few free extra calls of each model are a fifth of fewer requests.
_LEAST = 700
_COLUMNS = ("requests", "calls", "expected calls", "knowable faults", "answered", "unknown", "blocked", "given up")


def main(requests: Annotated[int, typer.Option(min=_LEAST)] = 2000, seed: int = 0) -> None:
    """Let each storm pass over a gateway of its own, and judge it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    # The service is judged as it ships, not as this shell sets it.
    for name in [name for name in os.environ if name.startswith("PROMPT_INTENT_")]:
        del os.environ[name]
    accounts = {name: _pass(name, replace(storm, requests=requests, seed=seed)) for name, storm in STORMS.items()}
    typer.echo("\n" + _table(accounts) + "\n")
    broken = [sentence for name, account in accounts.items() for sentence in _broken(name, account)]
    for sentence in broken:
        typer.echo(sentence, err=True)
    if broken:
        raise typer.Exit(1)
    typer.echo("Every promise was kept.")


def _pass(name: str, storm: Storm) -> Account:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as home:
        account = asyncio.run(pass_over(storm, Path(home)))
    typer.echo(f"{name}: {time.monotonic() - began:.0f} s; calls by what befell them: {dict(account.befell)}")
    return account


def _table(accounts: Mapping[str, Account]) -> str:
    rows = [("storm", *_COLUMNS, "of the knowable", "billed twice"), ("---", *["---:"] * (len(_COLUMNS) + 2))]
    rows += [(name, *_figures(account)) for name, account in accounts.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _figures(account: Account) -> list[str]:
    ends = (account.ends["answered"], account.ends["unknown"], account.ends["blocked"], account.ends["given up"])
    counts = (account.requests, account.calls, account.expected_calls, account.faults, *ends)
    share = f"{account.share_answered:.2%}" if account.ends["answered"] else "none"
    return [*(f"{count:,}" for count in counts), share, f"{account.billed_twice:,}"]


def _broken(name: str, account: Account) -> list[str]:
    """The promises that this storm has shown to be broken."""
    found = [f"{name}: {sentence}" for sentence in account.contradictions]
    if account.calls != account.expected_calls:
        found.append(f"{name}: {account.calls} calls, expected {account.expected_calls}")
    if STORMS[name].faults == OUTAGE and account.calls > 1.2 * account.requests:
        found.append(f"{name}: {account.calls} calls for {account.requests} requests, over 1.2 each")
    if STORMS[name].faults == FAULTS and account.share_answered < 0.995:
        found.append(f"{name}: {account.share_answered:.2%} answered, under 99.5 %")
    return found


if __name__ == "__main__":
    typer.run(main)
