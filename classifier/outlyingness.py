"""How far a prompt lies from everything the classifier was trained on, as a percentile of the training prompts.

The distance is Mahalanobis's to the nearest class centroid under one covariance shared by all classes (Lee et al. 2018,
"A Simple Unified Framework for Detecting Out-of-Distribution Samples"), shrunk after Ledoit and Wolf (2004), for there
may be few prompts for so many dimensions. Plain cosine distance sees little: random letters lie about as near to a
centroid as prompts do, and stand out only along the directions in which prompts hardly vary.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from classifier.errors import BundleError

Floats = NDArray[np.float32]

# One quantile a percent, both ends included.
QUANTILES = 101
_PERCENT = np.linspace(0.0, 100.0, QUANTILES)
_ARRAYS = ("centroids", "whitening", "ood_quantiles")


@dataclass(frozen=True, slots=True, eq=False)
class Outlyingness:
    """What percentiles are read off; all arrays are float32.

    Attributes:
        centroids: mean embedding of each class, (k, dim).
        whitening: (dim, dim); its product with its own transpose is the inverse of the shrunk within-class covariance.
        quantiles: the 0th to 100th percentile of training prompts' distances, (101,), never falling. These prompts were
            held back: a prompt lies nearer to a centroid, a covariance or an encoder that it helped to form than a new
            one does, so that distances in sample would call most new prompts strange.
    """

    centroids: Floats
    whitening: Floats
    quantiles: Floats
    _centres: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Once, and not for every prompt.
        object.__setattr__(self, "_centres", self.centroids @ self.whitening)

    @property
    def dim(self) -> int:
        """The embedding's dimensions."""
        return int(self.centroids.shape[1])

    def distances(self, embeddings: Floats) -> Floats:
        """Distance to the nearest centroid, (n, dim) -> float32 (n,)."""
        points = embeddings @ self.whitening
        gaps = points[:, None, :] - self._centres[None, :, :]
        nearest: Floats = np.sqrt((gaps * gaps).sum(axis=2)).min(axis=1)
        return nearest

    def percentiles(self, embeddings: Floats) -> NDArray[np.float64]:
        """The share of training prompts that lie nearer, 0 to 100, (n, dim) -> float64 (n,)."""
        shares: NDArray[np.float64] = np.interp(self.distances(embeddings), self.quantiles, _PERCENT)
        return shares

    def arrays(self) -> dict[str, Floats]:
        """What stands in `head.npz` beside the head."""
        return dict(zip(_ARRAYS, (self.centroids, self.whitening, self.quantiles), strict=True))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the arrays from `head.npz` without unpickling.

        Raises:
            BundleError: an array is missing (the bundle is older than this), or the shapes do not fit together.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                missing = [name for name in _ARRAYS if name not in stored]
                if missing:
                    raise BundleError(
                        f"{path}: no {', '.join(missing)}: the bundle is from an older version; train again"
                    )
                arrays = [stored[name] for name in _ARRAYS]
        except (OSError, ValueError) as error:
            raise BundleError(f"{path}: not a readable head: {error}") from error
        _check(path, *arrays)
        return cls(*arrays)


def _check(path: Path, centroids: Floats, whitening: Floats, quantiles: Floats) -> None:
    dim = centroids.shape[-1]
    if (centroids.ndim, whitening.shape, quantiles.shape) != (2, (dim, dim), (QUANTILES,)):
        raise BundleError(
            f"{path}: {centroids.shape} centroids, {whitening.shape} whitening and {quantiles.shape} quantiles do not "
            "fit together"
        )
    if not (np.diff(quantiles) >= 0).all():
        raise BundleError(f"{path}: the distances' quantiles must never fall")
