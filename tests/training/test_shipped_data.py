"""The data that ships is what its datasheet says: read twice, balanced, with pairs and parallel translations."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from typing import Any

import pytest

from tests.conftest import ROOT
from training.lesson import CALIBRATION

DATASHEET = (ROOT / "data/README.md").read_text("utf-8")


def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (ROOT / "data" / name).read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def prompts() -> list[dict[str, Any]]:
    return _rows("prompts.jsonl")


@pytest.fixture(scope="module")
def readings() -> dict[str, str]:
    return {row["prompt_sha256"]: row["intent"] for row in _rows("second-reading.jsonl")}


def _key(row: dict[str, Any]) -> str:
    return hashlib.sha256(row["prompt"].encode()).hexdigest()[:16]


def test_the_classes_are_filled(prompts: list[dict[str, Any]]) -> None:
    """At least 1,800 prompts a class, and the datasheet counts them right."""
    counts = Counter(row["intent"] for row in prompts)
    assert min(counts.values()) >= 1800
    assert f"| `prompts.jsonl` | {len(prompts):,} |" in DATASHEET
    assert " / ".join(f"{counts[label]:,}" for label in ("preview", "text_heavy", "complex_logic")) in DATASHEET


def test_every_prompt_was_read_a_second_time(prompts: list[dict[str, Any]], readings: dict[str, str]) -> None:
    """Nearly every row of both files has a second answer, and the agreement is the one that is published."""
    from sklearn.metrics import cohen_kappa_score

    rows = [*prompts, *_rows("test.jsonl")]
    read = [row for row in rows if _key(row) in readings]
    assert len(rows) - len(read) <= 2
    trained = [row for row in prompts if _key(row) in readings]
    kappa = cohen_kappa_score([row["intent"] for row in trained], [readings[_key(row)] for row in trained])
    assert f"Cohen's kappa {kappa:.3f}" in DATASHEET


def test_calibration_writers_are_nobody_elses(prompts: list[dict[str, Any]]) -> None:
    """Held-back rows fill each class, and their writers wrote nothing else."""
    held = [row for row in prompts if CALIBRATION in row["tags"]]
    writers = {tag for row in held for tag in row["tags"] if tag.startswith("mixed-bag-")}
    assert len(writers) == 5
    assert all(CALIBRATION in row["tags"] for row in prompts if writers & set(row["tags"]))
    assert min(Counter(row["intent"] for row in held).values()) >= 200
    assert f"{len(held):,} of them, tagged `calibration`" in DATASHEET


def test_translations_are_parallel() -> None:
    """Each English original is a test prompt and has its translation into the five languages; some have more."""
    rows = _rows("translations.jsonl")
    tested = {row["prompt"]: row["intent"] for row in _rows("test.jsonl")}
    originals = [row for row in rows if row["language"] == "en"]
    assert all(tested[row["prompt"]] == row["intent"] for row in originals)
    wanted = Counter((row["group"], row["intent"]) for row in originals)
    for language in ("es", "fr", "de", "pt", "it"):
        assert Counter((row["group"], row["intent"]) for row in rows if row["language"] == language) == wanted
    assert 5 * len(originals) >= 300
    assert {language for row in rows if (language := row["language"]) not in {"en", "es", "fr", "de", "pt", "it"}} == {
        "ja", "zh", "ko", "ru", "ar", "hi",
    }  # fmt: skip


def test_the_datasheet_counts_what_is_there(prompts: list[dict[str, Any]]) -> None:
    """Rows of the other files, languages, contrast pairs."""
    for name in ("translations.jsonl", "second-reading.jsonl"):
        assert f"| `{name}` | {len(_rows(name)):,} |" in DATASHEET
    assert f"{sum(row['language'] != 'en' for row in prompts):,} are not English" in DATASHEET
    labels = defaultdict(set)
    for row in prompts:
        if "contrast" in row["tags"]:
            labels[row["group"]].add(row["intent"])
    pairs = sum(len(found) > 1 for found in labels.values())
    assert pairs >= 700
    assert f"| {pairs:,} pairs |" in DATASHEET


def test_the_datasheet_is_about_files_that_are_there() -> None:
    """Each file that the datasheet's table names exists."""
    named = [line.split("`")[1] for line in DATASHEET.splitlines() if line.startswith("| `")]
    assert named
    assert all((ROOT / "data" / name).is_file() for name in named)
