"""Is a prompt file fit to train or to measure on? Every check in one pure call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from classifier.intents import DEFAULT_INTENTS
from training.checked_row import checked_rows
from training.data_report import Finding, Report, Summary, summarise
from training.dataset import LabeledPrompt
from training.duplicates import leaks, repeated_prompts, reworded_prompts
from training.regularity import regular_openings, regular_skeletons

# A class is thin below this part of an even share: of three classes, below 20 %.
THIN_CLASS = 0.6


def check(
    rows: Sequence[LabeledPrompt],
    against: Sequence[LabeledPrompt] | None = None,
    *,
    lines: Sequence[int] | None = None,
    against_lines: Sequence[int] | None = None,
    classes: Sequence[str] = DEFAULT_INTENTS,
) -> Report:
    """What is wrong with `rows` themselves, and what of them is also in `against`.

    Args:
        rows: the rows of one file.
        against: the rows that none of `rows` may repeat, such as the frozen test set.
        lines: the line of each row in its file; positions from 1 if not given.
        against_lines: the same for `against`.
        classes: the labels whose balance is looked at.

    Returns:
        A report whose findings have severity "error" (the check fails) or "warning" (to be looked at).
    """
    summary = summarise(rows, classes)
    numbered = checked_rows(rows, lines)
    findings = [*_no_rows(summary), *repeated_prompts(numbered), *reworded_prompts(numbered)]
    if against is not None:
        findings += leaks(numbered, checked_rows(against, against_lines))
    findings += [*regular_openings(numbered), *regular_skeletons(numbered), *_thin_classes(summary)]
    return Report(tuple(findings), summary)


def _no_rows(summary: Summary) -> Iterator[Finding]:
    if not summary.rows:
        yield Finding("empty", "there are no rows: nothing can be trained or measured on this file", ())


def _thin_classes(summary: Summary) -> Iterator[Finding]:
    if not summary.rows:
        return
    floor = THIN_CLASS / len(summary.classes)
    for name, count in summary.classes.items():
        if count / summary.rows < floor:
            message = f"{name} has {count} of {summary.rows} rows, less than {floor:.0%}: add rows of this class"
            yield Finding("class_balance", message, (), "warning")
