"""A finished bench as it is kept, and the folder of all of them: one JSON file a run, without a prompt in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from serve.bench.figures import ModelFigures
from serve.bench.measure import Ending


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True)


class What(_Kept):
    """What was run. Two runs with the same of it can be compared.

    Attributes:
        prompts: how many; `prompts_sha256` tells which, and not what they say.
        sandbox: nobody real was asked, no dollar is real, and times say nothing of the vendors.
        own_hosts: providers that were called at another host than their own.
    """

    models: tuple[str, ...]
    prompts: int
    prompts_sha256: str
    concurrency: int
    runs: int
    sandbox: bool
    own_hosts: tuple[str, ...] = ()

    def equals(self, other: What) -> bool:
        """The same but for the order in which the models were named: they take turns anyway."""
        return self.model_copy(update={"models": tuple(sorted(self.models))}) == other.model_copy(
            update={"models": tuple(sorted(other.models))}
        )


class Record(_Kept):
    """One run.

    Attributes:
        created: when it began, UTC; it took `took_s` seconds.
        max_cost: the ceiling, and `estimate_usd` what all of it was expected to cost, in US dollars.
        ending: "done", or what cut it short.
        left: requests that were abandoned under way; they may be billed `left_usd`.
    """

    format: Literal[1] = 1
    created: datetime
    took_s: float
    what: What
    versions: dict[str, str]
    max_cost: float | None
    estimate_usd: float
    ending: Ending
    left: int = 0
    left_usd: float = 0.0
    models: tuple[ModelFigures, ...]

    @property
    def settled_usd(self) -> float:
        """US dollars billed for certain, by all models."""
        return sum(model.settled_usd for model in self.models)

    @property
    def possible_usd(self) -> float:
        """US dollars that may have been billed besides, abandoned requests included."""
        return sum(model.possible_usd for model in self.models) + self.left_usd


class History:
    """The kept runs in `folder`, which need not be there yet. `refused` is told of files that cannot be read."""

    def __init__(self, folder: Path, refused: Callable[[str], None] = lambda line: None) -> None:
        self._folder = folder
        self._refused = refused

    def keep(self, record: Record) -> Path:
        """Write the run down, under the time at which it began; the whole file or none."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{record.created:%Y-%m-%dT%H-%M-%S.%f}Z.json"
        unfinished = path.with_suffix(".part")
        unfinished.write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
        os.replace(unfinished, path)
        return path

    def records(self) -> Iterator[Record]:
        """All runs, the newest first."""
        for path in sorted(self._folder.glob("*.json"), reverse=True):
            try:
                yield Record.model_validate_json(path.read_bytes())
            except (OSError, ValidationError):
                self._refused(f"{path}: no bench of this version, passed over; delete it if it is of no use")

    def last_equal(self, record: Record) -> Record | None:
        """The newest older run of the same that was not cut short: half a run is no measure of a whole one."""
        older = (kept for kept in self.records() if kept.created < record.created and kept.ending == "done")
        return next((kept for kept in older if kept.what.equals(record.what)), None)
