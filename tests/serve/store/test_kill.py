"""`kill -9` at any point: what had returned is there after it, and what had not is accounted for."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from serve.errors import StoreError
from serve.store import Done, LedgerEntry, Lost, Store
from tests.conftest import ROOT
from tests.serve.store.conftest import NOW, Life, image

LIVES = 4


@contextmanager
def _child(path: Path, number: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.serve.store.writing_child", str(path), str(number)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _killed_after(path: Path, number: int, lines: int) -> list[tuple[str, str]]:
    """Everything the child had said when it died: it is killed after so many lines, wherever it then is."""
    with _child(path, number) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        os.kill(process.pid, signal.SIGKILL)
        said += process.stdout.readlines()
    assert process.returncode == -signal.SIGKILL
    # The last line may be cut.
    return [(word, name) for line in said if line.endswith("\n") for word, name in [line.split()]]


async def _check(store: Store, said: list[tuple[str, str]]) -> None:
    names = {word: [name for spoken, name in said if spoken == word] for word in ("begun", "sent", "ended", "finished")}
    entries = {entry.id: entry for entry in await store.ledger(1_000_000)}
    told = await asyncio.gather(*(Life(store).claim(name, "again") for name in names["begun"]))
    claims = dict(zip(names["begun"], told, strict=True))
    for request_id in names["finished"]:
        assert claims[request_id] == Done(200, f'{{"for": "{request_id}"}}', request_id)
    kept = await asyncio.gather(*(store.image(f"{name}:image") for name in names["finished"]))
    assert kept == [image(f"{name}:image", name) for name in names["finished"]]
    for attempt_id in names["ended"]:
        assert _bill(entries[attempt_id]) == (("no", 0.0) if attempt_id.endswith("/0") else ("yes", 0.25))
    for attempt_id in set(names["sent"]) - set(names["ended"]):
        # Its end may have been committed, and the process killed before it could say so.
        known = entries[attempt_id].outcome == "ok"
        assert known or _bill(entries[attempt_id]) == ("unknown", 0.5)
    for request_id in set(names["begun"]) - set(names["finished"]):
        bills = [entry.billed for entry in entries.values() if entry.request_id == request_id]
        lost = Lost(request_id, any(bill != "no" for bill in bills))
        assert claims[request_id] == lost or isinstance(claims[request_id], Done)
    assert not [entry for entry in entries.values() if entry.outcome == "sent"]


def _bill(entry: LedgerEntry) -> tuple[str, float]:
    return entry.billed, entry.cost_usd


async def test_kill_9_loses_nothing_that_had_returned(path: Path) -> None:
    """Killed at random moments, over and over on one file; each next process recovers what the last one left."""
    chance = random.Random(9)
    said: list[tuple[str, str]] = []
    for number in range(LIVES):
        said += await asyncio.to_thread(_killed_after, path, number, chance.randint(20, 500))
        async with Store.open(path) as store:
            await store.recover(NOW)
            await _check(store, said)
    # It was in the middle of things: some were finished, some were not.
    finished = sum(word == "finished" for word, _ in said)
    assert 0 < finished < sum(word == "begun" for word, _ in said)


async def test_a_file_has_one_process_and_is_free_when_that_is_killed(path: Path) -> None:
    """A second process is refused while the first lives; no stale lock outlives `kill -9`."""
    with _child(path, 0) as process:
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == "recovered 0\n"
        with pytest.raises(StoreError, match="in use by another process: stop that one"):
            async with Store.open(path):
                pass
    async with Store.open(path) as store:
        await store.recover(NOW)
