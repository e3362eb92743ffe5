"""What is shown: the decision with the words that moved it, and a batch's progress on a terminal."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from serve.batches.batch import Tally
from serve.batches.bodies import read_body
from serve.batches.picture_files import Target
from serve.batches.purse import Purse
from serve.batches.session import draw_one
from serve.batches.view import BatchView, drawing_json, render_decision, render_drawing, tally_lines
from serve.sandbox.faults import FaultRule
from tests.serve.batches.conftest import Bench

BANNER = 'a [red]banner:[/red] "SALE 50% OFF"'


def shown(*parts: object) -> str:
    """The text on a wide terminal."""
    console = Console(file=io.StringIO(), width=160)
    for part in parts:
        console.print(part)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


async def test_the_whole_decision_is_shown(bench: Bench, tmp_path: Path) -> None:
    """Probabilities, candidates, a failed attempt and the one that drew, the words; brackets are no markup."""
    async with bench(FaultRule(model="V_2A", status=500)) as scene:
        target = Target(tmp_path, "banner")
        drawing = await draw_one(scene.gateway, read_body(BANNER, {}, {}), target, force=False, explained=True)
    text = shown(render_drawing(drawing, None), render_decision(drawing))
    for told in (
        "text_heavy",
        "first choice for text_heavy",
        "upstream_error",
        "500",
        "log-odds",
        "[red]banner:[/red]",
    ):
        assert told in text
    assert drawing.explanation is not None
    assert drawing_json(drawing)["explanation"]["words"][1]["text"] == "[red]banner:[/red]"


async def test_without_a_vendors_answer_nothing_is_made_up(bench: Bench, tmp_path: Path) -> None:
    """A prompt that nobody can draw shows the decision and no model, cost or file."""
    async with bench() as scene:
        body, target = read_body("a fox", {}, {"max_cost": 0}), Target(tmp_path, "x")
        drawing = await draw_one(scene.gateway, body, target, force=False, explained=False)
    text = shown(render_drawing(drawing, None), render_decision(drawing))
    assert "No vendor was called." in text
    assert not any(word in text for word in ("vendor model", "US$", "file"))


def test_a_terminal_gets_a_bar_with_the_cost() -> None:
    """Prompts done of all, and US dollars so far."""
    file = io.StringIO()
    view = BatchView(3, console=Console(file=file, force_terminal=True, width=100))
    with view.progress:
        view.progress.update(0, advance=2, cost="US$ 0.0400")
        view.say("[2] failed")
    assert all(told in file.getvalue() for told in ("2/3", "US$ 0.0400", "[2] failed"))


@pytest.mark.parametrize(
    ("tally", "said"),
    [
        (Tally(), ["nothing to draw"]),
        (Tally(before=2, missing=1), ["2 done before", "1 are done, but files of theirs are gone"]),
        (Tally(held=1), ["1 maybe billed without a picture", "--rebill draws the 1 again"]),
        (Tally(left=3, stopped="interrupted"), ["3 left", "stopped: interrupted", "the same command goes on"]),
    ],
)
def test_the_end_says_what_to_do(tally: Tally, said: list[str]) -> None:
    """A line for everything that is not done, and none for the rest."""
    lines = [line for line in tally_lines(tally, Purse(None), 0, Path("out")) if "spent in out" not in line]
    assert len(lines) == len(said)
    assert all(line.startswith(start) for line, start in zip(lines, said, strict=True))
