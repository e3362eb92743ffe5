"""Labelled prompts: reading them from JSONL, proving their schema, and naming their content.

`data/prompts.jsonl` and `data/test.jsonl` hold one `LabeledPrompt` a line.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from classifier.intents import DEFAULT_INTENTS
from training.errors import DatasetError
from training.row_schema import RowProblem, row_problems

_PROBLEMS_SHOWN = 20


@dataclass(frozen=True)
class LabeledPrompt:
    """One training row. `second` is the other label a careful reader could give; rows of one `group` never part."""

    prompt: str
    intent: str
    second: str | None
    group: str
    tags: tuple[str, ...]
    origin: str
    language: str


@dataclass(frozen=True)
class PromptFile:
    """What a file held: the good rows, the 1-based line of each, and the problems of the others."""

    path: Path
    rows: tuple[LabeledPrompt, ...]
    lines: tuple[int, ...]
    problems: tuple[RowProblem, ...]

    def located(self, problem: RowProblem) -> str:
        """The problem as `file:line: field: what is wrong and what to do`."""
        return f"{self.path}:{problem.line}: {problem.field}: {problem.message}"


def load_prompts(path: str | Path, classes: Sequence[str] = DEFAULT_INTENTS) -> list[LabeledPrompt]:
    """The rows of a JSONL file in file order; blank lines are skipped.

    Raises:
        DatasetError: the file cannot be read, holds no row, or breaks the schema. Every problem is looked for; the
            message gives the first twenty as `file:line: field: what is wrong and what to do` and counts the rest.
    """
    file = read_prompts(path, classes)
    if file.problems:
        raise DatasetError(_listing([file.located(problem) for problem in file.problems]))
    if not file.rows:
        raise DatasetError(f"{file.path}: holds no rows: name a file with one labelled prompt a line")
    return list(file.rows)


def read_prompts(path: str | Path, classes: Sequence[str] = DEFAULT_INTENTS) -> PromptFile:
    """All of a JSONL file, problems included; blank lines are skipped.

    Raises:
        DatasetError: the file cannot be read.
    """
    path = Path(path)
    rows: list[LabeledPrompt] = []
    lines: list[int] = []
    problems: list[RowProblem] = []
    for line, content in _lines(path):
        row, found = _parse(line, content, classes)
        problems += found
        if row is not None:
            rows.append(row)
            lines.append(line)
    return PromptFile(path, tuple(rows), tuple(lines), tuple(problems))


def require_classes(rows: Iterable[LabeledPrompt], path: Path, classes: Sequence[str] = DEFAULT_INTENTS) -> None:
    """Refuse rows from which a class cannot be learned, before anything is.

    Raises:
        DatasetError: a class has no row.
    """
    missing = sorted(set(classes) - {row.intent for row in rows})
    if missing:
        raise DatasetError(f"{path}: no prompt is labelled {' or '.join(missing)}: write some to learn it from")


def fingerprint(rows: Iterable[LabeledPrompt]) -> str:
    """The SHA-256 (hex) of the rows' content.

    Each row becomes canonical JSON (sorted keys, no whitespace, ASCII escapes, an absent `second` as null), the rows
    are sorted and joined by newlines. The order of the rows, the order of the keys and the whitespace between them do
    not matter; every character of every field does, and so does how often a row occurs.
    """
    canonical = sorted(json.dumps(asdict(row), sort_keys=True, separators=(",", ":")) for row in rows)
    return hashlib.sha256("\n".join(canonical).encode("ascii")).hexdigest()


def _lines(path: Path) -> list[tuple[int, bytes]]:
    """Numbered lines that are not blank. Split at newlines only: U+2028 and its kin are legal inside JSON strings."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}): check the path") from error
    return [(number, line) for number, line in enumerate(content.split(b"\n"), start=1) if line.strip()]


def _parse(line: int, content: bytes, classes: Sequence[str]) -> tuple[LabeledPrompt | None, list[RowProblem]]:
    try:
        record = json.loads(content.decode("utf-8"), object_pairs_hook=_record)
    except UnicodeDecodeError as error:
        return None, [RowProblem(line, "json", f"not UTF-8 at byte {error.start + 1}: save the file as UTF-8")]
    except json.JSONDecodeError as error:
        return None, [RowProblem(line, "json", f"invalid at column {error.colno} ({error.msg}): one object a line")]
    except (ValueError, RecursionError) as error:
        return None, [RowProblem(line, "json", f"unreadable ({error}): one flat object a line")]
    if not isinstance(record, dict):
        return None, [RowProblem(line, "json", 'not an object: write {"prompt": "...", "intent": "...", ...}')]
    problems = row_problems(line, record, classes)
    return (None, problems) if problems else (_row(record), [])


def _record(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object whose keys are all different: of two values under one key, JSON would silently keep the last."""
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"repeated keys: {', '.join(repeated)}")
    return record


def _row(record: dict[str, object]) -> LabeledPrompt:
    """The row of a record that `row_problems` found nothing wrong with."""
    tags = record["tags"]
    second = record.get("second")
    return LabeledPrompt(
        prompt=str(record["prompt"]),
        intent=str(record["intent"]),
        second=None if second is None else str(second),
        group=str(record["group"]),
        tags=tuple(map(str, tags)) if isinstance(tags, list) else (),
        origin=str(record["origin"]),
        language=str(record["language"]),
    )


def _listing(problems: Sequence[str]) -> str:
    shown = list(problems[:_PROBLEMS_SHOWN])
    if rest := len(problems) - len(shown):
        shown.append(f"and {rest} more problem{'s' if rest > 1 else ''}")
    return "\n".join(shown)
