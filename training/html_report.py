"""One self-contained HTML page about one classifier on one gold set: no script, no network, readable on a phone.

The page's words and shapes are in `templates/`; this module gathers what they show. Every text is escaped by Jinja, and
the page forbids itself to load anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.bundle import Manifest
from training.bootstrap import DRAWS, Interval
from training.data_card import DataCard, gold_card, training_card
from training.dataset import LabeledPrompt
from training.errors import ReportError
from training.evaluation import Evaluation, hits
from training.gold import Gold
from training.provenance import Provenance
from training.report import telling_slices
from training.rivals import Rival, rivals

_TEMPLATES = Path(__file__).parent / "templates"
_ERRORS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about.

    Attributes:
        probabilities: float32 of shape (len(gold), k), the bundle's for each gold row.
        training: the training file and its rows, where they are at hand.
        further: other methods, measured elsewhere on the same gold rows.
    """

    bundle: str
    manifest: Manifest
    gold_path: str
    gold: Sequence[Gold]
    probabilities: NDArray[np.float32]
    result: Evaluation
    provenance: Provenance
    training: tuple[str, Sequence[LabeledPrompt]] | None = None
    further: Sequence[Rival] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table of figures; `top` is the right end of its scale, `band` shades a part of it."""

    name: str
    note: str
    value: float
    interval: Interval | None
    n: str
    style: str = "share"
    top: float = 1.0
    band: Interval | None = None


@dataclass(frozen=True, slots=True)
class Mistake:
    """A wrong answer; `accepted` where it is the row's second label."""

    prompt: str
    gold: str
    second: str | None
    said: str
    confidence: float
    accepted: bool


def render(subject: Subject) -> str:
    """The page."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - only reports pay for it

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"pct": _percent, "pct_range": _percent_range, "num": _number, "num_range": _number_range}
    environment.filters["label"] = _breakable
    return environment.get_template("report.html.j2").render(_view(subject))


def write_report(page: str, path: Path) -> None:
    """Write the page, making its folder.

    Raises:
        ReportError: it cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Half of a surrogate pair is legal in JSON and in no UTF-8 file.
        path.write_bytes(page.encode("utf-8", "xmlcharrefreplace"))
    except OSError as error:
        raise ReportError(f"{path}: the report cannot be written: {error.strerror}") from error


def mistakes(
    gold: Sequence[Gold], probabilities: NDArray[np.float32], classes: Sequence[str], shown: int = _ERRORS_SHOWN
) -> list[Mistake]:
    """The strictly wrong answers of the highest confidence, surest first."""
    strict, lenient = hits(gold, probabilities, classes)
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    wrong = [i for i in order.tolist() if not strict[i]][:shown]
    return [
        Mistake(
            gold[i].prompt, gold[i].intent, gold[i].second, classes[int(probabilities[i].argmax())],
            float(probabilities[i].max()), bool(lenient[i]),
        )
        for i in wrong
    ]  # fmt: skip


def _view(subject: Subject) -> dict[str, Any]:
    result, classes = subject.result, subject.result.classes
    strict, _ = hits(subject.gold, subject.probabilities, classes)
    return {
        "subject": subject,
        "result": result,
        "manifest": subject.manifest,
        "provenance": subject.provenance,
        "figures": _figures(result),
        "slices": telling_slices(result),
        "mistakes": mistakes(subject.gold, subject.probabilities, classes),
        "wrong": int((~strict).sum()),
        "rivals": rivals(subject.gold, classes, strict),
        "cards": _cards(subject),
        "risk": [point for point in result.risk_coverage if point.coverage * result.n >= 20],
        "draws": DRAWS,
    }


def _cards(subject: Subject) -> list[DataCard]:
    cards = [gold_card(subject.gold_path, subject.gold, subject.result.classes)]
    if subject.training is not None:
        cards.append(training_card(*subject.training, subject.result.classes))
    return cards


def _figures(result: Evaluation) -> list[Line]:
    worst, sure, n = result.labels[result.worst_class], result.intervals, str(result.n)
    lines = [
        Line("Strict accuracy", "the label itself", result.strict, sure["strict"], n),
        Line("Lenient accuracy", "the label or the other acceptable one", result.lenient, sure["lenient"], n),
        Line("Macro-F1", "mean over the classes", result.macro_f1, sure["macro_f1"], n, "number"),
        Line("Worst class recall", result.worst_class, worst.recall, worst.recall_95, str(worst.n)),
    ]
    if (part := result.rule_wrong) is not None:
        note = "strict, on the rows that the rule fails"
        lines.append(Line("Where the keyword rule is wrong", note, part.strict, part.strict_95, str(part.n)))
    if result.pairs:
        pairs = result.pairs["all"]
        note = "smallest edits that change the label"
        line = Line("Contrast pairs, both right", note, pairs.both_right, pairs.both_right_95, f"{pairs.n} pairs")
        lines.append(line)
    return lines + _selective_lines(result) + _calibration_lines(result)


def _selective_lines(result: Evaluation) -> list[Line]:
    sure, n = result.intervals, str(result.n)
    answered = str(round(result.answered * result.n))
    note = f"confidence at or above {result.threshold:.4f}"
    return [
        Line("Coverage at 97 % lenient", "surest first, the rest unanswered", result.coverage_at_97,
             sure["coverage_at_97"], n),
        Line("Answered", note, result.answered, sure["answered"], n),
        Line("Lenient accuracy of the answered", "the others abstain", result.answered_lenient,
             sure["answered_lenient"], answered),
    ]  # fmt: skip


def _calibration_lines(result: Evaluation) -> list[Line]:
    calibration, n = result.calibration, str(result.n)
    verdict = "inside" if calibration.inside else "above"
    top = max(0.1, 1.25 * max(calibration.ece, calibration.band[1]))
    note = f"{verdict} the 95 % band of a perfectly calibrated model"
    return [
        Line("Calibration error (ECE)", note, calibration.ece, None, n, "number", top, calibration.band),
        Line("Calibration slope", "1 is calibrated, below is over-confident", calibration.slope, calibration.slope_95,
             n, "number", 2.0),
        Line("Brier score", "squared error over the classes, 0 is best", result.brier, result.intervals["brier"], n,
             "number", 2.0),
    ]  # fmt: skip


def _breakable(name: str) -> Any:
    """A name that a narrow column may break after an underscore."""
    from markupsafe import Markup, escape  # noqa: PLC0415

    return Markup("_<wbr>").join(escape(part) for part in name.split("_"))


def _percent(value: float) -> str:
    return f"{100 * value:.1f}\u00a0%"


def _percent_range(interval: Interval) -> str:
    return f"{100 * interval[0]:.1f}–{100 * interval[1]:.1f}"  # noqa: RUF001 - a range has an en dash


def _number(value: float) -> str:
    return f"{value:.3f}"


def _number_range(interval: Interval) -> str:
    return f"{interval[0]:.3f}–{interval[1]:.3f}"  # noqa: RUF001
