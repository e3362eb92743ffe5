"""The whole table on toy prompts with a tiny encoder: every row, nothing learned from gold labels, clear refusals."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from classifier.bundle import read_manifest
from classifier.home import Home
from classifier.model import IntentClassifier
from tests.conftest import run_command, write_rows
from training.ablation import Ablation, AblationConfig, ablate, our_answers
from training.ablation_table import command, markdown
from training.baselines import Prompts
from training.config import TrainConfig
from training.errors import DatasetError
from training.pipeline import train_bundle
from training.progress import Bars

CLASSES = ("preview", "text_heavy", "complex_logic")
SHAPES = ("quick sketch of a {}", 'poster that says "{} TODAY"', "two {}s beside the bigger {}")
METHODS = (
    "majority", "keyword rule", "TF-IDF + logistic regression", "kNN on frozen embeddings",
    "utterance routing, 20 a route", "utterance routing, 100 a route", "frozen encoder + logistic regression",
    "surface features alone", "ours, features zeroed", "ours, features at their mean", "ours",
)  # fmt: skip
THINGS = [
    "lamp", "boat", "tree", "dog", "shoe", "clock", "apple", "bridge", "chair", "wolf",
    "piano", "tent", "kite", "bell", "drum", "fox", "cart", "gate", "rope", "leaf",
]  # fmt: skip


@dataclass(frozen=True)
class Toy:
    """A trained toy bundle with its files: gold by a label's place, turned by 0, 1 or 2."""

    home: Home
    bundle: Path
    data: Path
    gold: dict[str, Path]
    encoder: str

    def config(self, **files: Path) -> AblationConfig:
        return AblationConfig(files, self.data, self.encoder, threads=1)

    def ablate(self, config: AblationConfig) -> Ablation:
        model, manifest = IntentClassifier.from_pretrained(self.bundle), read_manifest(self.bundle)
        with Bars(Console(file=io.StringIO())) as progress:
            return ablate(config, model, manifest, self.home, progress)


def _rows(things: list[str], turn: int = 0) -> list[dict[str, object]]:
    return [
        {
            "prompt": shape.format(thing, thing), "intent": CLASSES[(i + turn) % 3], "group": f"{thing}-{i}",
            "tags": ["contrast"], "origin": "written", "language": "en",
        }
        for thing in things
        for i, shape in enumerate(SHAPES)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def toy(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Toy:
    folder = tmp_path_factory.mktemp("toy")
    data = write_rows(folder / "prompts.jsonl", _rows(THINGS[:16]))
    gold = {f"turn{turn}": write_rows(folder / f"turn{turn}.jsonl", _rows(THINGS[16:], turn)) for turn in range(3)}
    (folder / "bundle").mkdir()
    config = TrainConfig(data, gold["turn0"], str(tiny_encoder), threads=1, fine_tuning=None)
    with Bars(Console(file=io.StringIO())) as progress:
        made = train_bundle(config, folder / "bundle", progress)
    return Toy(Home(folder / "home"), made.folder, data, gold, str(tiny_encoder))


@pytest.fixture(scope="module")
def result(toy: Toy) -> Ablation:
    return toy.ablate(toy.config(**toy.gold))


def test_gold_labels_are_never_seen(result: Ablation) -> None:
    """The same prompts under each of three labellings: an answer fits exactly one, unless it knew the label."""
    for method in METHODS:
        strict = [scores.methods[method].strict.value for scores in result.gold.values()]
        assert sum(strict) == pytest.approx(1)


def test_the_learners_learn(result: Ablation) -> None:
    """What words, features and the classifier itself can tell apart is told apart; the majority is a third."""
    strict = {method: score.strict.value for method, score in result.gold["turn0"].methods.items()}
    assert strict["majority"] == pytest.approx(1 / 3)
    assert min(strict[name] for name in ("TF-IDF + logistic regression", "surface features alone", "ours")) > 0.9


def test_it_says_what_it_was_made_of(toy: Toy, result: Ablation, tmp_path: Path) -> None:
    """Bundle, fingerprint and digest are the bundle's own; other training rows and repeated prompts are told."""
    manifest = read_manifest(toy.bundle)
    assert result.same_data
    assert result.data.digest == manifest.data["fingerprint"]
    assert result.gold["turn0"].source.digest == manifest.data["test_digest"]
    assert (result.gold["turn0"].source.rows, result.gold["turn0"].source.trained_on) == (12, 0)
    shouted = [row | {"prompt": str(row["prompt"]).upper()} for row in _rows(THINGS[:4])]
    fewer = AblationConfig(
        {"leaky": write_rows(tmp_path / "leaky.jsonl", shouted)},
        write_rows(tmp_path / "fewer.jsonl", _rows(THINGS[:8])), toy.encoder, threads=1,
    )  # fmt: skip
    other = toy.ablate(fewer)
    assert not other.same_data
    assert other.gold["leaky"].source.trained_on == 12
    assert "trained on others" in markdown(other, fewer, None, None, "x.md")


def test_our_blind_forms_read_the_embedding_only(toy: Toy) -> None:
    """A blind form answers as the whole does when every feature reads zero, or its training mean."""
    model = IntentClassifier.from_pretrained(toy.bundle)
    texts = [shape.format(thing, thing) for thing in THINGS for shape in SHAPES]
    trained = Prompts(texts, np.zeros((60, 32), dtype=np.float32), model.features.transform(texts))
    answers = our_answers(model, texts, trained)
    assert (answers["ours"][0] == model.predict_proba(texts).argmax(axis=1)).all()
    inputs, head, dim = model.inputs(texts), model.head, 32
    for name, values in (("ours, features zeroed", 0), ("ours, features at their mean", trained.features.mean(axis=0))):
        inputs[:, dim:] = values
        assert (answers[name][0] == head.predict_proba(inputs).argmax(axis=1)).all()


def test_the_page_has_every_row_and_repeats_itself(toy: Toy, result: Ablation) -> None:
    """Each method is described once and has a row on each gold file, with seven figures and their intervals."""
    page = markdown(result, toy.config(**toy.gold), str(toy.bundle), "2026-11-22", "docs/ablation.md")
    for method in METHODS:
        shown = f"**{method}**" if method == "ours" else method
        rows = [line for line in page.splitlines() if line.startswith(f"| {shown} |")]
        assert len(rows) == 3
        assert {len(re.findall(r"[+-]?\d\.\d{3} \[[+-]?\d\.\d{3}, [+-]?\d\.\d{3}\]", row)) for row in rows} == {
            6 if method == "ours" else 7
        }
        assert page.count(f"- **{method}** — ") == 1
    assert len(re.findall(r"^\| tag:contrast \| 12 \|", page, re.MULTILINE)) == 3
    assert "- Date: 2026-11-22\n" in page
    assert result.bundle in page
    assert result.data.digest in page
    assert str(toy.bundle.parent) not in page


def test_the_command_to_repeat_it_names_only_what_differs() -> None:
    """Defaults stay away, files elsewhere go by their bare names, and odd names are quoted."""
    gold = {"test": Path("data/test.jsonl"), "dev": Path("../elsewhere/my dev.jsonl")}
    assert command(AblationConfig(gold), None, "2026-11-22", "docs/ablation.md") == (
        "prompt-intent ablation --gold test=data/test.jsonl --gold 'dev=my dev.jsonl' --date 2026-11-22 "
        "--output docs/ablation.md"
    )
    other = AblationConfig({"a": Path("a.jsonl")}, Path("b.jsonl"), "some/encoder", seed=3)
    assert command(other, "models:/prompt-intent/3", None, "/tmp/x.md") == (
        "prompt-intent ablation --gold a=a.jsonl --data b.jsonl --model models:/prompt-intent/3 "
        "--encoder some/encoder --seed 3 --output x.md"
    )


def test_too_little_data_is_refused(toy: Toy, tmp_path: Path) -> None:
    """A class that cannot be cross-validated is an error with its name."""
    few = write_rows(tmp_path / "few.jsonl", _rows(THINGS[:4]))
    with pytest.raises(DatasetError, match="preview has 4 groups"):
        toy.ablate(AblationConfig({"a": toy.gold["turn0"]}, few, toy.encoder, threads=1))


def test_the_command_writes_the_page_and_prints_json(toy: Toy, tmp_path: Path) -> None:
    """`prompt-intent ablation` gives the table as a file and as JSON, on the gold files it was named."""
    page = tmp_path / "ablation.md"
    done = run_command(
        "ablation", "--gold", f"toy={toy.gold['turn0']}", "--data", str(toy.data), "--model", str(toy.bundle),
        "--encoder", toy.encoder, "--threads", "1", "--date", "2026-11-22", "--output", str(page), "--json",
        home=toy.home.root,
    )  # fmt: skip
    assert done.code == 0, done.err
    row = json.loads(done.out)
    assert [method["name"] for method in row["methods"]] == list(row["gold"]["toy"]["methods"]) == list(METHODS)
    assert row["date"] == "2026-11-22"
    assert row["gold"]["toy"]["methods"]["ours"]["against_ours"] == {"value": 0, "low": 0, "high": 0}
    assert page.read_text("utf-8").count("\n| ") > len(METHODS)


@pytest.mark.parametrize(
    ("gold", "complaint"),
    [
        (["test=absent.jsonl"], "absent.jsonl: no such file"),
        (["absent.jsonl"], "is no NAME=FILE"),
        (["a=data/test.jsonl", "a=data/test.jsonl"], "given twice"),
    ],
)
def test_unusable_gold_is_wrong_usage(gold: list[str], complaint: str, tmp_path: Path) -> None:
    """A gold file that is not there, has no name or shares one is refused before anything is loaded."""
    done = run_command("ablation", *(word for pair in gold for word in ("--gold", pair)), home=tmp_path)
    assert done.code == 2
    assert complaint in " ".join(done.err.replace("│", " ").split())
