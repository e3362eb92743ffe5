"""Tables fit the terminal they are shown on, and say what has to be known to read them."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from serve.bench.figures import Sample
from serve.bench.record import Record, What
from serve.bench.tables import Layouts, bench_notes, bench_table, byte_size, history_table
from tests.serve.bench.conftest import make_record

SAMPLES = [
    Sample("imagen-4-fast", 1234.5, called="imagen-4.0-fast-generate-001", calls=1, settled_usd=0.02, pictures=1),
    Sample("imagen-4-fast", 50.0, "rate_limited", called="imagen-4.0-fast-generate-001", calls=3),
    Sample("dalle-3-std", 99.0, "upstream_timeout", called="dall-e-3", calls=1, possible_usd=0.04),
]


def shown(layouts: Layouts, width: int) -> str:
    """What a terminal of that width shows."""
    file = io.StringIO()
    console = Console(file=file, width=width)
    console.print(layouts.fitting(console))
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 200])
def test_no_figure_is_broken_or_cut(width: int) -> None:
    """A column for each model where the terminal is narrow, a row for each where it is wide: the same figures."""
    text = shown(bench_table(make_record(*SAMPLES)), width)
    for word in ("imagen-4.0-fast-generate-001", "rate_limited 1", "upstream_timeout 1", "1,234", "50.0%", "100.0%",
                 "0.0200", "0.0400"):  # fmt: skip
        assert word in text
    assert max(map(len, text.splitlines())) <= width


def test_a_plain_run_has_two_notes() -> None:
    """How the percentiles are counted, and what they are of a few answers."""
    rank, few = bench_notes(make_record(Sample("fast", 5.0)))
    assert "exact, by nearest rank" in rank
    assert few == "Of fewer than 100 answers the p99 is the slowest one."
    assert len(bench_notes(make_record(*(Sample("fast", 5.0) for _ in range(100))))) == 1


def notes(**changes: object) -> str:
    """The notes of a run with a swap in it."""
    return "\n".join(bench_notes(make_record(Sample("fast", 5.0, notes=("a swap",)), **changes)))


def test_what_makes_a_run_special_is_said() -> None:
    """Sandbox, hosts of one's own, an early end, requests left behind, swaps."""
    plain = What(models=("fast",), prompts=1, prompts_sha256="", concurrency=1, runs=1, sandbox=True)
    assert "The sandbox answered" in notes(what=plain)
    own = plain.model_copy(update={"sandbox": False, "own_hosts": ("openai",)})
    assert "host of the operator's own: openai" in notes(what=own)
    assert "Cut short by Ctrl-C" in notes(ending="interrupted")
    assert "Cut short by the ceiling of 1 US dollars" in notes(ending="max_cost")
    assert "2 requests were left under way and may be billed 0.0800" in notes(left=2, left_usd=0.08)
    assert "fast: a swap (1x)" in notes()


def test_the_history_lists_each_model_of_each_run() -> None:
    """The day once, then its models."""
    records: list[Record] = [make_record(*SAMPLES, day=2), make_record(SAMPLES[0], day=1)]
    text = shown(history_table(records), 160)
    lines = [line.split() for line in text.splitlines() if "vendors" in line or "dalle" in line]
    assert [line[1] for line in lines] == ["2026-11-02", "│", "2026-11-01"]


@pytest.mark.parametrize("width", [80, 160])
def test_the_history_can_be_read_on_any_terminal(width: int) -> None:
    """No figure, name or day is broken or cut at 80 columns; what was cut short is said to be."""
    named = Sample("gemini-3.1-flash-lite-image", 12_345.6, called="x", calls=1, settled_usd=0.02, pictures=1)
    records = [make_record(*SAMPLES, named, day=2, ending="interrupted"), make_record(SAMPLES[0], day=1)]
    text = shown(history_table(records), width)
    for word in ("2026-11-02 12:30:00", "2026-11-01 12:30:00", "gemini-3.1-flash-lite-image", "12,346", "50.0%",
                 "100.0%", "0.0400"):  # fmt: skip
        assert word in text
    assert max(map(len, text.splitlines())) <= width
    assert text.count("vendors, cut short") == 1
    assert text.count("vendors") == 2


@pytest.mark.parametrize(
    ("size", "told"), [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (153_600, "154 kB"), (2_500_000, "2.5 MB")]
)
def test_sizes_are_in_the_unit_that_suits_them(size: int, told: str) -> None:
    """Thousands, as vendors count."""
    assert byte_size(size) == told
