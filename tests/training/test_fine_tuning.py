"""Fine-tuning: what is learned from whom, in which order, and that the encoder given stays as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from classifier.features import FeatureSpec, SurfaceFeatures
from classifier.text import normalise
from training.config import EFFORTS, FineTuning
from training.encoder_source import EncoderSource, load_encoder, weights_sha256
from training.fine_tuning import _batches, _cut, fine_tune, soft_targets

CLASSES = ("preview", "text_heavy", "complex_logic")
PLAIN = [f"a {noun}" for noun in ("fox", "kettle", "violin", "tram", "comet", "loom", "quay", "orchid")]
BOUND = [f"{text} left of a door" for text in PLAIN]
FEATURES = SurfaceFeatures([FeatureSpec("words", r"\w+", cap=9, log=True)])


@pytest.fixture(scope="module")
def source(tiny_encoder: Path) -> EncoderSource:
    return load_encoder(str(tiny_encoder), 1)


def _tuned(source: EncoderSource, **options: float) -> EncoderSource:
    """Eight plain prompts against the same with a relation, learned fast."""
    config = FineTuning(epochs=12, learning_rate=2e-3, batch_size=8, max_tokens=32, **options)  # type: ignore[arg-type]
    targets = soft_targets(["preview"] * 8 + ["complex_logic"] * 8, [None] * 16, CLASSES)
    groups = [str(i % 8) for i in range(16)]
    return fine_tune(source, [*PLAIN, *BOUND], groups, range(16), FEATURES, targets, config)


def _gap(source: EncoderSource) -> float:
    """How much further apart the classes' means lie than the prompts of a class do from their own."""
    plain, bound = (source.model.encode(texts, normalize_embeddings=True) for texts in (PLAIN, BOUND))
    spread = np.mean([np.linalg.norm(rows - rows.mean(axis=0), axis=1).mean() for rows in (plain, bound)])
    return float(np.linalg.norm(plain.mean(axis=0) - bound.mean(axis=0)) / spread)


def test_the_classes_part_and_the_encoder_given_stays(source: EncoderSource) -> None:
    """Embeddings of the two classes lie apart afterwards; the source's weights are untouched, the copy's named anew."""
    before, gap = weights_sha256(source.model), _gap(source)
    tuned = _tuned(source)
    assert _gap(tuned) > 3 * gap
    assert weights_sha256(source.model) == before
    assert tuned.sha256 == weights_sha256(tuned.model) != before
    assert tuned.revision.endswith("fine-tuned")


def test_the_same_seed_gives_the_same_weights(source: EncoderSource) -> None:
    """Twice alike, with another seed otherwise."""
    assert _tuned(source).sha256 == _tuned(source).sha256 != _tuned(source, seed=1).sha256


def test_consistency_draws_changed_prompts_to_what_they_were(source: EncoderSource) -> None:
    """With it, a prompt and its changed copy are embedded nearer to each other than without it."""
    changed = [text.upper().replace("A ", "pls a ") + " --ar 3:2, neon palette" for text in [*PLAIN, *BOUND]]

    def drift(weight: float) -> float:
        model = _tuned(source, consistency=weight, augmented=0.9).model
        ours, theirs = (model.encode(texts, normalize_embeddings=True) for texts in ([*PLAIN, *BOUND], changed))
        return float(np.linalg.norm(ours - theirs, axis=1).mean())

    # Nearly nothing, not nothing: the plain prompts are learned from in both.
    assert drift(5.0) < drift(1e-6)


def test_every_prompt_is_learned_once_an_epoch(source: EncoderSource) -> None:
    """Each epoch's batches hold every row once, and the plain text of each changed one."""
    texts, config = [*PLAIN, *BOUND], FineTuning(epochs=2, batch_size=3, augmented=0.5)
    found = list(_batches(source.model.tokenizer, texts, texts, range(16), config, normalise))
    for epoch in (found[:6], found[6:]):
        assert sorted(int(row) for batch in epoch for row in batch.rows) == list(range(16))
    for batch in found:
        assert [texts[batch.rows[i]] for i in batch.changed] == batch.plain
        assert all((batch.shown[i] != texts[row]) == (i in batch.changed) for i, row in enumerate(batch.rows))
    assert any(batch.changed for batch in found)


def test_a_translation_is_answered_like_its_original(source: EncoderSource) -> None:
    """It is compared with the original's text in every epoch, changed or not; the original with itself."""
    texts, likes = [*PLAIN, *BOUND], [*range(15), 0]
    batches = _batches(source.model.tokenizer, texts, texts, likes, FineTuning(epochs=4, augmented=0.0), normalise)
    assert [[(texts[batch.rows[i]], batch.plain)] for batch in batches for i in batch.changed] == (
        4 * [[(BOUND[7], [PLAIN[0]])]]
    )


def test_batches_hold_twins_and_rows_of_one_length() -> None:
    """Two rows of a group are nearly always in one batch, and a batch's lengths are near each other."""
    rng = np.random.default_rng(0)
    members = rng.permutation(np.repeat(np.arange(500), 2))
    lengths = 5 + members % 40
    batches = _cut(lengths, members, 8, rng)
    together = sum(2 * (len(rows) - len(set(members[rows].tolist()))) for rows in batches)
    assert sorted(int(row) for rows in batches for row in rows) == list(range(1000))
    assert together / 1000 > 0.9
    assert np.mean([np.ptp(lengths[rows]) for rows in batches]) < 0.2 * 40


def test_soft_targets_share_with_the_second_label() -> None:
    """Rows sum to one; the label leads, the other acceptable one follows, the third keeps a trace."""
    [alone, shared] = soft_targets(["preview", "text_heavy"], [None, "preview"], CLASSES)
    assert (alone.sum(), shared.sum()) == (pytest.approx(1), pytest.approx(1))
    assert alone[0] > 0.9
    assert shared[1] > 0.7 > shared[0] > 0.15 > shared[2] > 0


def test_efforts_go_from_nothing_to_most() -> None:
    """Frozen learns nothing, quick looks once, best several times and compares."""
    quick, best = EFFORTS["quick"], EFFORTS["best"]
    assert EFFORTS["frozen"] is None
    assert quick is not None
    assert best is not None
    assert (quick.epochs, quick.consistency) == (1, 0.0)
    assert best.epochs > 1
    assert best.consistency > 0
