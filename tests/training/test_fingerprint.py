"""A fingerprint names the content of a set of rows, not the way it was written down."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifier.intents import DEFAULT_INTENTS
from classifier.text import normalise
from training.dataset import LabeledPrompt, fingerprint, load_prompts

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(normalise)
LABELS = st.permutations(DEFAULT_INTENTS)
FIELDS = ("prompt", "intent", "second", "group", "tags", "origin", "language")


@st.composite
def labelled_prompts(draw: st.DrawFn) -> LabeledPrompt:
    """Any row that the schema accepts."""
    intent, second, _ = draw(LABELS)
    return LabeledPrompt(
        prompt=draw(TEXTS),
        intent=intent,
        second=draw(st.sampled_from([None, second])),
        group=draw(TEXTS),
        tags=tuple(draw(st.lists(TEXTS, max_size=3, unique=True))),
        origin=draw(TEXTS),
        language=draw(st.from_regex("[a-z]{2,3}", fullmatch=True)),
    )


ROWS = st.lists(labelled_prompts(), max_size=6)
quick = settings(max_examples=60, deadline=None, database=None)


def as_lines(rows: Sequence[LabeledPrompt], seed: int) -> str:
    """The rows as JSONL with keys and rows shuffled and whitespace, escapes and blank lines sprinkled in."""
    chance = random.Random(seed)
    lines = []
    for row in rows:
        pairs = list(asdict(row).items())
        chance.shuffle(pairs)
        separators = (chance.choice([",", " ,  "]), chance.choice([":", " : "]))
        lines.append(json.dumps(dict(pairs), separators=separators, ensure_ascii=chance.random() < 0.5))
        lines += [""] * chance.randrange(2)
    return "\n".join(lines)


@quick
@given(rows=ROWS, seed=st.integers(0, 1000))
def test_the_order_of_the_rows_does_not_matter(rows: list[LabeledPrompt], seed: int) -> None:
    """Any shuffle of the same rows has the same fingerprint."""
    shuffled = random.Random(seed).sample(rows, len(rows))
    assert fingerprint(shuffled) == fingerprint(rows)


@quick
@given(rows=st.lists(labelled_prompts(), min_size=1, max_size=6), field=st.sampled_from(FIELDS), data=st.data())
def test_every_field_of_every_row_matters(rows: list[LabeledPrompt], field: str, data: st.DataObject) -> None:
    """One field of one row changed gives another fingerprint."""
    position = data.draw(st.integers(0, len(rows) - 1))
    old = rows[position]
    new = (*old.tags, "one more") if field == "tags" else f"{getattr(old, field)}x"
    changed = [*rows[:position], LabeledPrompt(**asdict(old) | {field: new}), *rows[position + 1 :]]
    assert fingerprint(changed) != fingerprint(rows)


@quick
@given(left=ROWS, right=ROWS)
def test_only_equal_content_has_equal_fingerprints(left: list[LabeledPrompt], right: list[LabeledPrompt]) -> None:
    """Two lists have one fingerprint exactly when they are the same rows the same number of times."""
    same = sorted(map(repr, left)) == sorted(map(repr, right))
    assert (fingerprint(left) == fingerprint(right)) is same


@settings(quick, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(labelled_prompts(), min_size=1, max_size=4), seed=st.integers(0, 1000))
def test_rows_survive_any_way_of_writing_the_file(tmp_path: Path, rows: list[LabeledPrompt], seed: int) -> None:
    """Written with other whitespace, key order and escapes, a file gives the same rows and the same fingerprint."""
    path = tmp_path / "rows.jsonl"
    path.write_bytes(as_lines(rows, seed).encode())
    loaded = load_prompts(path)
    assert loaded == rows
    assert fingerprint(loaded) == fingerprint(rows)


def test_a_repeated_row_counts() -> None:
    """A row twice is not the row once, and a fingerprint is 64 hexadecimal digits, also of nothing."""
    row = LabeledPrompt("a red fox", "preview", None, "g", (), "tests", "en")
    assert fingerprint([row, row]) != fingerprint([row])
    assert re.fullmatch("[0-9a-f]{64}", fingerprint([]))


def test_the_recipe_does_not_change_unnoticed() -> None:
    """The fingerprint of a known row stays what bundles and runs have recorded of it."""
    row = LabeledPrompt("un café “OPEN”", "text_heavy", "preview", "g-1", ("sign",), "tests", "fr")
    assert fingerprint([row]) == "67f54e97ee935d1c3e4f38a423715168e59f44c9064417b4a5d73ca827d3cda4"
