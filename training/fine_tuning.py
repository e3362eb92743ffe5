"""Fine-tuning the encoder: it learns what the three intents are about, with the surface features already in view.

Encoder and a linear head over [embedding ; standardised features] are trained together on cross-entropy, so that the
encoder spends itself on what the features do not see. The head is thrown away: scikit-learn fits the one that is kept.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classifier.features import SurfaceFeatures
from classifier.intents import DEFAULT_INTENTS
from classifier.text import normalise
from training.augmentation import augment
from training.config import FineTuning
from training.dataset import LabeledPrompt
from training.encoder_source import EncoderSource, fast_bfloat16, weights_sha256
from training.glossary import read_glossary, speaking
from training.originals import originals

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float32]
Read = Callable[[str], str]

# The embedding has unit length: without a scale, the head's gradient would be too small to move an encoder.
_EMBEDDING_SCALE = 10.0
# Batches are cut from runs of about this many, sorted by length inside: little padding, and still a shuffle.
_BUCKET = 20


def fine_tune(
    source: EncoderSource,
    texts: Sequence[str],
    groups: Sequence[str],
    likes: Sequence[int],
    features: SurfaceFeatures,
    targets: Floats,
    config: FineTuning,
    advance: Callable[[int], None] = lambda _: None,
    read: Read = normalise,
) -> EncoderSource:
    """A copy of the encoder, fine-tuned on n texts as it will read them; the one given stays as it is.

    Args:
        groups: n names; texts of one group are shown side by side.
        likes: n places; which of the texts each shall be answered like, however it is shown (see `originals`).
        features: the surface features, read anew of every augmented prompt.
        targets: weighted label distributions, float32 of shape (n, k) (see `soft_targets`).
        advance: hears of every finished batch's number of prompts.
        read: makes of a changed copy what the encoder will read of it.
    """
    import torch  # noqa: PLC0415 - heavy, and only training pays for it

    torch.manual_seed(config.seed)
    student = _Student.of(source, texts, features, targets.shape[1], config)
    wanted = torch.from_numpy(targets)
    optimizer, schedule = _optimizer(student, len(texts), config)
    for batch in _batches(student.tokenizer, texts, groups, likes, config, read):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=fast_bfloat16()):
            logits = student.logits([*batch.shown, *batch.plain]).float()
        loss = _loss(logits, wanted[batch.rows], batch, config.consistency)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(student.encoder.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        advance(len(batch.rows))
    tuned = student.encoder.eval()
    return replace(source, model=tuned, sha256=weights_sha256(tuned), revision=f"{source.revision}, fine-tuned")


def taught(
    source: EncoderSource,
    rows: Sequence[LabeledPrompt],
    features: SurfaceFeatures,
    config: FineTuning | None,
    advance: Callable[[int], None] = lambda _: None,
    read: Read = normalise,
) -> EncoderSource:
    """The encoder after it has learned the glossary's words and from `rows`, or as it is where `config` is None."""
    if config is None:
        return source
    texts = [read(row.prompt) for row in rows]
    targets = soft_targets([row.intent for row in rows], [row.second for row in rows], DEFAULT_INTENTS)
    groups = [row.group for row in rows]
    speaker = speaking(source, read_glossary())
    return fine_tune(speaker, texts, groups, originals(rows), features, targets, config, advance, read)


def soft_targets(labels: Sequence[str], seconds: Sequence[str | None], classes: Sequence[str]) -> Floats:
    """Label distributions (n, k): a fifth of the mass on the other acceptable label, a little on every class.

    A row's sum is its weight: 1 on average, and as much for every label together, however many rows it has. Label
    smoothing (Szegedy et al. 2016) keeps the encoder from growing over-sure of a writer's label.
    """
    smoothing, share = 0.05, 0.2
    targets = np.full((len(labels), len(classes)), smoothing / len(classes), dtype=np.float32)
    for row, (label, second) in enumerate(zip(labels, seconds, strict=True)):
        other = share if second is not None else 0.0
        targets[row, classes.index(label)] += (1 - smoothing) * (1 - other)
        if second is not None:
            targets[row, classes.index(second)] += (1 - smoothing) * other
    counts = Counter(labels)
    weights = [len(labels) / (len(counts) * counts[label]) for label in labels]
    return targets * np.array(weights, dtype=np.float32)[:, None]


@dataclass(frozen=True, slots=True)
class _Student:
    """What learns: the encoder, and a linear head over [scaled embedding ; standardised features]."""

    encoder: Any
    head: Any
    features: SurfaceFeatures
    seen: dict[str, Floats]
    mean: Floats
    slope: Floats
    max_tokens: int

    @classmethod
    def of(
        cls, source: EncoderSource, texts: Sequence[str], features: SurfaceFeatures, classes: int, config: FineTuning
    ) -> _Student:
        import torch  # noqa: PLC0415

        encoder = copy.deepcopy(source.model).train()
        for module in encoder.modules():
            # Changed copies of the prompts do what dropout would, and drawing its masks takes a third of the time.
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        head = torch.nn.Linear((encoder.get_embedding_dimension() or 0) + len(features.specs), classes)
        torch.nn.init.zeros_(head.weight)
        torch.nn.init.zeros_(head.bias)
        values = features.transform(texts)
        slope = (config.feature_weight / (values.std(axis=0) + 1e-6)).astype(np.float32)
        seen = dict(zip(texts, values, strict=True))
        return cls(encoder, head, features, seen, values.mean(axis=0), slope, config.max_tokens)

    @property
    def tokenizer(self) -> Any:
        """The encoder's own."""
        return self.encoder.tokenizer

    def logits(self, texts: list[str]) -> torch.Tensor:
        """One row a text, (n, k)."""
        import torch  # noqa: PLC0415

        tokens = self.tokenizer(texts, padding=True, truncation=True, max_length=self.max_tokens, return_tensors="pt")
        state = {"input_ids": tokens["input_ids"], "attention_mask": tokens["attention_mask"]}
        for stage in self.encoder:
            state = stage(state)
        embedding = torch.nn.functional.normalize(state["sentence_embedding"], dim=-1)
        surface = torch.from_numpy((self._surface(texts) - self.mean) * self.slope)
        logits: torch.Tensor = self.head(torch.cat([_EMBEDDING_SCALE * embedding, surface], dim=1))
        return logits

    def _surface(self, texts: list[str]) -> Floats:
        """Feature values; of a prompt as it was they are known, and counting them again takes a tenth of the time."""
        rows = [self.seen.get(text) for text in texts]
        fresh = iter(self.features.transform([text for text, row in zip(texts, rows, strict=True) if row is None]))
        return np.stack([next(fresh) if row is None else row for row in rows])


@dataclass(frozen=True, slots=True)
class _Batch:
    """Prompts as `shown`, their `rows`, and for those to be compared (`changed`, positions) the `plain` prompts.

    A changed prompt is compared with itself as it was, a translation with its original.
    """

    rows: NDArray[np.int64]
    shown: list[str]
    changed: list[int]
    plain: list[str]


def _loss(logits: torch.Tensor, wanted: torch.Tensor, batch: _Batch, consistency: float) -> torch.Tensor:
    """Cross-entropy of every prompt, plus what sets a changed prompt or a translation apart from the plain one.

    The second part is the symmetric Kullback-Leibler divergence of the two answers (after Wu et al.
    2021, R-Drop): a label that holds by a hair flips under a typo, one that holds with the same margin does not.
    What English is understood by is lent to its translations that way too.
    """
    from torch.nn.functional import cross_entropy, kl_div, log_softmax  # noqa: PLC0415

    n = len(batch.rows)
    loss = cross_entropy(logits[:n], wanted)
    if not batch.changed:
        return loss
    plain, changed = logits[n:], log_softmax(logits[batch.changed], dim=1)
    before = log_softmax(plain, dim=1)
    apart = sum(kl_div(a, b, log_target=True, reduction="batchmean") for a, b in ((changed, before), (before, changed)))
    return loss + len(batch.changed) / n * (cross_entropy(plain, wanted[batch.changed]) + consistency * apart / 2)


def _optimizer(student: _Student, rows: int, config: FineTuning) -> tuple[Any, Any]:
    """AdamW with a linear warm-up over a tenth of the steps and a linear decay (Devlin et al. 2019)."""
    import torch  # noqa: PLC0415

    parameters = list(student.encoder.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "lr": config.learning_rate, "weight_decay": 0.01},
        {"params": [p for p in parameters if p.ndim <= 1], "lr": config.learning_rate, "weight_decay": 0.0},
        {"params": list(student.head.parameters()), "lr": config.head_learning_rate, "weight_decay": 0.01},
    ]
    steps = config.epochs * -(-rows // config.batch_size)
    warm = max(1, steps // 10)
    optimizer = torch.optim.AdamW(groups, fused=True)
    return optimizer, torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))
    )


def _batches(
    tokenizer: Any, texts: Sequence[str], groups: Sequence[str], likes: Sequence[int], config: FineTuning, read: Read
) -> Iterator[_Batch]:
    """All prompts once an epoch; every epoch shows other prompts changed, and changed otherwise."""
    rng = np.random.default_rng(config.seed)
    members = np.unique(list(groups), return_inverse=True)[1]
    for epoch in range(config.epochs):
        shown = [read(text) for text in augment(texts, config.augmented, config.seed * 1000 + epoch)]
        lengths = np.array([len(tokens) for tokens in tokenizer(shown)["input_ids"]])
        for rows in _cut(lengths, members, config.batch_size, rng):
            changed = [i for i, row in enumerate(rows) if config.consistency and shown[row] != texts[likes[row]]]
            yield _Batch(rows, [shown[row] for row in rows], changed, [texts[likes[rows[i]]] for i in changed])


def _cut(
    lengths: NDArray[np.int64], members: NDArray[np.int64], size: int, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Batches of rows of about one length, those of a group (`members`, its number for every row) side by side.

    A contrast pair in one batch pulls at the encoder both ways in one step: what moves it is how the two differ.
    """
    place = rng.permutation(members.max() + 1)[members]
    longest = np.zeros(members.max() + 1, dtype=np.int64)
    np.maximum.at(longest, members, lengths)
    run = place * len(lengths) // len(longest) // (size * _BUCKET)
    order = np.lexsort((members, longest[members], run))
    batches = [order[i : i + size] for i in range(0, len(order), size)]
    return [batches[index] for index in rng.permutation(len(batches))]
