"""Fine-tuning the encoder: it learns what the three intents are about, with the surface features already in view.

Encoder and a linear head over [embedding ; standardised features] are trained together on cross-entropy, so that the
encoder spends itself on what the features do not see. The head is thrown away: scikit-learn fits the one that is kept.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classifier.features import SurfaceFeatures
from classifier.text import normalise
from training.augmentation import augment
from training.config import FineTuning
from training.encoder_source import EncoderSource, weights_sha256

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float32]

# The embedding has unit length: without a scale, the head's gradient would be too small to move an encoder.
_EMBEDDING_SCALE = 10.0
# Batches are cut from runs of this many, sorted by length inside: little padding, and still a shuffle.
_BUCKET = 20


def fine_tune(
    source: EncoderSource,
    texts: Sequence[str],
    features: SurfaceFeatures,
    targets: Floats,
    config: FineTuning,
    advance: Callable[[int], None] = lambda _: None,
) -> EncoderSource:
    """A copy of the encoder, fine-tuned on n normalised texts; the one given stays as it is.

    Args:
        features: the surface features, read anew of every augmented prompt.
        targets: label distributions, float32 of shape (n, k), rows sum to 1 (see `soft_targets`).
        advance: hears of every finished batch's number of prompts.
    """
    import torch  # noqa: PLC0415 - heavy, and only training pays for it

    torch.manual_seed(config.seed)
    model = copy.deepcopy(source.model).train()
    scaling = _Scaling.of(features.transform(texts), config.feature_weight)
    head = torch.nn.Linear((model.get_embedding_dimension() or 0) + len(features.specs), targets.shape[1])
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    wanted = torch.from_numpy(targets)
    optimizer, schedule = _optimizer(model, head, len(texts), config)
    for seen, rows in _epochs(texts, config):
        surface = torch.from_numpy(scaling.apply(features.transform(seen)))
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=_has_fast_bfloat16()):
            logits = _logits(model, head, seen, surface, config.max_tokens)
            loss = torch.nn.functional.cross_entropy(logits.float(), wanted[rows])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        advance(len(rows))
    tuned = model.eval()
    return replace(source, model=tuned, sha256=weights_sha256(tuned), revision=f"{source.revision}, fine-tuned")


def soft_targets(labels: Sequence[str], seconds: Sequence[str | None], classes: Sequence[str]) -> Floats:
    """Label distributions (n, k): a fifth of the mass on the other acceptable label, a little on every class.

    Label smoothing (Szegedy et al. 2016) keeps the encoder from growing over-sure of a writer's label.
    """
    smoothing, share = 0.05, 0.2
    targets = np.full((len(labels), len(classes)), smoothing / len(classes), dtype=np.float32)
    for row, (label, second) in enumerate(zip(labels, seconds, strict=True)):
        other = share if second is not None else 0.0
        targets[row, classes.index(label)] += (1 - smoothing) * (1 - other)
        if second is not None:
            targets[row, classes.index(second)] += (1 - smoothing) * other
    return targets


def _logits(model: Any, head: Any, texts: list[str], features: Any, max_tokens: int) -> torch.Tensor:
    import torch  # noqa: PLC0415

    tokens = model.tokenizer(texts, padding=True, truncation=True, max_length=max_tokens, return_tensors="pt")
    state = {"input_ids": tokens["input_ids"], "attention_mask": tokens["attention_mask"]}
    for stage in model:
        state = stage(state)
    embedding = torch.nn.functional.normalize(state["sentence_embedding"], dim=-1)
    logits: torch.Tensor = head(torch.cat([_EMBEDDING_SCALE * embedding, features], dim=1))
    return logits


def _optimizer(model: Any, head: Any, rows: int, config: FineTuning) -> tuple[Any, Any]:
    """AdamW with a linear warm-up over a tenth of the steps and a linear decay (Devlin et al. 2019)."""
    import torch  # noqa: PLC0415

    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]
    groups = [
        {"params": decayed, "lr": config.learning_rate, "weight_decay": 0.01},
        {"params": plain, "lr": config.learning_rate, "weight_decay": 0.0},
        {"params": list(head.parameters()), "lr": config.head_learning_rate, "weight_decay": 0.01},
    ]
    steps = config.epochs * -(-rows // config.batch_size)
    warm = max(1, steps // 10)
    optimizer = torch.optim.AdamW(groups)
    return optimizer, torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))
    )


@dataclass(frozen=True, slots=True)
class _Scaling:
    mean: Floats
    slope: Floats

    @classmethod
    def of(cls, values: Floats, weight: float) -> _Scaling:
        return cls(values.mean(axis=0), (weight / (values.std(axis=0) + 1e-6)).astype(np.float32))

    def apply(self, values: Floats) -> Floats:
        scaled: Floats = (values - self.mean) * self.slope
        return scaled


def _epochs(texts: Sequence[str], config: FineTuning) -> Iterator[tuple[list[str], NDArray[np.int64]]]:
    """Batches of prompts with their row numbers; every epoch shows other prompts changed, and changed otherwise."""
    rng = np.random.default_rng(config.seed)
    for epoch in range(config.epochs):
        shown = [normalise(text) for text in augment(texts, config.augmented, config.seed * 1000 + epoch)]
        for rows in _batches([len(text) for text in shown], config.batch_size, rng):
            yield [shown[row] for row in rows], rows


def _batches(lengths: Sequence[int], size: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    order = rng.permutation(len(lengths))
    runs = [order[i : i + size * _BUCKET] for i in range(0, len(order), size * _BUCKET)]
    ordered = [sorted(run, key=lambda row: lengths[row]) for run in runs]
    batches = [np.array(run[i : i + size]) for run in ordered for i in range(0, len(run), size)]
    return [batches[index] for index in rng.permutation(len(batches))]


def _has_fast_bfloat16() -> bool:
    """Half the time where the processor multiplies bfloat16 itself; elsewhere it would be emulated, and slow."""
    import torch  # noqa: PLC0415

    return bool(torch.cpu._is_avx512_bf16_supported())
