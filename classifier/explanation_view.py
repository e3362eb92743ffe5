"""An explanation for eyes: the verdict, the parts that add up to it, and the prompt with a number behind each word."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from classifier.explanation import Explanation

# Smaller parts than this are dust: e^0.005 moves the odds by half a percent.
_DUST = 0.005


def render_explanation(explanation: Explanation) -> RenderableType:
    """What `prompt-intent classify --explain` prints below the decision."""
    heading = Text(
        f"{explanation.prediction.intent} against {explanation.runner_up}: log-odds {explanation.log_odds:+.2f}"
    )
    return Padding(Group(heading, _parts(explanation), "", _words(explanation)), (0, 0, 1, 2))


def _parts(explanation: Explanation) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("part")
    table.add_column("value", justify="right")
    table.add_column("adds", justify="right")
    for name, value, contribution in _rows(explanation):
        table.add_row(Text(name), value, _signed(contribution))
    return table


def _rows(explanation: Explanation) -> Iterator[tuple[str, str, float]]:
    shown = [feature for feature in explanation.features if abs(feature.contribution) >= _DUST]
    hidden = [feature for feature in explanation.features if 0 < abs(feature.contribution) < _DUST]
    yield from ((feature.name, f"{feature.value:.2f}", feature.contribution) for feature in shown)
    if hidden:
        yield f"{len(hidden)} smaller features", "", sum(feature.contribution for feature in hidden)
    yield "(embedding)", "", explanation.embedding
    yield "(bias)", "", explanation.bias


def _words(explanation: Explanation) -> Text:
    """Each word, or span of words, before what leaving it out would take away."""
    line = Text("log-odds lost without each word: ") if explanation.words else Text("no words")
    for number, word in enumerate(explanation.words):
        # As Text, not as markup: a prompt may hold [square brackets].
        line.append("  " if number else "").append(word.text, style="bold").append(" ").append(_signed(word.effect))
    return line


def _signed(number: float) -> Text:
    style = "green" if number >= _DUST else "red" if number <= -_DUST else "dim"
    return Text(f"{number:+.2f}", style=style)
