"""What a training fits on and what it holds back."""

from __future__ import annotations

import pytest

from training.config import TrainConfig
from training.dataset import LabeledPrompt
from training.errors import DatasetError
from training.lesson import read_lesson

LABELS = ("preview", "text_heavy", "complex_logic")


def _rows(tags: dict[int, tuple[str, ...]], groups: dict[int, str] | None = None) -> list[LabeledPrompt]:
    return [
        LabeledPrompt(
            f"prompt number {i}", LABELS[i % 3], None, (groups or {}).get(i, str(i)), tags.get(i, ()), "t", "en"
        )
        for i in range(48)
    ]


def test_tagged_rows_and_their_groups_are_held_back() -> None:
    """Rows tagged for calibration, and the untagged twin of one, are fitted on by nothing."""
    rows = _rows({3: ("calibration",), 4: ("calibration", "pairs")}, {4: "twins", 5: "twins"})
    lesson = read_lesson(rows, TrainConfig())
    assert sorted(lesson.split.held_back) == [3, 4, 5]
    assert sorted(lesson.split.fit) == [i for i in range(48) if i not in (3, 4, 5)]
    assert len(lesson.texts) == len(lesson.labels) == 48


def test_without_a_tag_whole_groups_are_drawn() -> None:
    """One part of eight, by groups."""
    rows = _rows({}, {i: str(i // 2) for i in range(48)})
    lesson = read_lesson(rows, TrainConfig())
    held = set(lesson.split.held_back.tolist())
    assert 3 <= len(held) <= 9
    assert all((i in held) == (i + 1 in held) for i in range(0, 48, 2))


def test_a_file_for_calibration_only_is_refused() -> None:
    """Also when it is so for one class only: nothing would be left to learn it from, and the message names it."""
    with pytest.raises(DatasetError, match=r"complex_logic, preview, text_heavy is tagged .* untag some"):
        read_lesson(_rows(dict.fromkeys(range(48), ("calibration",))), TrainConfig())
    with pytest.raises(DatasetError, match="every row of text_heavy is tagged"):
        read_lesson(_rows(dict.fromkeys(range(1, 48, 3), ("calibration",))), TrainConfig())


def test_a_file_without_a_class_is_refused() -> None:
    """Nothing could tell the others from it; the message names file and class."""
    rows = [row for row in _rows({}) if row.intent != "text_heavy"]
    with pytest.raises(DatasetError, match=r"prompts\.jsonl: no prompt is labelled text_heavy: write some"):
        read_lesson(rows, TrainConfig())


def test_too_few_rows_to_hold_some_back_are_refused() -> None:
    """Seven of each class cannot be parted in eight; tagged for calibration, they need not be."""
    with pytest.raises(DatasetError, match=r"no class has more than 7 prompts, .* tag some for calibration"):
        read_lesson(_rows({})[:21], TrainConfig())
    assert read_lesson(_rows({0: ("calibration",)})[:21], TrainConfig()).split.held_back.tolist() == [0]


def test_too_few_groups_to_hold_some_back_are_refused() -> None:
    """Groups never part: of a class in one group nothing would be left, or of everything in one group."""
    with pytest.raises(DatasetError, match="too few groups"):
        read_lesson(_rows({}, dict.fromkeys(range(48), "all")), TrainConfig())
