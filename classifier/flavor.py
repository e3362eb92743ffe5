"""How MLflow loads a bundle (`loader_module`): the same loader, the same probabilities as everywhere else.

Signature: one column `prompt` (string) in; `intent, confidence, abstained, p_<intent>` out.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.errors import RowError
from classifier.model import IntentClassifier

if TYPE_CHECKING:
    import pandas as pd


class IntentModel:
    """The python_function face of a classifier."""

    def __init__(self, classifier: IntentClassifier) -> None:
        self.classifier = classifier

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """One row a prompt; `model_input` is a DataFrame with a column `prompt`, into which MLflow turns what it takes.

        Raises:
            RowError: a prompt is no text; the message names its row, from 1.
        """
        import pandas as pd  # noqa: PLC0415 - comes with mlflow; the service must not need it

        predictions = self.classifier.predict(_texts(model_input["prompt"]))
        columns: dict[str, Any] = {
            "intent": [p.intent for p in predictions],
            "confidence": [p.confidence for p in predictions],
            "abstained": [p.abstained for p in predictions],
        }
        columns |= {f"p_{c}": [p.probabilities[c] for p in predictions] for c in self.classifier.classes_}
        return pd.DataFrame(columns)


def _texts(column: Iterable[Any]) -> list[str]:
    # A column of strings lets nulls through: MLflow's signature has no word against them.
    texts = list(column)
    for number, text in enumerate(texts, 1):
        if not isinstance(text, str):
            raise RowError(f"row {number}: the prompt is {text!r}, no text; leave the row out or write one")
    return texts


def _load_pyfunc(path: str) -> IntentModel:
    return IntentModel(IntentClassifier.from_pretrained(Path(path)))
