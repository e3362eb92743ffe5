"""Kept runs: written whole, read again, found by what was run, and set side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

from serve.bench.comparison import compare, comparison_json
from serve.bench.figures import Sample
from serve.bench.record import History, Record, What
from tests.serve.bench.conftest import Range, make_record

FAST = Sample("fast", 100.0, called="fast-1", calls=1, settled_usd=0.02, pictures=1, bytes=9)
SLOW = Sample("slow", 800.0, called="slow-1", calls=1, settled_usd=0.08, pictures=1, bytes=9)


def what(**changes: object) -> What:
    """Both models, five runs."""
    fields = {"models": ("fast", "slow"), "prompts": 2, "prompts_sha256": "ab" * 32, "concurrency": 4, "runs": 5}
    return What.model_validate(fields | {"sandbox": False} | changes)


def run_on(day: int, *samples: Sample, **changes: object) -> Record:
    """A run of that day."""
    return make_record(*samples, day=day, what=what(**changes))


def test_a_run_is_read_as_it_was_kept(tmp_path: Path) -> None:
    """Under the time at which it began, newest first, with nothing unfinished beside it."""
    history = History(tmp_path / "benchmarks")
    assert list(history.records()) == []
    old, new = run_on(1, FAST, SLOW), run_on(2, FAST)
    for record in (new, old):
        history.keep(record)
    assert list(history.records()) == [new, old]
    names = sorted(path.name for path in (tmp_path / "benchmarks").iterdir())
    assert names == ["2026-11-01T12-30-00.000000Z.json", "2026-11-02T12-30-00.000000Z.json"]


def test_a_file_that_is_no_run_is_told_and_passed_over(tmp_path: Path) -> None:
    """Half a file, another format: the other runs are there all the same."""
    told: list[str] = []
    kept = run_on(2, FAST)
    path = History(tmp_path).keep(kept)
    (tmp_path / "0.json").write_text(path.read_text()[:50])
    (tmp_path / "1.json").write_text(path.read_text().replace('"format": 1', '"format": 2'))
    assert list(History(tmp_path, told.append).records()) == [kept]
    assert [Path(line.partition(": ")[0]).name for line in told] == ["1.json", "0.json"]


@pytest.mark.parametrize(
    "change",
    [
        {"models": ("fast",)}, {"prompts": 3}, {"prompts_sha256": "cd" * 32}, {"concurrency": 5}, {"runs": 6},
        {"sandbox": True}, {"own_hosts": ("openai",)},
    ],
)  # fmt: skip
def test_only_a_run_of_the_same_is_an_equal(tmp_path: Path, change: dict[str, object]) -> None:
    """The newest older one, whatever the order of its models; never a run of other things, nor the run itself."""
    history = History(tmp_path)
    equal, now = run_on(2, FAST, models=("slow", "fast")), run_on(5, FAST)
    for record in (run_on(1, FAST), equal, run_on(3, FAST, **change), now, run_on(6, FAST)):
        history.keep(record)
    assert history.last_equal(now) == equal
    assert history.last_equal(run_on(1, SLOW)) is None


@pytest.mark.parametrize("ending", ["interrupted", "max_cost"])
def test_a_run_that_was_cut_short_is_nobodys_equal(tmp_path: Path, ending: str) -> None:
    """Half a run is no measure of a whole one; the whole one before it is found."""
    history = History(tmp_path)
    whole, now = run_on(1, FAST, SLOW), run_on(3, FAST, SLOW)
    for record in (whole, run_on(2, FAST).model_copy(update={"ending": ending}), now):
        history.keep(record)
    assert history.last_equal(now) == whole


def test_two_runs_side_by_side() -> None:
    """Each figure with its ratio; none where there is nothing to divide by, or a model had no answer."""
    before = run_on(1, FAST, Sample("fast", 300.0, "upstream_error"), Sample("slow", 5.0, "upstream_error"))
    now = run_on(2, Sample("fast", 150.0, settled_usd=0.02), SLOW)
    measures = {(m.model, m.name): (m.before, m.now, m.ratio) for m in compare(before, now)}
    assert measures["fast", "p50_ms"] == (100.0, 150.0, 1.5)
    assert measures["fast", "error_rate"] == (0.5, 0.0, 0.0)
    assert measures["fast", "usd_a_request"] == (0.01, 0.02, 2.0)
    assert measures["slow", "p99_ms"] == (None, 800.0, None)
    assert measures["slow", "usd_a_request"] == (0.0, 0.08, None)
    told = comparison_json(before, compare(before, now))
    assert told["before"]["created"] == "2026-11-01T12:30:00Z"
    assert told["ratios"]["fast"]["p95_ms"] == 1.5


async def test_a_kept_run_holds_no_prompt(field: Range, tmp_path: Path) -> None:
    """Its digest, the versions and the ceiling instead."""
    secret = "a fox that nobody has announced yet"
    bench = field.bench("ideogram-v2a", prompts=(secret,), max_cost=1.0)
    record = await field.run(bench)
    text = History(tmp_path / "kept").keep(record).read_text(encoding="utf-8")
    assert secret not in text
    assert bench.plan.prompts_sha256 in text
    assert record.max_cost == 1.0
    assert set(record.versions) == {"prompt-intent", "python", "httpx"}
