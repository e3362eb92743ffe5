"""Figures as tables for a terminal: a bench, the live traffic, two runs side by side, all runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from serve.bench.comparison import Measure
from serve.bench.figures import ModelFigures
from serve.bench.record import Record
from serve.store import Percentiles, Stats

_BY_RANK = "Percentiles are exact, by nearest rank: the smallest time that at least p % of the answered do not exceed."
_HISTORY = ("asked", "p50 ms", "p95 ms", "p99 ms", "errors", "US$")
_FEW = 100
_ROOMY = 10_000


@dataclass(frozen=True, slots=True)
class Line:
    """One row of figures: milliseconds of what was answered, US dollars; `beside` and `last` are the table's own."""

    name: str
    beside: str
    asked: int
    errors: Mapping[str, int]
    ms: Percentiles | None
    settled_usd: float
    possible_usd: float
    pictures: int
    last: str


@dataclass(frozen=True, slots=True)
class Layouts:
    """The same figures twice: `wide` has all of a model in one row, `tall` is for terminals without room for that."""

    wide: Table
    tall: Table

    def fitting(self, console: Console) -> Table:
        """The wide one, unless the console would have to break its words."""
        roomy = console.options.update(width=_ROOMY)
        return self.wide if console.measure(self.wide, options=roomy).maximum <= console.width else self.tall


def bench_table(record: Record) -> Layouts:
    """A bench, model by model."""
    lines = [
        Line(
            model.model, _called(model), model.requests, model.errors, model.ms, model.settled_usd,
            model.possible_usd, model.pictures, byte_size(model.bytes),
        )
        for model in record.models
    ]  # fmt: skip
    return _layouts(lines, ("called", "requests", "bytes"), f"Bench of {record.created:%Y-%m-%d %H:%M} UTC")


def bench_notes(record: Record) -> list[str]:
    """What has to be known to read the table."""
    what = record.what
    notes = [f"{what.concurrency} requests at once, {record.took_s:.1f} s; times are what a caller waits. {_BY_RANK}"]
    if any(0 < model.answered < _FEW for model in record.models):
        notes.append(f"Of fewer than {_FEW} answers the p99 is the slowest one.")
    if what.sandbox:
        notes.append("The sandbox answered: no dollar is real, and its times say nothing of the vendors.")
    if what.own_hosts:
        notes.append(f"Called at a host of the operator's own: {', '.join(what.own_hosts)}.")
    if record.ending != "done":
        cut = "Ctrl-C" if record.ending == "interrupted" else f"the ceiling of {record.max_cost:g} US dollars"
        notes.append(f"Cut short by {cut}: these are the requests that ended before.")
    if record.left:
        notes.append(f"{record.left} requests were left under way and may be billed {record.left_usd:.4f} US dollars.")
    return notes + [f"{model.model}: {note} ({n}x)" for model in record.models for note, n in model.notes.items()]


def stats_table(stats: Stats) -> Layouts:
    """The store's traffic, by model and intent."""
    lines = [
        Line(
            row.model, row.intent or "", row.attempts, row.errors, row.ms, row.settled_usd, row.possible_usd,
            row.images, f"+{row.thumbs_up} -{row.thumbs_down}",
        )
        for row in stats.models
    ]  # fmt: skip
    return _layouts(lines, ("intent", "calls", "thumbs"), "Traffic, call by call")


def stats_notes(stats: Stats) -> list[str]:
    """The totals, and what previews were promised."""
    totals = stats.totals
    waits = totals.ms
    notes = [
        f"{totals.requests} requests: {totals.done} answered, {totals.failed} failed, {totals.lost} lost, "
        f"{totals.running} running. {_BY_RANK}"
    ]
    if waits:
        notes.append(f"Callers waited {waits.p50:,.0f} ms (p50), {waits.p95:,.0f} (p95), {waits.p99:,.0f} (p99).")
    if stats.preview_share is not None:
        share = f"{stats.previews_in_time} of {stats.previews} ({stats.preview_share:.1%})"
        notes.append(f"Previews answered in under {stats.target_ms:,.0f} ms: {share}.")
    notes.append(f"Spent {totals.settled_usd:.4f} US dollars, and {totals.possible_usd:.4f} that may be billed.")
    return notes


def comparison_table(before: Record, measures: Sequence[Measure]) -> Table:
    """Both runs and their ratio, a measure a row."""
    table = Table(title=f"Beside the same of {before.created:%Y-%m-%d %H:%M} UTC", title_justify="left")
    for heading, right in (("model", False), ("measure", False), ("before", True), ("now", True), ("ratio", True)):
        table.add_column(heading, overflow="fold", justify="right" if right else "left")
    for at, measure in enumerate(measures):
        last = at + 1 == len(measures) or measures[at + 1].model != measure.model
        ratio = "" if measure.ratio is None else f"{measure.ratio:.2f}x"
        table.add_row(
            measure.model, measure.name, _figure(measure.before), _figure(measure.now), ratio, end_section=last
        )
    return table


def history_table(records: Sequence[Record]) -> Layouts:
    """All runs, a model a row; where the terminal is narrow, each run is told above its models."""
    return Layouts(_wide_history(records), _tall_history(records))


def _wide_history(records: Sequence[Record]) -> Table:
    table = Table(title="Benches", title_justify="left")
    for heading in ("began (UTC)", "where", "at once", "model", *_HISTORY):
        table.add_column(heading, overflow="fold", justify="right" if heading in _HISTORY else "left")
    for record in records:
        began, where = _run(record)
        for at, model in enumerate(record.models):
            run = (began, where, str(record.what.concurrency)) if at == 0 else ("", "", "")
            table.add_row(*run, model.model, *_history_cells(model), end_section=model is record.models[-1])
    return table


def _tall_history(records: Sequence[Record]) -> Table:
    table = Table(title="Benches", title_justify="left", box=None, pad_edge=False)
    for heading in ("model", *_HISTORY):
        table.add_column(heading, overflow="fold", justify="right" if heading in _HISTORY else "left")
    for record in records:
        began, where = _run(record)
        table.add_row(f"\n{began} UTC\n{where}\n{record.what.concurrency} at once", style="dim")
        for model in record.models:
            table.add_row(model.model, *_history_cells(model))
    return table


def _run(record: Record) -> tuple[str, str]:
    """When it began and who was asked; "cut short" where it is only a part of what was planned."""
    where = "sandbox" if record.what.sandbox else "vendors"
    return f"{record.created:%Y-%m-%d %H:%M:%S}", where if record.ending == "done" else f"{where}, cut short"


def _history_cells(model: ModelFigures) -> tuple[str, ...]:
    usd = f"{model.settled_usd + model.possible_usd:.4f}"
    return str(model.requests), *_ranks(model.ms), _rate(model.error_rate), usd


def byte_size(size: int) -> str:
    """Bytes in the unit that suits them; thousands, not 1024s."""
    if size < 1000:
        return f"{size} B"
    return f"{size / 1000:,.0f} kB" if size < 10**6 else f"{size / 10**6:,.1f} MB"


def _layouts(lines: Sequence[Line], own: tuple[str, str, str], title: str) -> Layouts:
    beside, asked, last = own
    ranks = ("p50 ms", "p95 ms", "p99 ms")
    headings = ["model", beside, asked, "errors", "by cause", *ranks, "US$", "US$ maybe", "pictures", last]
    rows = [_cells(line) for line in lines]
    turned = [[heading, *cells] for heading, *cells in zip(headings, *rows, strict=True)]
    return Layouts(_grid(headings, rows, title), _grid(turned[0], turned[1:], title))


def _cells(line: Line) -> list[str]:
    failed = sum(line.errors.values())
    rate = _rate(failed / line.asked if line.asked else 0.0)
    money = (f"{line.settled_usd:.4f}", f"{line.possible_usd:.4f}", str(line.pictures), line.last)
    return [line.name, line.beside, str(line.asked), rate, _counted(line.errors), *_ranks(line.ms), *money]


def _grid(headings: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in headings:
        figures = any(row[headings.index(heading)][:1].isdigit() for row in rows)
        table.add_column(heading, overflow="fold", justify="right" if figures else "left")
    for row in rows:
        table.add_row(*row)
    return table


def _called(model: ModelFigures) -> str:
    """The vendor's id; where there were several (a model that was swapped on the way), how often each."""
    return next(iter(model.called)) if len(model.called) == 1 else _counted(model.called)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _ranks(ms: Percentiles | None) -> tuple[str, str, str]:
    return ("", "", "") if ms is None else (f"{ms.p50:,.0f}", f"{ms.p95:,.0f}", f"{ms.p99:,.0f}")


def _rate(rate: float) -> str:
    return f"{rate:.1%}"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.4f}".rstrip("0").rstrip(".")
