"""Classification for the service: in a worker thread, a bounded number at once, and each prompt once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import anyio
import anyio.to_thread

from classifier import IntentClassifier, Prediction
from classifier.explanation import Explanation, explain
from serve.catalog import Catalog
from serve.errors import NotReadyError
from serve.remembered import Recalled, Remembered
from serve.settings import Settings

# Prompts of one request that are read before a thread goes to somebody else's.
_TURN = 16


class Classification:
    """The classifier, or the `problem` that keeps it from us: None leaves the service up without classification.

    `routes.toml` may override the threshold under which a prediction abstains.
    """

    def __init__(
        self, classifier: IntentClassifier | None, problem: str | None, settings: Settings, catalog: Catalog
    ) -> None:
        self._classifier = classifier
        self._abstain_below = catalog.routes.abstain_below
        self._limiter = anyio.CapacityLimiter(settings.classify_threads)
        # One of its own: explanations take seconds, and nobody who draws shall wait for them.
        self._explaining = anyio.CapacityLimiter(1)
        self._remembered = Remembered(settings.classify_cache)
        self.problem = problem

    @property
    def version(self) -> str | None:
        """The bundle's SHA-256, None without a classifier."""
        return None if self._classifier is None else self._classifier.version

    async def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """One prediction a text, in order.

        Raises:
            NotReadyError: there is no classifier.
        """
        classifier = self._ready()
        known = {text: found for text in texts if (found := self._remembered.get(text)) is not None}
        if unknown := [text for text in dict.fromkeys(texts) if text not in known]:
            for start in range(0, len(unknown), _TURN):
                known |= await self._read(classifier, unknown[start : start + _TURN])
        return [self._with_threshold(known[text]) for text in texts]

    async def _read(self, classifier: IntentClassifier, texts: Sequence[str]) -> dict[str, Prediction]:
        predictions = await anyio.to_thread.run_sync(classifier.predict, texts, limiter=self._limiter)
        for text, prediction in zip(texts, predictions, strict=True):
            self._remembered.put(text, prediction)
        return dict(zip(texts, predictions, strict=True))

    @property
    def recalled(self) -> Recalled:
        """How much was known from before."""
        return self._remembered.state

    async def explain(self, texts: Sequence[str]) -> list[Explanation]:
        """One explained prediction a text, in order. Between two of them the thread may go to somebody else's request.

        Raises:
            NotReadyError: there is no classifier.
        """
        classifier = self._ready()
        found = [await anyio.to_thread.run_sync(explain, classifier, text, limiter=self._explaining) for text in texts]
        return [replace(each, prediction=self._with_threshold(each.prediction)) for each in found]

    def _ready(self) -> IntentClassifier:
        if self._classifier is None:
            raise NotReadyError(f"no classifier: {self.problem}")
        return self._classifier

    def _with_threshold(self, prediction: Prediction) -> Prediction:
        if self._abstain_below is None:
            return prediction
        return replace(prediction, abstained=prediction.confidence < self._abstain_below)
