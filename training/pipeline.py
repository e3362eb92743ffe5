"""The way from labelled prompts to a proven bundle: load, fine-tune, embed, fit, calibrate, export, evaluate, write."""

from __future__ import annotations

import importlib.metadata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from classifier.bundle import Canary, EncoderInfo, Manifest, write_manifest
from classifier.encoder import OnnxEncoder
from classifier.features import SurfaceFeatures
from classifier.intents import DEFAULT_INTENTS
from classifier.model import IntentClassifier
from classifier.script import main_script
from classifier.text import normalise
from training.abstention import fit_threshold
from training.config import TrainConfig
from training.dataset import LabeledPrompt, fingerprint, load_prompts
from training.encoder_source import EncoderSource, load_encoder
from training.errors import DatasetError
from training.evaluation import Evaluation, evaluate
from training.export import export_encoder
from training.fine_tuning import taught
from training.glossary import read_glossary
from training.gold import Gold, load_gold
from training.head_fitting import FittedHead, fit_head
from training.lesson import read_lesson
from training.lexicon import SPECS
from training.outlier_fitting import fit_outlyingness
from training.progress import Progress
from training.spelling_fitting import fit_spelling

_CANARIES = 12
# What the export is proven on, and what shows how large activations are.
_PROBES = 1200
_CHUNK = 256
_READ_FROM = 0.01
_LIBRARIES = ("numpy", "onnxruntime", "scikit-learn", "sentence-transformers", "tokenizers", "torch", "transformers")


@dataclass(frozen=True, slots=True)
class Trained:
    """A written bundle with its test figures; `probabilities` are those of the test rows, float32 (n, k)."""

    folder: Path
    bundle: str
    manifest: Manifest
    classifier: IntentClassifier
    encoder: EncoderSource
    rows: list[LabeledPrompt]
    gold: list[Gold]
    probabilities: NDArray[np.float32]
    evaluation: Evaluation


def train_bundle(config: TrainConfig, folder: Path, progress: Progress) -> Trained:
    """Train into `folder` (empty). The same data, seed, lock, threads and kind of processor give the same bundle.

    Raises:
        DatasetError: a data file is unusable, or a test prompt is among the training prompts.
        EncoderError: the encoder cannot be loaded or exported.
    """
    progress.stage("reading the data")
    rows, gold = load_prompts(config.data), load_gold(config.test, DEFAULT_INTENTS)
    _refuse_leaks(rows, gold, config)
    progress.stage(f"loading {config.encoder}")
    encoder = load_encoder(config.encoder, config.threads)
    features, lesson = SurfaceFeatures(SPECS), read_lesson(rows, config)
    fitted_on = [lesson.texts[i] for i in lesson.split.fit]
    spelling = fit_spelling(fitted_on, [*read_glossary(), *encoder.model.tokenizer.get_vocab()])
    texts = [spelling.mend(text) for text in lesson.texts]
    if config.fine_tuning is not None:
        progress.stage("fine-tuning the encoder", total=config.fine_tuning.epochs * len(lesson.split.fit))
        encoder = taught(
            encoder, [rows[i] for i in lesson.split.fit], features, config.fine_tuning, progress.advance,
            read=lambda prompt: spelling.mend(normalise(prompt)),
        )  # fmt: skip
    progress.stage("exporting the encoder")
    shown = [texts[i] for i in lesson.split.fit]
    exported = export_encoder(encoder, folder, shown[:: max(1, len(shown) // _PROBES)], config.threads)
    progress.stage("embedding", total=len(texts))
    vectors = _embedded(exported, texts, progress)
    progress.stage("fitting and calibrating the head")
    inputs = np.hstack([vectors, features.transform(texts)])
    fitted = fit_head(inputs, vectors.shape[1], lesson.labels, lesson.split, DEFAULT_INTENTS, config)
    threshold = _threshold(fitted, [rows[i] for i in lesson.split.held_back], config)
    outlyingness = fit_outlyingness(vectors, lesson.labels, lesson.split, DEFAULT_INTENTS)
    scripts = _scripts(lesson.texts)
    classifier = IntentClassifier(exported, features, fitted.head, outlyingness, threshold, scripts, spelling=spelling)
    progress.stage("evaluating on the test set")
    probabilities = classifier.predict_proba([row.prompt for row in gold])
    evaluation = evaluate(gold, probabilities, DEFAULT_INTENTS, threshold)
    progress.stage("writing the bundle")
    _write_parts(folder, classifier, fitted)
    manifest = _manifest(config, encoder, exported.dim, threshold, fitted, rows, evaluation, classifier)
    bundle = write_manifest(folder, manifest)
    return Trained(folder, bundle, manifest, classifier, encoder, rows, gold, probabilities, evaluation)


def _embedded(encoder: OnnxEncoder, texts: Sequence[str], progress: Progress) -> NDArray[np.float32]:
    """By the encoder that will serve, so that the head is fitted to its rounding."""
    vectors = []
    for start in range(0, len(texts), _CHUNK):
        vectors.append(encoder.encode(texts[start : start + _CHUNK]))
        progress.advance(len(vectors[-1]))
    return np.vstack(vectors)


def _refuse_leaks(rows: Sequence[LabeledPrompt], gold: Sequence[Gold], config: TrainConfig) -> None:
    tested = {normalise(row.prompt).casefold() for row in gold}
    leaked = [row.prompt for row in rows if normalise(row.prompt).casefold() in tested]
    if leaked:
        raise DatasetError(
            f"{config.data}: {len(leaked)} prompts are also in {config.test}, for example {leaked[0]!r}; "
            "remove them from the training file"
        )


def _threshold(fitted: FittedHead, rows: Sequence[LabeledPrompt], config: TrainConfig) -> float:
    said = [DEFAULT_INTENTS[i] for i in fitted.held_back.argmax(axis=1)]
    right = np.array([label in (row.intent, row.second) for row, label in zip(rows, said, strict=True)])
    return fit_threshold(fitted.held_back.max(axis=1), right, config.target_precision)


def _scripts(texts: Sequence[str]) -> list[str]:
    """The scripts that the classifier has learned to read: those of at least one training prompt in a hundred."""
    counts = Counter(main_script(text) for text in texts)
    return sorted(script for script, n in counts.items() if script and n >= _READ_FROM * len(texts))


def _write_parts(folder: Path, classifier: IntentClassifier, fitted: FittedHead) -> None:
    import joblib  # noqa: PLC0415

    (folder / "features.json").write_text(classifier.features.to_json() + "\n", encoding="utf-8")
    (folder / "spelling.json").write_text(classifier.spelling.to_json() + "\n", encoding="utf-8")
    fitted.head.save(folder / "head.npz", **classifier.outlyingness.arrays())
    joblib.dump(fitted.estimator, folder / "head.joblib")


def _canaries(prompts: Sequence[str]) -> Sequence[str]:
    """From all over the file, of those of middling length or less: whoever loads the bundle waits for them."""
    most = median(map(len, prompts))
    short = [prompt for prompt in prompts if len(prompt) <= most]
    return short[:: max(1, len(short) // _CANARIES)]


def _manifest(
    config: TrainConfig, encoder: EncoderSource, dim: int, threshold: float, fitted: FittedHead,
    rows: Sequence[LabeledPrompt], evaluation: Evaluation, classifier: IntentClassifier,
) -> Manifest:  # fmt: skip
    prompts = _canaries([row.prompt for row in rows])
    known = [[round(float(p), 7) for p in row] for row in classifier.predict_proba(prompts)]
    return Manifest(
        labels=list(DEFAULT_INTENTS),
        encoder=EncoderInfo(
            encoder.name, encoder.revision, encoder.sha256, dim, int(encoder.model.max_seq_length or 256)
        ),
        temperature=fitted.head.temperature,
        threshold=threshold,
        seed=config.seed,
        data={
            "fingerprint": fingerprint(rows),
            "rows": len(rows),
            "test_digest": evaluation.digest,
            "test_rows": evaluation.n,
        },
        metrics=evaluation.metrics(),
        scripts=sorted(classifier.scripts),
        libraries={name: importlib.metadata.version(name) for name in _LIBRARIES},
        canaries=[Canary(prompt, row) for prompt, row in zip(prompts, known, strict=True)],
    )
