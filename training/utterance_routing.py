"""Routing by example utterances, as the semantic-router library does it out of the box.

Its `IndexedRouter` (version 1.1.1, `routers/indexed.py`) takes the five stored utterances nearest to a prompt among
those of all routes together (`top_k=5`, cosine similarity), gives each route the mean similarity of its own among the
five (`aggregation="mean"`), 0 where it has none, and answers with the best route, the first of equals. There is no
threshold until somebody sets one, so a route is always named. Version 0.3 scores alike, but some of its encoders bring
a threshold under which it names none.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from training.baselines import Answers, Baseline, Fitted, Floats, Numbers, Prompts, TrainingSet

_TOP = 5
_SEEDS = 5
RULE = (
    "Utterance routing is semantic-router's rule on the frozen embeddings: of the utterances of all routes together, "
    f"the {_TOP} of highest cosine similarity to the prompt are taken; each route scores the mean similarity of its "
    f"own among them, 0 without any; the highest wins, without a threshold. Each figure is the mean over {_SEEDS} "
    "draws of the utterances, without replacement."
)


def routing(per_route: int) -> Baseline:
    """The method with so many utterances a route, drawn from the training prompts; averaged over five draws."""
    return Baseline(
        f"utterance routing, {per_route} a route",
        f"{per_route} training prompts of each class as a route's utterances, by the rule under this list.",
        partial(_fit, per_route=per_route),
    )


def route_scores(similarities: Floats, routes: Numbers, count: int) -> NDArray[np.float64]:
    """What each route scores for each prompt.

    Args:
        similarities: (n, u) cosine similarities of n prompts with u utterances.
        routes: u numbers below `count`, the route of each utterance.
        count: how many routes there are.

    Returns:
        (n, count): the mean similarity of a route's utterances among the prompt's five nearest, 0 without any.
    """
    nearest = np.argsort(-similarities, axis=1, kind="stable")[:, :_TOP]
    taken = np.take_along_axis(similarities, nearest, axis=1).astype(np.float64)
    owned = routes[nearest][:, :, None] == np.arange(count)
    scores: NDArray[np.float64] = (taken[:, :, None] * owned).sum(axis=1) / np.maximum(owned.sum(axis=1), 1)
    return scores


def _fit(training: TrainingSet, seed: int, per_route: int) -> Fitted:
    drawn = [_utterances(training.numbers, per_route, seed + i) for i in range(_SEEDS)]

    def answer(prompts: Prompts) -> Answers:
        return np.stack([_routed(training, rows, prompts) for rows in drawn])

    return Fitted(answer, f"seeds {seed} to {seed + _SEEDS - 1}")


def _utterances(numbers: Numbers, per_route: int, seed: int) -> Numbers:
    """Rows of `per_route` prompts of each class, or all where a class has fewer."""
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(numbers == number) for number in np.unique(numbers)]
    return np.concatenate([rng.choice(rows, min(per_route, len(rows)), replace=False) for rows in members])


def _routed(training: TrainingSet, rows: Numbers, prompts: Prompts) -> Numbers:
    similarities = prompts.vectors @ training.prompts.vectors[rows].T
    best: Numbers = route_scores(similarities, training.numbers[rows], len(training.classes)).argmax(axis=1)
    return best
