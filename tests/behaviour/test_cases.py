"""The cases themselves: enough of every kind, nothing that one answer passes, nothing that training has seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from classifier import DEFAULT_INTENTS, Prediction
from tests.behaviour.capability import Direction, Invariance, Minimum, judge, load_cases
from tests.conftest import ROOT
from training.checked_row import CheckedRow, checked_rows
from training.dataset import LabeledPrompt, load_prompts
from training.near_duplicates import similar_between

CASES = load_cases()
ALL_CASES = [case for cases in CASES.values() for case in cases]
# "an apple" may stand in any collection of prompts, and says nothing about the edit that follows.
BARE_WORDS = 3


@dataclass(frozen=True)
class Answering:
    """A classifier by table: prompt to the probability of each class, the last entry for any other prompt."""

    known: dict[str, tuple[float, float, float]]

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """The table's answers."""
        return [self._prediction(text) for text in texts]

    def _prediction(self, text: str) -> Prediction:
        shares = dict(zip(DEFAULT_INTENTS, self.known.get(text, self.known[""]), strict=True))
        top = max(shares, key=lambda label: shares[label])
        return Prediction(top, shares[top], shares, abstained=False, ood=0.0)


def _always(intent: str) -> Answering:
    return Answering({"": tuple(0.8 if label == intent else 0.1 for label in DEFAULT_INTENTS)})  # type: ignore[dict-item]


@pytest.mark.parametrize("capability", CASES)
def test_there_are_enough_cases_of_every_kind(capability: str) -> None:
    """At least 24 cases a capability, at least five of each kind, no prompt of a minimum twice."""
    kinds = Counter(type(case) for case in CASES[capability])
    assert sum(kinds.values()) >= 24
    assert min(kinds[kind] for kind in (Minimum, Invariance, Direction)) >= 5


def test_there_are_enough_capabilities() -> None:
    """Twelve or more, 320 cases together, and no case twice."""
    assert len(CASES) >= 12
    assert len(ALL_CASES) >= 320
    assert len({case.prompts for case in ALL_CASES}) == len(ALL_CASES)


@pytest.mark.parametrize("intent", DEFAULT_INTENTS)
def test_one_answer_for_everything_is_not_enough(intent: str) -> None:
    """A constant answer passes all invariances, and still no more than two thirds of any capability."""
    passed = {outcome.capability: outcome.rate for outcome in judge(_always(intent), CASES)}
    assert {capability: rate for capability, rate in passed.items() if rate > 2 / 3} == {}


@pytest.mark.parametrize("file", ["prompts.jsonl", "test.jsonl"])
def test_no_case_was_trained_on(file: str) -> None:
    """No prompt of a case is, or nearly is, one of the data's: it would prove memory, not behaviour."""
    cases, rows = _rows_of_cases(), checked_rows(load_prompts(ROOT / "data" / file))
    texts = {row.text for row in rows}
    assert [case.text for case in cases if case.text in texts] == []
    assert sorted({pair.left.text for pair in similar_between(cases, rows)}) == []


def _rows_of_cases() -> list[CheckedRow]:
    prompts = sorted({prompt for case in ALL_CASES for prompt in case.prompts if len(prompt.split()) > BARE_WORDS})
    return checked_rows([LabeledPrompt(prompt, "preview", None, prompt, (), "tests", "en") for prompt in prompts])


@pytest.mark.parametrize(
    ("case", "fault"),
    [
        (Minimum("x", "preview"), None),
        (Minimum("x", "text_heavy"), "MFT 'x': is preview at 0.60, not text_heavy"),
        (Invariance(("x", "y")), None),
        (Invariance(("x", "y", "z")), "INV 'x' is preview at 0.60, but 'z' is complex_logic at 0.70"),
        (Direction("x", "z", "complex_logic"), None),
        (Direction("x", "z", "preview"), "DIR 'x' to 'z': preview falls from 0.600 to 0.200"),
        (Direction("x", "x2", "preview"), "DIR 'x' to 'x2': preview falls from 0.600 to 0.600"),
    ],
)
def test_each_kind_of_case_passes_and_fails(case: Minimum | Invariance | Direction, fault: str | None) -> None:
    """The label, the same label, more of a class; a fault says what was answered instead."""
    answers = Answering({"": (0.6, 0.2, 0.2), "y": (0.5, 0.4, 0.1), "z": (0.2, 0.1, 0.7)})
    outcome = judge(answers, {"one": [case]})[0]
    assert outcome.faults == (() if fault is None else (fault,))
    assert outcome.rate == (fault is None)


@pytest.mark.parametrize(
    "row",
    [
        '{"type": "MFT", "prompt": "a", "intent": "other"}',
        '{"type": "MFT", "prompt": "a"}',
        '{"type": "INV", "prompts": ["a"]}',
        '{"type": "DIR", "prompt": "a", "edited": "b", "rises": "preview", "more": 1}',
        '{"type": "XYZ"}',
        "[]",
        "",
    ],
)
def test_a_row_that_is_no_case_names_its_place(tmp_path: Path, row: str) -> None:
    """An unknown type, intent or field is an error with file and line, not a case that passes."""
    (tmp_path / "one.jsonl").write_text('{"type": "MFT", "prompt": "a", "intent": "preview"}\n' + row + "\n")
    with pytest.raises(ValueError, match=r"one\.jsonl:2"):
        load_cases(tmp_path)
