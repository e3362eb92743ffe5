"""The head: a softmax regression over [sentence embedding ; surface features], a few kilobytes of plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.errors import BundleError


@dataclass(frozen=True, slots=True)
class LinearHead:
    """`weights` (k, d) and `bias` (k,) in float32, a calibration `temperature` > 0, and the k class labels."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    temperature: float
    classes: tuple[str, ...]

    def predict_proba(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Softmax of the logits over the temperature (Guo et al. 2017): (n, d) -> float32 (n, k), rows sum to 1."""
        logits = (inputs @ self.weights.T + self.bias) / self.temperature
        exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: NDArray[np.float32] = (exponents / exponents.sum(axis=1, keepdims=True)).astype(np.float32)
        return shares

    def save(self, path: Path, **beside: NDArray[np.float32]) -> None:
        """Write `head.npz`: W, b, temperature, classes, and the arrays `beside` it. Equal arrays give equal bytes."""
        temperature, classes = np.array(self.temperature), np.array(self.classes)
        own: dict[str, NDArray[Any]] = {"b": self.bias, "temperature": temperature, "classes": classes}
        np.savez(path, allow_pickle=False, W=self.weights, **own, **beside)

    @classmethod
    def load(cls, path: Path) -> LinearHead:
        """Read `head.npz` without unpickling.

        Raises:
            BundleError: not an npz of plain arrays, or shapes that do not fit together.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                head = cls(
                    arrays["W"], arrays["b"], float(arrays["temperature"]), tuple(str(c) for c in arrays["classes"])
                )
        except (OSError, ValueError, KeyError) as error:
            raise BundleError(f"{path}: not a readable head: {error}") from error
        if head.weights.shape[0] != len(head.classes) or head.bias.shape != (len(head.classes),):
            raise BundleError(f"{path}: {head.weights.shape} weights do not fit {len(head.classes)} classes")
        if not head.temperature > 0:
            raise BundleError(f"{path}: temperature must be positive, not {head.temperature}")
        return head
