"""What callers say of images and requests."""

from __future__ import annotations

import pytest

from serve.errors import NotFoundError, StoreError
from serve.store import FeedbackRecord
from tests.serve.store.conftest import NOW, Life, image


async def _answered(life: Life) -> None:
    await life.begin("r", intent="preview")
    await life.call("r")
    await life.finish("r", row="gpt-image-2", images=(image("a", "r"), image("b", "r")))


async def test_feedback_counts_for_the_model_and_intent_that_answered(life: Life) -> None:
    """Thumbs of images and of whole requests, and callers who name another intent."""
    await _answered(life)
    for record in (
        FeedbackRecord(NOW, image_id="a", thumb=1),
        FeedbackRecord(NOW, image_id="b", thumb=-1, right_intent="text_heavy"),
        FeedbackRecord(NOW, request_id="r", thumb=1, right_intent="preview", comment="right"),
    ):
        await life.store.feedback(record)

    stats = await life.store.stats()
    [model] = stats.models
    assert (model.model, model.intent) == ("gpt-image-2", "preview")
    assert (model.thumbs_up, model.thumbs_down, model.corrected) == (2, 1, 1)
    assert (stats.totals.thumbs_up, stats.totals.thumbs_down, stats.totals.corrected) == (2, 1, 1)


async def test_a_caller_has_one_say_an_image(life: Life) -> None:
    """Changing one's mind replaces the thumb; what is left out stays; other callers have a say of their own."""
    await _answered(life)
    await life.store.feedback(FeedbackRecord(NOW, image_id="a", thumb=1, right_intent="text_heavy"))
    await life.store.feedback(FeedbackRecord(NOW + 1, image_id="a", thumb=-1))
    await life.store.feedback(FeedbackRecord(NOW + 2, "somebody else", image_id="a", thumb=1))

    totals = (await life.store.stats()).totals
    assert (totals.thumbs_up, totals.thumbs_down, totals.corrected) == (1, 1, 1)


async def test_feedback_on_nothing_is_not_found(life: Life) -> None:
    """An unknown image, an unknown request, or neither; and nothing is kept."""
    for record in (
        FeedbackRecord(NOW, image_id="x", thumb=1),
        FeedbackRecord(NOW, request_id="x", thumb=1),
        FeedbackRecord(NOW, thumb=1),
    ):
        with pytest.raises(NotFoundError, match="no image or request"):
            await life.store.feedback(record)
    assert (await life.store.stats()).totals.thumbs_up == 0


async def test_a_thumb_is_up_or_down(life: Life) -> None:
    """The file itself refuses any other."""
    await _answered(life)
    with pytest.raises(StoreError):
        await life.store.feedback(FeedbackRecord(NOW, image_id="a", thumb=5))  # type: ignore[arg-type]
