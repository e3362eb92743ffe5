"""What each part of the classifier buys: simple methods and the classifier itself on the same gold prompts."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from classifier.bundle import Manifest
from classifier.home import Home
from classifier.model import IntentClassifier
from classifier.text import normalise
from training import baselines, utterance_routing
from training.ablation_scores import MethodScore, SliceStrict, method_scores, slice_scores
from training.baselines import Answers, Fitted, Prompts, TrainingSet
from training.config import DATA_FILE, DEFAULT_ENCODER
from training.dataset import LabeledPrompt, fingerprint, load_prompts
from training.embeddings import embed
from training.encoder_source import EncoderSource, load_encoder
from training.gold import Gold, gold_digest, load_gold
from training.progress import Progress

OURS = "ours"
_ZEROED = "ours, features zeroed"
_AVERAGED = "ours, features at their mean"
_ROUTING = utterance_routing.routing(100)
_BASELINES = (
    baselines.MAJORITY, baselines.KEYWORD_RULE, baselines.WORD_COUNTS, baselines.NEIGHBOURS,
    utterance_routing.routing(20), _ROUTING, baselines.FROZEN_REGRESSION, baselines.FEATURES_ALONE,
)  # fmt: skip
_OUR_OWN = {
    _ZEROED: "The bundle with its head's feature columns set to zero: every prompt reads as if no pattern matched.",
    _AVERAGED: "The same with each feature at its mean over the training prompts, which keeps the head's balance of "
    "the classes and takes away only what tells prompts apart.",
    OURS: "The bundle.",
}
_SLICED = (
    baselines.KEYWORD_RULE.name, baselines.WORD_COUNTS.name, _ROUTING.name, baselines.FROZEN_REGRESSION.name,
    baselines.FEATURES_ALONE.name, _AVERAGED, OURS,
)  # fmt: skip
_LIBRARIES = ("numpy", "onnxruntime", "scikit-learn", "sentence-transformers", "tokenizers", "torch", "transformers")


@dataclass(frozen=True, slots=True)
class AblationConfig:
    """What to measure: `gold` files by name; `encoder` is the frozen one; `seed` is for folds and for utterances."""

    gold: Mapping[str, Path]
    data: Path = DATA_FILE
    encoder: str = DEFAULT_ENCODER
    seed: int = 0
    threads: int = 2


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read: how many rows and groups, and the digest of its content.

    `trained_on` counts the rows whose prompt is also a training prompt, case aside.
    """

    path: Path
    rows: int
    groups: int
    digest: str
    trained_on: int


@dataclass(frozen=True, slots=True)
class GoldScores:
    """All methods on one gold file, in the table's order, and slices for some of them."""

    source: Source
    methods: dict[str, MethodScore]
    slices: list[SliceStrict]


@dataclass(frozen=True, slots=True)
class Method:
    """A row of the table: what it is, and what was chosen for it on the training rows."""

    name: str
    what: str
    chosen: str


@dataclass(frozen=True, slots=True)
class Ablation:
    """The whole table with all that it was made of. `same_data` says whether the bundle was trained on `data`."""

    bundle: str
    encoder: str
    data: Source
    same_data: bool
    methods: list[Method]
    gold: dict[str, GoldScores]
    classes: tuple[str, ...]
    versions: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data, paths as text."""
        row = asdict(self)
        for source in (row["data"], *(scores["source"] for scores in row["gold"].values())):
            source["path"] = str(source["path"])
        return row


def ablate(
    config: AblationConfig, model: IntentClassifier, manifest: Manifest, home: Home, progress: Progress
) -> Ablation:
    """Fit every baseline on the training file, and score it and the model on every gold file.

    Raises:
        DatasetError: a file is unusable, or too small to choose anything by cross-validation.
        EncoderError: the frozen encoder cannot be loaded.
    """
    progress.stage("reading the data")
    rows = load_prompts(config.data, model.classes_)
    gold = {name: load_gold(path, model.classes_) for name, path in config.gold.items()}
    trained_on = {normalise(row.prompt).casefold() for row in rows}
    progress.stage(f"loading {config.encoder}")
    encoder = load_encoder(config.encoder, config.threads)
    progress.stage("embedding", total=len(rows) + sum(map(len, gold.values())))
    training = _training_set(rows, model, encoder, home, progress)
    asked = {
        name: _prompts([row.prompt for row in some], model, encoder, home, progress) for name, some in gold.items()
    }
    fitted = _fit_all(training, config.seed, progress)
    progress.stage("scoring")
    scores = {}
    for name, some in gold.items():
        answers = {method: ready.answer(asked[name]) for method, ready in fitted.items()}
        answers |= our_answers(model, asked[name].texts, training.prompts)
        source = _source(config.gold[name], some, gold_digest(some), trained_on)
        scores[name] = _gold_scores(source, some, answers, model.classes_)
    return Ablation(
        model.version,
        f"{manifest.encoder.name} ({manifest.encoder.revision})",
        _source(config.data, rows, fingerprint(rows), frozenset()),
        manifest.data.get("fingerprint") == fingerprint(rows),
        _methods(fitted),
        scores,
        model.classes_,
        {name: importlib.metadata.version(name) for name in ("prompt-intent", *_LIBRARIES)},
    )


def our_answers(model: IntentClassifier, texts: Sequence[str], trained: Prompts) -> dict[str, Answers]:
    """What the model says of normalised `texts`: with its features zeroed, at their training means, and as it is."""
    inputs, head = model.inputs(texts), model.head
    dim = head.weights.shape[1] - len(model.features.specs)
    blind = head.weights.copy()
    blind[:, dim:] = 0
    usual = head.bias + head.weights[:, dim:] @ trained.features.mean(axis=0)
    heads = {_ZEROED: replace(head, weights=blind), _AVERAGED: replace(head, weights=blind, bias=usual)}
    said = {name: own.predict_proba(inputs) for name, own in heads.items()} | {OURS: model.predict_proba(texts)}
    return {name: shares.argmax(axis=1)[None] for name, shares in said.items()}


def _training_set(
    rows: Sequence[LabeledPrompt], model: IntentClassifier, encoder: EncoderSource, home: Home, progress: Progress
) -> TrainingSet:
    prompts = _prompts([row.prompt for row in rows], model, encoder, home, progress)
    numbers = np.array([model.classes_.index(row.intent) for row in rows])
    training = TrainingSet(prompts, numbers, [row.group for row in rows], model.classes_)
    baselines.check_groups(training)
    return training


def _prompts(
    prompts: Sequence[str], model: IntentClassifier, encoder: EncoderSource, home: Home, progress: Progress
) -> Prompts:
    texts = [normalise(prompt) for prompt in prompts]
    return Prompts(texts, embed(encoder, texts, home.cache, progress.advance), model.features.transform(texts))


def _fit_all(training: TrainingSet, seed: int, progress: Progress) -> dict[str, Fitted]:
    fitted = {}
    for baseline in _BASELINES:
        progress.stage(f"fitting {baseline.name}")
        fitted[baseline.name] = baseline.fit(training, seed)
    return fitted


def _gold_scores(
    source: Source, gold: Sequence[Gold], answers: Mapping[str, Answers], classes: Sequence[str]
) -> GoldScores:
    sliced = {name: answers[name] for name in _SLICED}
    slices = slice_scores(gold, sliced, classes, answers[baselines.KEYWORD_RULE.name])
    return GoldScores(source, method_scores(gold, answers, classes, OURS), slices)


def _source(
    path: Path, rows: Sequence[Gold | LabeledPrompt], digest: str, trained_on: set[str] | frozenset[str]
) -> Source:
    repeated = sum(normalise(row.prompt).casefold() in trained_on for row in rows)
    return Source(path, len(rows), len({row.group for row in rows}), digest, repeated)


def _methods(fitted: Mapping[str, Fitted]) -> list[Method]:
    return [
        *(Method(baseline.name, baseline.what, fitted[baseline.name].chosen) for baseline in _BASELINES),
        *(Method(name, what, "") for name, what in _OUR_OWN.items()),
    ]
