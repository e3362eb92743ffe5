"""Gold rows, the measure of an evaluation: our data files, or JSONL with `prompt` and `intent` or `label`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.errors import DatasetError


@dataclass(frozen=True, slots=True)
class Gold:
    """One prompt with its label, the other acceptable label, the slices it counts in, and its group."""

    prompt: str
    intent: str
    second: str | None
    slices: tuple[str, ...]
    group: str


def load_gold(path: Path, classes: Sequence[str]) -> list[Gold]:
    """Read a labelled JSONL file.

    Raises:
        DatasetError: the file is missing or empty, or a line is no labelled prompt; names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from error
    rows = [_gold(line, f"{path}:{n}", classes) for n, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise DatasetError(f"{path}: holds no rows")
    return rows


def gold_digest(rows: Sequence[Gold]) -> str:
    """SHA-256 over prompts and labels, independent of the rows' order: figures compare only where it is equal."""
    lines = sorted(json.dumps([row.prompt, row.intent, row.second]) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _gold(line: str, where: str, classes: Sequence[str]) -> Gold:
    try:
        row: dict[str, Any] = json.loads(line)
        prompt, intent = row["prompt"], str(row.get("intent", row.get("label")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DatasetError(f"{where}: expected an object with `prompt` and `intent` (or `label`): {error!r}") from error
    if not isinstance(prompt, str) or intent not in classes:
        raise DatasetError(f"{where}: intent {intent!r} is none of {', '.join(classes)}, or the prompt is no text")
    second = row.get("second")
    if second is not None and (not isinstance(second, str) or second not in classes):
        raise DatasetError(f"{where}: second {second!r} is none of {', '.join(classes)}: name the other label, or none")
    return Gold(prompt, intent, second, slice_names(row), str(row.get("group", where)))


def slice_names(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Every named part that a row belongs to: language, origin, source, length in words, and each of its tags."""
    named = [f"{key}:{row[key]}" for key in ("language", "origin", "source") if key in row]
    words = len(row["prompt"].split())
    named.append("words:" + ("1-6" if words <= 6 else "7-20" if words <= 20 else "21-60" if words <= 60 else "over 60"))
    tags = row.get("tags")
    return (*named, *(f"tag:{tag}" for tag in (tags if isinstance(tags, list | tuple) else ())))
