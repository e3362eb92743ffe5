"""Classifying a stream of rows: in order, in batches, with rejects on the side."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TextIO

from classifier.model import IntentClassifier, Prediction
from classifier.rows import Reject, Row

BATCH = 256

Answer = dict[str, Any]


def classify_rows(
    classifier: IntentClassifier, rows: Iterable[Row | Reject], reject: Callable[[Reject], None]
) -> Iterator[Answer]:
    """Answers `{row, prompt, intent, confidence, probabilities, abstained, ood}` (and the input's `id`) in input order.

    Memory is bounded by one batch, whatever the input's length.
    """
    stream = iter(rows)
    while batch := list(islice(stream, BATCH)):
        good = [row for row in batch if isinstance(row, Row)]
        for row in batch:
            if isinstance(row, Reject):
                reject(row)
        for row, prediction in zip(good, classifier.predict([row.prompt for row in good]), strict=True):
            yield answer(row, prediction)


def answer(row: Row, prediction: Prediction) -> Answer:
    """One output row."""
    fields: Answer = {} if row.id is None else {"id": row.id}
    return fields | {
        "row": row.number,
        "prompt": row.prompt,
        "intent": prediction.intent,
        "confidence": round(prediction.confidence, 6),
        "probabilities": {label: round(p, 6) for label, p in prediction.probabilities.items()},
        "abstained": prediction.abstained,
        "ood": round(prediction.ood, 2),
    }


class AnswerWriter:
    """Writes answers as JSON lines, or as CSV with a column a probability and one for the ids, whoever has none."""

    def __init__(self, file: TextIO, as_csv: bool) -> None:
        self._file = file
        self._csv: csv.DictWriter[str] | None = None
        self._as_csv = as_csv

    def write(self, row: Answer) -> None:
        """Write one answer; the first one names the columns of a CSV."""
        if not self._as_csv:
            self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
            return
        # Named before it is known whether any row has an id.
        flat: Answer = {"id": ""} | {key: value for key, value in row.items() if key != "probabilities"}
        flat |= {f"p_{label}": p for label, p in row["probabilities"].items()}
        if self._csv is None:
            self._csv = csv.DictWriter(self._file, list(flat))
            self._csv.writeheader()
        self._csv.writerow(flat)
