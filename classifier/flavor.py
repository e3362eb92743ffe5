"""How MLflow loads a bundle (`loader_module`): the same loader, the same probabilities as everywhere else.

Signature: one column `prompt` (string) in; `intent, confidence, abstained, p_<intent>` out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.model import IntentClassifier

if TYPE_CHECKING:
    import pandas as pd


class IntentModel:
    """The python_function face of a classifier."""

    def __init__(self, classifier: IntentClassifier) -> None:
        self.classifier = classifier

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """One row a prompt; `model_input` is a DataFrame with a column `prompt`, or a list of strings."""
        import pandas as pd  # noqa: PLC0415 - comes with mlflow; the service must not need it

        prompts: Sequence[str] = list(model_input["prompt"]) if hasattr(model_input, "columns") else list(model_input)
        predictions = self.classifier.predict(prompts)
        columns: dict[str, Any] = {
            "intent": [p.intent for p in predictions],
            "confidence": [p.confidence for p in predictions],
            "abstained": [p.abstained for p in predictions],
        }
        columns |= {f"p_{c}": [p.probabilities[c] for p in predictions] for c in self.classifier.classes_}
        return pd.DataFrame(columns)


def _load_pyfunc(path: str) -> IntentModel:
    return IntentModel(IntentClassifier.from_pretrained(Path(path)))
