"""The classifier: one object that is trained, evaluated and served."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from classifier.bundle import Manifest, bundle_id, read_manifest
from classifier.champion import locate
from classifier.encoder import Encoder, OnnxEncoder
from classifier.errors import BundleError
from classifier.features import SurfaceFeatures
from classifier.head import LinearHead
from classifier.outlyingness import Outlyingness
from classifier.script import main_script
from classifier.spelling import Spelling
from classifier.text import normalise

# Float32 kernels differ between CPUs by about 1e-6, which moves a rounding of the quantised encoder here and there;
# anything above this is another model.
CANARY_TOLERANCE = 0.05


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a prompt wants. `intent` is the top label also when `abstained`: confidence is under the threshold then.

    `ood` says how strange the prompt is to the classifier: the percentage, 0 to 100, of training prompts that lie
    nearer to the training classes in embedding space. Over 95 a high confidence means little.
    """

    intent: str
    confidence: float
    probabilities: dict[str, float]
    abstained: bool
    ood: float


class IntentClassifier:
    """Softmax regression over [sentence embedding ; surface features]. Thread-safe; nothing is cached inside.

    Attributes:
        classes_: labels, in the order of `predict_proba`'s columns.
        threshold: confidence under which a prediction abstains; fitted in training.
        scripts: the scripts of the training prompts; any other is unreadable, and its prompts get equal probabilities
            for all classes, which no threshold above one in so many lets pass. Empty: whatever comes is read.
        version: the bundle's SHA-256, or "unsaved".
    """

    def __init__(
        self,
        encoder: Encoder,
        features: SurfaceFeatures,
        head: LinearHead,
        outlyingness: Outlyingness,
        threshold: float,
        scripts: Sequence[str] = (),
        version: str = "unsaved",
        spelling: Spelling | None = None,
    ) -> None:
        self.encoder = encoder
        self.features = features
        self.head = head
        self.outlyingness = outlyingness
        self.threshold = threshold
        self.scripts = frozenset(scripts)
        self.version = version
        self.spelling = spelling or Spelling()

    @property
    def classes_(self) -> tuple[str, ...]:
        """The labels, as scikit-learn names them."""
        return self.head.classes

    @classmethod
    def from_pretrained(cls, uri_or_folder: str | Path | None = None, threads: int = 1) -> Self:
        """Load a bundle: a folder, a `models:/` or `runs:/` URI, or (by default) the promoted champion.

        Every hash, the labels and the canaries are checked before the classifier is given out.

        Raises:
            BundleError: the bundle cannot be proven.
            ChampionError: nothing is promoted yet.
            FetchError: the URI cannot be fetched.
        """
        folder = locate(uri_or_folder)
        manifest = read_manifest(folder)
        classifier = cls(
            OnnxEncoder(folder / "encoder.onnx", folder / "tokenizer.json", manifest.encoder.max_tokens, threads),
            SurfaceFeatures.from_json((folder / "features.json").read_text("utf-8")),
            LinearHead.load(folder / "head.npz"),
            Outlyingness.load(folder / "head.npz"),
            manifest.threshold,
            manifest.scripts,
            bundle_id(folder),
            Spelling.from_json((folder / "spelling.json").read_text("utf-8")),
        )
        classifier._prove(manifest, folder)
        return classifier

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Calibrated probabilities, float32 of shape (len(texts), len(classes_)); an empty list gives (0, k)."""
        if len(texts) == 0:
            return np.zeros((0, len(self.classes_)), dtype=np.float32)
        normalised = [normalise(text) for text in texts]
        return self._shares(self.inputs(normalised), normalised)

    def inputs(self, normalised: Sequence[str]) -> NDArray[np.float32]:
        """What the head reads: [sentence embedding ; surface features], float32 of shape (n, dim + features)."""
        mended = [self.spelling.mend(text) for text in normalised]
        return np.hstack([self.encoder.encode(mended), self.features.transform(mended)])

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """One prediction a text, in order."""
        normalised = [normalise(text) for text in texts]
        return self.predict_inputs(self.inputs(normalised), normalised) if normalised else []

    def predict_inputs(self, inputs: NDArray[np.float32], normalised: Sequence[str]) -> list[Prediction]:
        """One prediction a row of what `inputs` gave: the encoder, which costs nearly all the time, runs once."""
        oods = self.outlyingness.percentiles(inputs[:, : self.outlyingness.dim])
        shares = self._shares(inputs, normalised)
        return [self._prediction(row, float(ood)) for row, ood in zip(shares, oods, strict=True)]

    def _shares(self, inputs: NDArray[np.float32], normalised: Sequence[str]) -> NDArray[np.float32]:
        shares = self.head.predict_proba(inputs)
        if self.scripts:
            unreadable = [main_script(text) not in self.scripts for text in normalised]
            shares[unreadable] = 1 / len(self.classes_)
        return shares

    def _prediction(self, row: NDArray[np.float32], ood: float) -> Prediction:
        top = int(row.argmax())
        probabilities = {label: float(p) for label, p in zip(self.classes_, row, strict=True)}
        return Prediction(self.classes_[top], float(row[top]), probabilities, bool(row[top] < self.threshold), ood)

    def _prove(self, manifest: Manifest, folder: Path) -> None:
        if list(self.classes_) != manifest.labels:
            raise BundleError(f"{folder}: head has labels {list(self.classes_)}, manifest {manifest.labels}")
        width = manifest.encoder.dim + len(self.features.specs)
        if self.head.weights.shape[1] != width:
            raise BundleError(
                f"{folder}: head reads {self.head.weights.shape[1]} inputs, encoder and features give {width}"
            )
        if self.outlyingness.centroids.shape != (len(self.classes_), manifest.encoder.dim):
            raise BundleError(
                f"{folder}: {self.outlyingness.centroids.shape} centroids do not fit {len(self.classes_)} classes in "
                f"{manifest.encoder.dim} dimensions"
            )
        if not manifest.canaries:
            raise BundleError(f"{folder}: no canary prompts, so nothing proves this bundle; train again")
        seen = self.predict_proba([canary.prompt for canary in manifest.canaries])
        drift = float(np.abs(seen - np.array([canary.probabilities for canary in manifest.canaries])).max())
        if not drift <= CANARY_TOLERANCE:
            raise BundleError(
                f"{folder}: canary probabilities differ by {drift:.4f} on this machine; train or fetch anew"
            )
