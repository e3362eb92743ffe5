"""Behavioural cases of one capability, and what a classifier makes of them (CheckList, Ribeiro et al. 2020).

A case asks for something that holds whatever the figures on a test set are: a label (MFT), the same label for a prompt
and its variants (INV), or more of a class after an edit (DIR).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from classifier import DEFAULT_INTENTS, Prediction

FOLDER = Path(__file__).parent / "cases"


class Predicts(Protocol):
    """The part of `IntentClassifier` that the cases need."""

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """One prediction a text, in order."""


Answers = Mapping[str, Prediction]
"""Prompt to prediction, for every prompt of the cases at hand."""


@dataclass(frozen=True, slots=True)
class Minimum:
    """MFT: `prompt` is so plain a case that only `intent` will do."""

    prompt: str
    intent: str

    @property
    def prompts(self) -> tuple[str, ...]:
        """All prompts of the case."""
        return (self.prompt,)

    def fault(self, answers: Answers) -> str | None:
        """What is wrong, or None."""
        said = answers[self.prompt]
        return None if said.intent == self.intent else f"MFT {self.prompt!r}: {_told(said)}, not {self.intent}"


@dataclass(frozen=True, slots=True)
class Invariance:
    """INV: every variant keeps the label of the first prompt, whatever it is."""

    prompts: tuple[str, ...]

    def fault(self, answers: Answers) -> str | None:
        """What is wrong, or None."""
        first, *others = self.prompts
        label = answers[first].intent
        moved = [f"{other!r} {_told(answers[other])}" for other in others if answers[other].intent != label]
        return f"INV {first!r} {_told(answers[first])}, but {'; '.join(moved)}" if moved else None


@dataclass(frozen=True, slots=True)
class Direction:
    """DIR: the edit makes the class `rises` more probable."""

    prompt: str
    edited: str
    rises: str

    @property
    def prompts(self) -> tuple[str, ...]:
        """All prompts of the case."""
        return (self.prompt, self.edited)

    def fault(self, answers: Answers) -> str | None:
        """What is wrong, or None."""
        before, after = (answers[prompt].probabilities[self.rises] for prompt in self.prompts)
        if after > before:
            return None
        return f"DIR {self.prompt!r} to {self.edited!r}: {self.rises} falls from {before:.3f} to {after:.3f}"


Case = Minimum | Invariance | Direction


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a classifier did on one capability: the cases, and one line for each that failed."""

    capability: str
    cases: int
    faults: tuple[str, ...]

    @property
    def rate(self) -> float:
        """Share of cases that pass, in [0, 1]."""
        return 1 - len(self.faults) / self.cases


def load_cases(folder: Path = FOLDER) -> dict[str, tuple[Case, ...]]:
    """Capability to cases: each `cases/<capability>.jsonl`.

    Raises:
        ValueError: a row has another type, other fields or an unknown intent; names the place.
    """
    return {
        path.stem: tuple(
            _case(line, f"{path.name}:{n}") for n, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        )
        for path in sorted(folder.glob("*.jsonl"))
    }


def judge(classifier: Predicts, capabilities: Mapping[str, Iterable[Case]]) -> list[Outcome]:
    """One outcome a capability; every prompt is classified once."""
    cases = {name: tuple(rows) for name, rows in capabilities.items()}
    prompts = sorted({prompt for rows in cases.values() for case in rows for prompt in case.prompts})
    answers = dict(zip(prompts, classifier.predict(prompts), strict=True))
    return [
        Outcome(name, len(rows), tuple(fault for case in rows if (fault := case.fault(answers)) is not None))
        for name, rows in cases.items()
    ]


def _case(line: str, where: str) -> Case:
    try:
        row: dict[str, Any] = json.loads(line)
        return _KINDS[row.pop("type")](row)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{where}: no case: {error!r}") from error


def _minimum(row: dict[str, Any]) -> Minimum:
    case = Minimum(**row)
    _known(case.intent)
    return case


def _invariance(row: dict[str, Any]) -> Invariance:
    case = Invariance(tuple(row.pop("prompts")), **row)
    if len(case.prompts) < 2:
        raise ValueError("an invariance needs a prompt and a variant")
    return case


def _direction(row: dict[str, Any]) -> Direction:
    case = Direction(**row)
    _known(case.rises)
    return case


_KINDS: dict[str, Callable[[dict[str, Any]], Case]] = {"MFT": _minimum, "INV": _invariance, "DIR": _direction}


def _known(intent: str) -> None:
    if intent not in DEFAULT_INTENTS:
        raise ValueError(f"{intent!r} is no intent")


def _told(said: Prediction) -> str:
    return f"is {said.intent} at {said.confidence:.2f}"
