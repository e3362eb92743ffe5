"""What the command shows: one answer as a short table, the decision behind it, a batch's progress and its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from classifier.explanation import Explanation
from classifier.explanation_view import render_explanation
from serve.batches.batch import Tally
from serve.batches.items import Item
from serve.batches.manifest import FILE, Line
from serve.batches.plan import Verdict
from serve.batches.purse import Purse
from serve.batches.session import Drawing
from serve.schemas import ErrorDetail, Routing


def render_drawing(drawing: Drawing, output: Path | None, unasked: tuple[str, ...] = ()) -> RenderableType:
    """Intent, model, vendor model, cost, milliseconds and files; `output` is the file that was asked for.

    Warnings that begin with a word of `unasked` are left out.
    """
    table = _grid()
    for name, value in _facts(drawing):
        table.add_row(name, Text(value, overflow="fold"))
    for path in drawing.files:
        table.add_row("file", Text(f"{path}{_other_format(path, output)}", overflow="fold"))
    for warning in drawing.reply.routing.warnings if drawing.reply.routing else ():
        if not warning.startswith(unasked):
            table.add_row(Text("warning", style="yellow"), Text(warning))
    return table


def render_decision(drawing: Drawing) -> RenderableType:
    """The whole decision: probabilities, candidates with their reasons, attempts, and what moved the classifier."""
    routing = drawing.reply.routing
    parts: list[RenderableType] = []
    if routing is not None:
        parts += ["", Text(f"Decision: {routing.reason}", style="bold"), *_probabilities(routing)]
        parts += ["", _candidates(routing), "", _attempts(routing)]
    return Group(*parts, *_moved(drawing))


def drawing_json(drawing: Drawing) -> dict[str, Any]:
    """The same as plain data."""
    reply = drawing.reply
    row: dict[str, Any] = {
        "files": [str(path) for path in drawing.files],
        "ms": round(reply.ms, 1),
        "routing": None if reply.routing is None else reply.routing.model_dump(mode="json"),
    }
    if reply.error is not None:
        row["error"] = reply.error.model_dump(mode="json")
    if isinstance(drawing.explanation, Explanation):
        row["explanation"] = drawing.explanation.to_json()
    return row


def tally_json(tally: Tally, purse: Purse, rejected: int, folder: Path) -> dict[str, Any]:
    """How a batch ended, as plain data."""
    return {
        "done": tally.done,
        "done_before": tally.before,
        "failed": tally.failed,
        "maybe_billed": tally.held,
        "left": tally.left,
        "rejected": rejected,
        "stopped": tally.stopped,
        "spent_usd": purse.spent,
        "left_usd": purse.left,
        "manifest": str(folder / FILE),
    }


def tally_lines(tally: Tally, purse: Purse, rejected: int, folder: Path) -> Iterator[str]:
    """How a batch ended, in words, and what to do about what is left."""
    counts = {
        "done": tally.done,
        "done before": tally.before,
        "failed": tally.failed,
        "maybe billed without a picture": tally.held,
        "left": tally.left,
        "rejected": rejected,
    }
    yield ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing to draw"
    ceiling = "" if purse.left is None else f", {_usd(purse.left)} left of the ceiling"
    yield f"{_usd(purse.spent)} spent in {folder} so far{ceiling}"
    if tally.stopped:
        yield f"stopped: {tally.stopped}"
    if tally.failed or tally.left:
        yield "the same command goes on where this one ended, and tries again what failed"
    if tally.held:
        yield f"--rebill draws the {tally.held} again that may have been billed, and may pay twice for them"
    if tally.missing:
        yield f"{tally.missing} are done, but files of theirs are gone: delete their lines in {FILE} to draw them anew"


class BatchView:
    """Progress on stderr: a bar with the cost so far on a terminal, a line a prompt elsewhere.

    `spent` is what earlier runs have spent, in US dollars.
    """

    def __init__(self, total: int, spent: float = 0.0, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[cost]}"), TimeElapsedColumn())
        self.progress = Progress(*columns, console=self._console, disable=not self._console.is_terminal)
        self._task = self.progress.add_task("", total=total, cost=_usd(spent))

    def passed_over(self, item: Item, verdict: Verdict) -> None:
        """See `Watch`."""
        self.progress.advance(self._task)
        if verdict == "held":
            self.say(f"{item.index}: not drawn again, for it may have been billed")

    def settled(self, line: Line, error: ErrorDetail | None, spent: float) -> None:
        """See `Watch`."""
        self.progress.update(self._task, advance=1, cost=_usd(spent))
        if error is not None:
            self.say(f"{line.index}: failed: {error.message}")
        elif not self._console.is_terminal:
            self.say(f"{line.index}: {', '.join(line.files)}  {line.model}  {_usd(line.cost_usd)}  {line.ms:.0f} ms")

    def say(self, text: str) -> None:
        """One line, above the bar where there is one."""
        self._console.print(Text(text), soft_wrap=True)


def _grid() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column()
    return table


def _moved(drawing: Drawing) -> Iterator[RenderableType]:
    """What moved the classifier, or why that cannot be said, unless the error says it."""
    found, error = drawing.explanation, drawing.reply.error
    if isinstance(found, Explanation):
        yield from ("", Text("What moved the classifier", style="bold"), render_explanation(found))
    elif found is not None and (error is None or error.message != found):
        yield Text(f"What moved the classifier cannot be said: {found}")


def _facts(drawing: Drawing) -> Iterator[tuple[str, str]]:
    routing = drawing.reply.routing
    if routing is None:
        return
    unsure = ", unsure" if routing.abstained else ""
    sure = "" if routing.confidence is None else f" ({routing.confidence:.1%}{unsure})"
    if routing.intent is not None:
        yield "intent", f"{routing.intent}{sure}"
    if routing.model is not None:
        yield "model", routing.model
        yield "vendor model", f"{routing.vendor_model} at {routing.provider}"
    if routing.attempts:
        real = ", which the sandbox makes up: no vendor was called" if routing.sandbox else ""
        yield "cost", f"{_usd(routing.cost_usd)}{real}"
    yield "time", f"{drawing.reply.ms:.0f} ms"


def _other_format(path: Path, output: Path | None) -> str:
    if output is None or path.suffix.lower() == output.suffix.lower() or not output.suffix:
        return ""
    return f" ({path.suffix[1:]} is what the vendor sent, so it is not {output.name})"


def _probabilities(routing: Routing) -> Iterator[RenderableType]:
    if routing.probabilities is None:
        return
    table = _grid()
    for intent, share in sorted(routing.probabilities.items(), key=lambda pair: -pair[1]):
        table.add_row(intent, Text(f"{share:6.1%}  {'█' * round(share * 30)}"))
    yield table


def _candidates(routing: Routing) -> Table:
    table = Table("candidate", "", "why", box=None, pad_edge=False)
    for each in routing.candidates:
        mark = Text("taken", style="green") if each.taken else Text("thrown out", style="red")
        table.add_row(Text(each.model), mark, Text(each.reason, overflow="fold"))
    return table


def _attempts(routing: Routing) -> RenderableType:
    if not routing.attempts:
        return Text("No vendor was called.")
    table = Table("attempt", "vendor model", "outcome", "status", "ms", "cost", "billed", box=None, pad_edge=False)
    for each in routing.attempts:
        style = "green" if each.outcome == "ok" else "red"
        status = "" if each.status is None else str(each.status)
        cells = (each.model, each.vendor_model, Text(each.outcome, style=style), status, f"{each.ms:.0f}")
        table.add_row(*cells, _usd(each.cost_usd), each.billed)
    return table


def _usd(amount: float) -> str:
    return f"US$ {amount:.4f}"
