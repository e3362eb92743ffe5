"""What a classifier has to beat: simple methods, each fitted on the training prompts alone.

A fitted method is shown prompts without labels and answers, so no figure can have seen the gold labels. What a method
lets one choose (C, k) is chosen by grouped cross-validation on the training prompts: rows of one group never part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.errors import DatasetError
from training.head_fitting import folds
from training.keyword_rule import keyword_intents

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]
Answers = NDArray[np.int64]
"""(r, n) class numbers for n prompts, from each of r repetitions with other seeds; most methods have one."""

FOLDS = 5
_C = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
# Tens of thousands of word counts, each rare, need less regularisation than a few hundred dense columns.
_C_SPARSE = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
_K = (1, 3, 5, 9, 15, 25, 45, 75)


@dataclass(frozen=True, slots=True)
class Prompts:
    """n prompts as methods see them: normalised `texts`, frozen unit `vectors` (n, d), surface `features` (n, f)."""

    texts: Sequence[str]
    vectors: Floats
    features: Floats


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Training prompts with their labels as `numbers`, indexes into the k `classes`; rows of a group stay together."""

    prompts: Prompts
    numbers: Numbers
    groups: Sequence[str]
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A method that is ready: prompts in, answers out. `chosen` says what was chosen on training rows, for people."""

    answer: Callable[[Prompts], Answers]
    chosen: str = ""


@dataclass(frozen=True, slots=True)
class Baseline:
    """A method by name; `what` describes it in one sentence; `fit` takes the training set and a seed."""

    name: str
    what: str
    fit: Callable[[TrainingSet, int], Fitted]


def check_groups(training: TrainingSet) -> None:
    """Prove that every class can be held back `FOLDS` times.

    Raises:
        DatasetError: a class has fewer groups than folds.
    """
    pairs = {(number, group) for number, group in zip(training.numbers.tolist(), training.groups, strict=True)}
    groups = Counter(number for number, _ in pairs)
    for number, label in enumerate(training.classes):
        if groups[number] < FOLDS:
            raise DatasetError(f"{label} has {groups[number]} groups; choosing by cross-validation needs {FOLDS}")


def _majority(training: TrainingSet, seed: int) -> Fitted:
    most = int(np.bincount(training.numbers).argmax())
    return Fitted(lambda prompts: np.full((1, len(prompts.texts)), most), training.classes[most])


def _keyword_rule(training: TrainingSet, seed: int) -> Fitted:
    number = {label: i for i, label in enumerate(training.classes)}
    return Fitted(lambda prompts: np.array([[number[label] for label in keyword_intents(prompts.texts)]]))


def _word_counts(training: TrainingSet, seed: int) -> Fitted:
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - for commands that train only

    # scikit-learn's own pattern drops one-letter words, and with them "a".
    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\b\w+\b", sublinear_tf=True)  # noqa: S106 - no password
    return _searched(words, lambda prompts: prompts.texts, _regression(), "C", _C_SPARSE, training, seed)


def _neighbours(training: TrainingSet, seed: int) -> Fitted:
    from sklearn.neighbors import KNeighborsClassifier  # noqa: PLC0415
    from sklearn.preprocessing import FunctionTransformer  # noqa: PLC0415

    votes = KNeighborsClassifier(metric="cosine", weights="distance", algorithm="brute")
    k = [k for k in _K if k <= len(training.numbers) // 2]
    return _searched(FunctionTransformer(), lambda prompts: prompts.vectors, votes, "n_neighbors", k, training, seed)


def _frozen_regression(training: TrainingSet, seed: int) -> Fitted:
    from sklearn.preprocessing import FunctionTransformer  # noqa: PLC0415

    return _searched(FunctionTransformer(), lambda prompts: prompts.vectors, _regression(), "C", _C, training, seed)


def _features_alone(training: TrainingSet, seed: int) -> Fitted:
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    return _searched(StandardScaler(), lambda prompts: prompts.features, _regression(), "C", _C, training, seed)


def _regression() -> Any:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    # Ten times as fast as scikit-learn's default solver on words, for the same optimum.
    return LogisticRegression(max_iter=5000, solver="newton-cg")


def _searched(
    reader: Any, read: Callable[[Prompts], Any], estimator: Any, name: str, values: Sequence[float],
    training: TrainingSet, seed: int,
) -> Fitted:  # fmt: skip
    """The estimator on what the reader makes of `read`, with the first of the values that do best on held-back groups.

    GridSearchCV over a pipeline would fit the reader anew for every value; here it is fitted once a fold.
    """
    from sklearn.base import clone  # noqa: PLC0415

    raw, numbers = read(training.prompts), training.numbers
    scores = []
    for split in folds([training.classes[i] for i in numbers], training.groups, FOLDS, seed):
        columns = clone(reader).fit(_rows(raw, split.fit))
        seen, unseen = (columns.transform(_rows(raw, rows)) for rows in (split.fit, split.held_back))
        candidates = [clone(estimator).set_params(**{name: value}).fit(seen, numbers[split.fit]) for value in values]
        scores.append([candidate.score(unseen, numbers[split.held_back]) for candidate in candidates])
    means = np.mean(scores, axis=0)
    best, columns = int(means.argmax()), clone(reader).fit(raw)
    final = clone(estimator).set_params(**{name: values[best]}).fit(columns.transform(raw), numbers)
    return Fitted(
        lambda prompts: final.predict(columns.transform(read(prompts)))[None],
        f"{name} = {values[best]:g}, with which held-back training rows are {means[best]:.3f} right",
    )


def _rows(raw: Any, rows: Numbers) -> Any:
    return raw[rows] if isinstance(raw, np.ndarray) else [raw[row] for row in rows]


MAJORITY = Baseline("majority", "The commonest label of the training file, always.", _majority)
KEYWORD_RULE = Baseline(
    "keyword rule", "Quotes and text words, then draft words, then counts and relations; learns nothing.", _keyword_rule
)
WORD_COUNTS = Baseline(
    "TF-IDF + logistic regression",
    "Words and word pairs, sublinear counts, inverse document frequency of the training file; C by grouped "
    "cross-validation.",
    _word_counts,
)
NEIGHBOURS = Baseline(
    "kNN on frozen embeddings",
    "The k training prompts of least cosine distance vote with the inverse of it; k by grouped cross-validation.",
    _neighbours,
)
FROZEN_REGRESSION = Baseline(
    "frozen encoder + logistic regression",
    "Embeddings of the encoder as published, nothing beside them; C by grouped cross-validation.",
    _frozen_regression,
)
FEATURES_ALONE = Baseline(
    "surface features alone",
    "Logistic regression over the bundle's own surface features, standardised; C by grouped cross-validation.",
    _features_alone,
)
