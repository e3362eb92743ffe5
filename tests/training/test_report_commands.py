"""`train`, `evaluate` and `compare` as their users run them: the report they write, and the prompts they list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from classifier import IntentClassifier
from tests.conftest import TrainedHome, run_command, write_rows
from training.config import TrainConfig
from training.gold import gold_digest, load_gold
from training.pipeline import train_bundle
from training.progress import Bars


def test_training_leaves_its_report(trained: TrainedHome) -> None:
    """The report lies under the state folder by the bundle's name, with its figures, data card and command."""
    path = Path(trained.answer["report"])
    assert path == trained.home / "reports" / f"{trained.answer['bundle'][:12]}.html"
    page = path.read_text("utf-8")
    assert trained.answer["bundle"] in page
    assert f"{trained.answer['evaluation']['macro_f1']:.3f}" in page
    assert f"<h3>{trained.data}</h3>" in page
    assert f"prompt-intent train --data {trained.data}" in page


def test_evaluate_writes_a_report_of_any_gold_file(trained: TrainedHome, tmp_path: Path) -> None:
    """A file of prompts and labels alone is enough, and rows measured elsewhere stand beside."""
    rows = [{"prompt": "a <b>cat</b>", "label": "preview"}, {"prompt": 'sign "GO"', "label": "text_heavy"}]
    gold, target = write_rows(tmp_path / "gold.jsonl", rows), tmp_path / "made" / "report.html"
    figure = {"value": 0.5, "low": 0.1, "high": 0.9}
    digest = gold_digest(load_gold(gold, ("preview", "text_heavy")))
    other = tmp_path / "other.json"
    other.write_text(
        json.dumps([{"name": "a coin", "digest": digest} | dict.fromkeys(("strict", "lenient", "macro_f1"), figure)])
    )
    options = ("--gold", str(gold), "--report", str(target), "--baselines", str(other))
    done = run_command("evaluate", *options, home=trained.home)
    assert done.code == 0, done.err
    assert done.out.strip().endswith(f"report {target}")
    page = target.read_text("utf-8")
    assert "a coin" in page
    assert "<b>cat</b>" not in page


def test_baselines_without_a_report_are_wrong_usage(trained: TrainedHome, tmp_path: Path) -> None:
    """They have nowhere to go."""
    done = run_command("evaluate", "--baselines", str(tmp_path / "none.json"), home=trained.home)
    assert done.code == 2
    assert "--report" in done.err


def test_evaluate_tells_of_other_languages(trained: TrainedHome) -> None:
    """Parallel translations: how good beside English, and whether an unreadable script was abstained from."""
    done = run_command("evaluate", "--gold", "data/translations.jsonl", home=trained.home)
    assert done.code == 0, done.err
    assert "of English  right or abstained" in done.out
    [others] = [line for line in done.out.splitlines() if line.startswith("other scripts: strict")]
    assert "right or abstained 1.000" in others


@pytest.fixture(scope="module")
def other(trained: TrainedHome, tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second bundle, of a much worse encoder."""
    config = TrainConfig(trained.data, trained.test, str(tiny_encoder), threads=1, fine_tuning=None)
    folder = tmp_path_factory.mktemp("other")
    return train_bundle(config, folder, Bars(Console(quiet=True))).folder


def _labels(bundle: Path, prompts: list[str]) -> list[str]:
    return [prediction.intent for prediction in IntentClassifier.from_pretrained(bundle).predict(prompts)]


def test_compare_lists_exactly_what_changed(trained: TrainedHome, other: Path) -> None:
    """Every prompt whose label differs is in the JSON once, with both labels and the verdict; no other is."""
    rows = [json.loads(line) for line in trained.test.read_text("utf-8").splitlines()]
    prompts = [row["prompt"] for row in rows]
    ours, theirs = _labels(other, prompts), _labels(trained.bundle, prompts)
    done = run_command("compare", str(other), "champion", "--test", str(trained.test), "--json", home=trained.home)
    answer: dict[str, Any] = json.loads(done.out)
    said = {(change["prompt"], change["ours"], change["theirs"]) for change in answer["changes"]}
    assert said == {(p, a, b) for p, a, b in zip(prompts, ours, theirs, strict=True) if a != b}
    assert len(answer["changes"]) == len(said) > 20
    assert answer["counts"]["worse"] == answer["agreement"]["only_theirs"]
    assert answer["counts"]["better"] == answer["agreement"]["only_ours"]
    assert answer["difference"] < 0


def test_compare_shows_twenty_and_counts_the_rest(trained: TrainedHome, other: Path) -> None:
    """The terminal has the interval, who is right where, twenty prompts, and how many more there are."""
    done = run_command("compare", str(other), "champion", "--test", str(trained.test), home=trained.home)
    assert "McNemar" in done.out
    assert "more, all of them with --json" in done.out
    assert sum(" worse " in line for line in done.out.splitlines()) >= 20
