"""A bundle as MLflow's python_function."""

from __future__ import annotations

import pytest

from classifier import IntentClassifier
from classifier.errors import RowError
from classifier.flavor import IntentModel
from tests.conftest import TrainedHome


def test_a_null_prompt_is_named_by_its_row(trained: TrainedHome) -> None:
    """MLflow's signature lets nulls of a column of strings through."""
    import pandas as pd

    model = IntentModel(IntentClassifier.from_pretrained(trained.bundle))
    assert list(model.predict(pd.DataFrame({"prompt": ["a cat", "a dog"]}))["intent"]) == ["preview", "preview"]
    for missing in (None, float("nan")):
        with pytest.raises(RowError, match="row 2: the prompt is"):
            model.predict(pd.DataFrame({"prompt": ["a cat", missing]}))
