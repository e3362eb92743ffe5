"""Finding labels that a classifier which never saw them would not give."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import TrainedHome, run_command, write_rows
from training.config import FineTuning, TrainConfig
from training.dataset import LabeledPrompt, load_prompts
from training.errors import DatasetError
from training.label_errors import cross_validated, suspects, workload

CLASSES = ("preview", "text_heavy", "complex_logic")


def _rows(trained: TrainedHome, n: int) -> list[LabeledPrompt]:
    """Real training rows without a second label, as many of each class."""
    rows = [row for row in load_prompts(trained.data) if row.second is None]
    return [row for label in CLASSES for row in [r for r in rows if r.intent == label][:n]]


def test_rows_are_judged_by_others(trained: TrainedHome) -> None:
    """Every row gets probabilities, and a planted wrong label is found; a second label that explains it is no error."""
    rows, config, steps = _rows(trained, 100), TrainConfig(), [0]
    planted = next(i for i, row in enumerate(rows) if row.prompt.count('"') == 2 and row.intent == "text_heavy")
    rows[planted] = replace(rows[planted], intent="preview")

    def count(n: int) -> None:
        steps[0] += n

    judged = cross_validated(rows, config, 3, count)
    assert judged.shape == (300, 3)
    assert np.allclose(judged.sum(axis=1), 1, atol=1e-5)
    assert steps[0] == workload(300, config, 3)
    found = suspects(rows, judged)
    assert planted in [suspect.position for suspect in found]
    assert all(suspect.said != suspect.row.intent for suspect in found)
    rows[planted] = replace(rows[planted], second="text_heavy")
    assert planted not in [suspect.position for suspect in suspects(rows, judged)]


def test_the_judges_are_fine_tuned_when_asked(trained: TrainedHome, tiny_encoder: Path) -> None:
    """Prompts learned count as work too, and another seed teaches otherwise."""
    rows, steps = _rows(trained, 30), [0]

    def count(n: int) -> None:
        steps[0] += n

    config = TrainConfig(encoder=str(tiny_encoder), fine_tuning=FineTuning(epochs=1, max_tokens=32))
    judged = cross_validated(rows, config, 2, count)
    assert steps[0] == workload(90, config, 2) == 270
    other = replace(config, fine_tuning=FineTuning(epochs=1, max_tokens=32, seed=1))
    assert not np.allclose(judged, cross_validated(rows, other, 2))


def test_rows_that_cannot_be_parted_are_refused_before_an_encoder_is_loaded() -> None:
    """Too few of each class for so many parts, or none of one: the message says so, and what would do."""
    config = TrainConfig(Path("mine.jsonl"), encoder="none")
    rows = [LabeledPrompt(f"prompt {i}", CLASSES[i % 3], None, str(i), (), "t", "en") for i in range(6)]
    with pytest.raises(DatasetError, match=r"no class has more than 2 prompts, .* ask for fewer parts"):
        cross_validated(rows, config, 3)
    with pytest.raises(DatasetError, match=r"mine\.jsonl: no prompt is labelled complex_logic or text_heavy"):
        cross_validated(rows[::3], config, 2)


def test_the_command_lists_them(trained: TrainedHome, tmp_path: Path) -> None:
    """One line a suspect, and how many there are."""
    rows = [row.__dict__ | {"tags": list(row.tags)} for row in _rows(trained, 40)]
    for row in rows:
        del row["second"]
    rows[0] |= {"prompt": 'a neon sign that says "OPEN"', "intent": "complex_logic"}
    data = write_rows(tmp_path / "rows.jsonl", rows)
    done = run_command("data", "suspects", str(data), "--effort", "frozen", "--json", home=tmp_path / "home")
    assert done.code == 0, done.err
    assert 'a neon sign that says \\"OPEN\\"' in done.out
    assert f"{len(done.out.splitlines())} of 120 rows to read again" in done.err
