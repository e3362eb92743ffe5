"""A service that cannot write: its pictures are paid for and come later, under the key that they were asked for by."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from serve.app import create_app
from serve.batches.over_http import open_over_http
from serve.batches.plan import BatchRules
from serve.sandbox.app import create_sandbox
from serve.settings import Settings
from tests.serve.batches.conftest import CLOCK, Bench, Scene, ServeOnPort
from tests.serve.conftest import MakeClassifier
from tests.serve.studio.test_troubles import BREAK, MEND

FOX = ("a fox",)
Spoil = Callable[[str], None]


@pytest.fixture
def spoil(tmp_path: Path) -> Spoil:
    """Somebody else changes the file of the service's store."""

    def execute(statement: str) -> None:
        with closing(sqlite3.connect(Settings(home=tmp_path / "home").state.database)) as file:
            file.execute(statement)

    return execute


async def _mended_in_between(scene: Scene, spoil: Spoil) -> None:
    """The answer that could not be written is told once, and then is the picture, for one bill."""
    spoil(BREAK.format("UPDATE"))
    first, _ = await scene.draw(FOX)
    [started] = scene.manifest
    spoil(MEND)
    second, purse = await scene.draw(FOX)
    [done] = scene.manifest
    assert (first.held, first.complete, started.outcome) == (0, False, "started")
    assert (second.complete, done.key, done.request_id) == (True, started.key, started.request_id)
    assert scene.sandbox.ledger.totals["billed_images"] == 1
    assert purse.spent == pytest.approx(scene.sandbox.ledger.totals["usd"])


async def test_an_end_that_could_not_be_written_is_asked_for_again(bench: Bench, spoil: Spoil) -> None:
    """The attempts are told, and all the same it is not over."""
    async with bench() as scene:
        await _mended_in_between(scene, spoil)


async def test_an_end_that_a_service_could_not_write_is_asked_for_again(
    serve_on_port: ServeOnPort, make_classifier: MakeClassifier, spoil: Spoil, tmp_path: Path
) -> None:
    """Over HTTP too."""
    sandbox = create_sandbox()
    transport = httpx.ASGITransport(app=sandbox)
    app = create_app(Settings(home=tmp_path / "home"), classifier=make_classifier(), transport=transport, clock=CLOCK)
    async with open_over_http(serve_on_port(app), Settings(home=tmp_path / "mine"), CLOCK) as gateway:
        await _mended_in_between(Scene(gateway, sandbox, tmp_path / "out"), spoil)


async def test_a_picture_that_nobody_keeps_is_not_asked_for_forever(bench: Bench, tmp_path: Path) -> None:
    """The second time the same request says so, that is its end: it is paid for, and a word draws it again."""
    images = tmp_path / "home" / "images"
    async with bench() as scene:
        images.touch()  # a file where the folder should be is as good as a full disk
        runs = [await scene.draw(FOX) for _ in range(3)]
        images.unlink()
        await scene.draw(FOX)
        assert [tally.held for tally, _ in runs] == [0, 1, 1]
        assert [(line.outcome, line.billed) for line in scene.manifest] == [("failed", "yes")]
        last, purse = await scene.draw(FOX, rules=BatchRules(rebill=True))
        assert (last.complete, scene.sandbox.ledger.totals["billed_images"]) == (True, 2)
        assert purse.spent == pytest.approx(scene.sandbox.ledger.totals["usd"])
