"""Robustness of classifiers whose every flip can be counted by hand, and the command that prints it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.conftest import TrainedHome, run_command, write_rows
from training.gadgets import GADGETS
from training.gold import Gold
from training.perturbations import PERTURBATIONS
from training.robustness import measure, workload

PREVIEW, TEXT, COMPLEX = (0.8, 0.1, 0.1), (0.1, 0.8, 0.1), (0.1, 0.1, 0.8)
TIMID = (0.4, 0.3, 0.3)


class Reading:
    """A classifier by substrings: the first that a prompt has decides, the last entry ("") always does."""

    classes_ = ("preview", "text_heavy", "complex_logic")

    def __init__(self, *rules: tuple[str, tuple[float, float, float]]) -> None:
        self.threshold = 0.5
        self.rules = rules
        self.asked: list[str] = []

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row a text."""
        self.asked += texts
        rows = [next(row for part, row in self.rules if part in text) for text in texts]
        return np.array(rows, dtype=np.float32)


def _gold(*prompts: str, intent: str = "preview") -> list[Gold]:
    return [Gold(prompt, intent, None, (), prompt) for prompt in prompts]


PROMPTS = _gold("a red lamp", "a bowl of soup", "an old oak", "a grey cat --v 5")


def test_a_constant_classifier_never_flips() -> None:
    """Nothing flips and nothing is pushed; the intervals still say how few prompts that was."""
    result = measure(Reading(("", PREVIEW)), PROMPTS)
    assert list(result.flips.by_perturbation) == list(PERTURBATIONS)
    assert result.flips.mean.value == 0
    assert result.flips.mean.interval[0] == 0
    assert result.flips.mean.interval[1] > 0.3
    assert result.pushes is not None
    assert (result.pushes.mean.value, result.pushes.some.value, result.pushes.unsure.value) == (0, 0, 0)


def test_flips_are_counted_where_the_edit_applies() -> None:
    """What reads flags as relations flips on all that had none, and the mean is over the five."""
    flips = measure(Reading(("--ar", COMPLEX), ("", PREVIEW)), PROMPTS).flips
    assert (flips.by_perturbation["flags"].value, flips.by_perturbation["flags"].n) == (1, 3)
    assert flips.worst == "flags"
    assert flips.mean.value == pytest.approx(1 / 5)
    assert {name for name, share in flips.by_perturbation.items() if share.value == 0} == set(PERTURBATIONS) - {"flags"}


def test_a_prompt_counts_by_the_mean_of_its_variants() -> None:
    """Of three cases, one flips: the prompt counts a third."""
    reading = Reading(("LAMP", TEXT), ("", PREVIEW))
    assert measure(reading, _gold("a red lamp"), draws=40).flips.by_perturbation["case"].value == pytest.approx(1 / 2)
    assert measure(reading, _gold("a Red lamp"), draws=40).flips.by_perturbation["case"].value == pytest.approx(1 / 3)


def test_what_never_applies_is_left_out() -> None:
    """Without a word of four letters there is no typo, and none in the mean."""
    flips = measure(Reading(("--ar", COMPLEX), ("", PREVIEW)), _gold("a cat")).flips
    assert "typo" not in flips.by_perturbation
    assert flips.mean.value == pytest.approx(1 / 4)


def test_pushes_are_counted_on_previews_that_are_seen_as_such() -> None:
    """Neither another gold label nor another predicted one is a preview that could be pushed."""
    rows = [*PROMPTS, *_gold("a stop sign"), *_gold("two oxen pull a tram", intent="complex_logic")]
    reading = Reading(("stop", TEXT), ("text_heavy", TEXT), ("oak", PREVIEW), ("complex_logic", COMPLEX), ("", PREVIEW))
    result = measure(reading, rows)
    assert result.pushes is not None
    words = [(gadget.before + gadget.after).replace("stop", "") for gadget in GADGETS]
    loud = sum("text_heavy" in word for word in words)
    quiet = sum("text_heavy" not in word and "complex_logic" in word for word in words)
    assert result.pushes.mean.value == pytest.approx((4 * loud + 3 * quiet) / (4 * len(GADGETS)))
    assert result.pushes.by_gadget["other label thrice"].value == 1
    assert result.pushes.by_gadget["label twice"].value == pytest.approx(3 / 4)
    assert result.pushes.by_gadget[result.pushes.worst].value == 1
    assert (result.pushes.some.value, result.pushes.some.n) == (1, 4)


def test_previews_made_to_abstain_are_told_apart() -> None:
    """A gadget that only shakes the confidence sends the prompt to the default model, and is no push."""
    result = measure(Reading(("complex_logic", TIMID), ("soup", TIMID), ("", PREVIEW)), PROMPTS)
    assert result.pushes is not None
    assert result.pushes.mean.value == 0
    shaken = sum("complex_logic" in gadget.around("x") for gadget in GADGETS)
    assert result.pushes.unsure.value == pytest.approx(shaken / len(GADGETS))
    assert result.pushes.unsure.n == 3


def test_without_previews_there_is_nothing_to_push() -> None:
    """Flips are measured all the same."""
    result = measure(Reading(("", PREVIEW)), _gold("two oxen pull a tram", intent="complex_logic"))
    assert result.pushes is None
    assert result.to_json()["pushes"] is None


def test_the_order_of_prompts_changes_nothing() -> None:
    """Variants hang on the prompt and the seed, so a shuffled file gives the same shares."""
    reading = Reading(("8k", COMPLEX), ("lmap", TEXT), ("thank", TEXT), ("", PREVIEW))
    forward, backward = measure(reading, PROMPTS), measure(reading, PROMPTS[::-1])
    assert {k: v.value for k, v in forward.flips.by_perturbation.items()} == {
        k: v.value for k, v in backward.flips.by_perturbation.items()
    }


def test_progress_is_told_of_every_prompt() -> None:
    """What is advanced is what was asked, and no more than was announced."""
    reading = Reading(("", PREVIEW))
    steps: list[int] = []
    measure(reading, PROMPTS, draws=2, advance=steps.append)
    assert sum(steps) == len(reading.asked) <= workload(PROMPTS, draws=2)


def _gold_file(path: Path) -> Path:
    rows = [
        {"prompt": "a wicker chair on a porch", "intent": "preview"},
        {"prompt": 'a neon sign that says "OPEN"', "intent": "text_heavy"},
        {"prompt": "three cranes pass a crate to each other while a fourth sleeps", "intent": "complex_logic"},
    ]
    return write_rows(path, rows)


def test_the_command_prints_both_tables(trained: TrainedHome, tmp_path: Path) -> None:
    """Flips by perturbation, pushes by gadget, each with its interval; exit code 0."""
    done = run_command("stress", "--gold", str(_gold_file(tmp_path / "gold.jsonl")), home=trained.home)
    assert done.code == 0, done.err
    assert all(name in done.out for name in (*PERTURBATIONS, "mean of the 5", "95 % interval", "3 prompts"))


def test_the_command_answers_in_json(trained: TrainedHome, tmp_path: Path) -> None:
    """The same figures for programs, of the bundle that is named."""
    gold = _gold_file(tmp_path / "gold.jsonl")
    done = run_command(
        "stress", "--gold", str(gold), "--model", str(trained.bundle), "--draws", "2", "--json", home=tmp_path
    )
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    assert (answer["prompts"], answer["bundle"]) == (3, trained.answer["bundle"])
    assert list(answer["flips"]["by_perturbation"]) == list(PERTURBATIONS)
    low, high = answer["flips"]["mean"]["interval"]
    assert low <= answer["flips"]["mean"]["value"] <= high


def test_the_command_refuses_an_unreadable_file(trained: TrainedHome, tmp_path: Path) -> None:
    """No gold, no figures: exit code 1 and the file's name."""
    done = run_command("stress", "--gold", str(tmp_path / "none.jsonl"), home=trained.home)
    assert done.code == 1
    assert "none.jsonl" in done.err
