"""What a terminal shows of an evaluation and of a comparison."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from training.bootstrap import Interval
from training.comparison import Change, counted
from training.evaluation import Evaluation
from training.slices import POOLS, SliceScore

_SLICES_SHOWN, _FEWEST_SHOWN = 10, 20
_CHANGES_SHOWN = 20
_PROMPT_WIDTH = 72
_ROOMY = 96
_COLOURS = {"worse": "red", "better": "green", "same": ""}


def print_evaluation(console: Console, title: str, result: Evaluation) -> None:
    """Per class, then the whole, then the slices from worst to best; every figure with its 95 % interval."""
    table = Table(title=Text(title), title_justify="left")
    for heading in ("class", "precision", "recall", "F1", "n"):
        table.add_column(heading, justify="left" if heading == "class" else "right")
    for label, score in result.labels.items():
        pairs = (
            (score.precision, score.precision_95),
            (score.recall, score.recall_95),
            (score.f1, score.f1_95),
        )
        table.add_row(label, *(_cell(console, value, interval) for value, interval in pairs), str(score.n))
    console.print(table)
    for line in _figure_lines(result):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    _print_slices(console, result)


def sure(value: float, interval: Interval) -> str:
    """A figure with its interval: `0.742 [0.713, 0.769]`."""
    return f"{value:.3f} [{interval[0]:.3f}, {interval[1]:.3f}]"


def print_changes(console: Console, changes: Sequence[Change]) -> None:
    """The first twenty prompts whose label changed, and how many there are."""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in counted(changes).items())
    console.print(f"the label of {len(changes)} prompts differs: {counts}", highlight=False)
    if not changes:
        return
    table = Table("", "prompt", "gold", "first", "second")
    for change in changes[:_CHANGES_SHOWN]:
        verdict = Text(change.verdict, style=_COLOURS[change.verdict])
        gold = change.gold + (f" ({change.second})" if change.second else "")
        table.add_row(verdict, Text(excerpt(change.prompt)), gold, change.ours, change.theirs)
    console.print(table)
    if len(changes) > _CHANGES_SHOWN:
        console.print(f"and {len(changes) - _CHANGES_SHOWN} more, all of them with --json", highlight=False)


def excerpt(prompt: str) -> str:
    """The start of a prompt on one line; what could steer a terminal becomes a space."""
    line = " ".join("".join(character if character.isprintable() else " " for character in prompt).split())
    return line if len(line) <= _PROMPT_WIDTH else line[: _PROMPT_WIDTH - 1] + "…"


def _figure_lines(result: Evaluation) -> list[str]:
    def shown(name: str) -> str:
        return sure(getattr(result, name), result.intervals[name])

    calibration = result.calibration
    low, high = calibration.band
    lines = [
        f"strict {shown('strict')}  lenient {shown('lenient')}  macro-F1 {shown('macro_f1')}",
        f"coverage at 97 % lenient {shown('coverage_at_97')}  "
        f"answered {shown('answered')}, lenient {shown('answered_lenient')} of these",
        f"ECE {result.ece:.3f}, {'inside' if calibration.inside else 'above'} the band of a perfectly calibrated model "
        f"[{low:.3f}, {high:.3f}]  calibration slope {sure(calibration.slope, calibration.slope_95)}",
    ]
    parts = []
    if result.rule_wrong:
        score = result.rule_wrong
        parts.append(f"where the keyword rule is wrong {sure(score.strict, score.strict_95)} (n={score.n})")
    if result.pairs:
        pairs = result.pairs["all"]
        parts.append(f"contrast pairs, both right {sure(pairs.both_right, pairs.both_right_95)} (n={pairs.n})")
    return lines + (["  ".join(parts)] if parts else []) + _language_lines(result)


def _language_lines(result: Evaluation) -> list[str]:
    pools = [(name, result.languages[name]) for name in POOLS if name in result.languages]
    return [
        f"{name}: strict {sure(score.strict, score.strict_95)}, {sure(score.relative, score.relative_95)} of English  "
        f"right or abstained {sure(score.safe, score.safe_95)} (n={score.n})"
        for name, score in pools
    ]


def _print_slices(console: Console, result: Evaluation) -> None:
    shown = telling_slices(result)
    if not shown:
        return
    table = Table(title="worst slices", title_justify="left")
    for heading in ("slice", "strict", "lenient", "n"):
        table.add_column(heading, justify="left" if heading == "slice" else "right")
    for name, score in list(shown.items())[:_SLICES_SHOWN]:
        shares = ((score.strict, score.strict_95), (score.lenient, score.lenient_95))
        table.add_row(Text(name), *(_cell(console, share, interval) for share, interval in shares), str(score.n))
    console.print(table)


def _cell(console: Console, value: float, interval: Interval) -> str:
    """A figure with its interval, under it where a line has no room for both."""
    shown = sure(value, interval)
    return shown if console.width >= _ROOMY else shown.replace(" [", "\n[")


def telling_slices(result: Evaluation) -> dict[str, SliceScore]:
    """The slices, worst first, that are large enough to say something and not the whole set."""
    return {name: score for name, score in result.slices.items() if _FEWEST_SHOWN <= score.n < result.n}
