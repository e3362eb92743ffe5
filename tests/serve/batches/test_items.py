"""Reading a batch: which rows are prompts, what their pictures are called, and what makes two of them equal."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.errors import RowError
from serve.batches.bodies import ROW_FIELDS, read_body
from serve.batches.items import Item, Reading, read_items, stem_of
from serve.errors import InvalidRequestError

OPTIONS = {"model": "gpt-image-2.5-flare", "n": 2}


def read(folder: Path, name: str, content: bytes) -> Reading:
    """The items of a file with this content."""
    file = folder / name
    file.write_bytes(content)
    return read_items(str(file), None, OPTIONS)


def names(reading: Reading) -> list[tuple[int, str, str]]:
    """Number, prompt and file name of every item."""
    return [(item.index, item.prompt, item.stem) for item in reading.items]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.txt", b"a fox\n\nBanner: SALE 50%!\n"),
        ("p.jsonl", b'{"prompt": "a fox"}\n\n{"prompt": "Banner: SALE 50%!"}\n'),
    ],
)
def test_rows_are_prompts_and_name_their_pictures(name: str, content: bytes, tmp_path: Path) -> None:
    """A blank line counts as a row and is none; the name is the row's number and words of the prompt."""
    assert names(read(tmp_path, name, content)) == [
        (1, "a fox", "0001-a-fox"),
        (3, "Banner: SALE 50%!", "0003-banner-sale-50"),
    ]


def test_a_row_with_an_id_is_named_by_it(tmp_path: Path) -> None:
    """The caller's own name for a prompt is the better one, unless no file can have it."""
    reading = read(tmp_path, "p.csv", b'id,prompt\nHero/1,"a fox\nin two lines"\n,a heron\n')
    assert names(reading) == [(1, "a fox\nin two lines", "0001-hero-1"), (2, "a heron", "0002-a-heron")]
    assert [item.id for item in reading.items] == ["Hero/1", ""]


def test_a_bad_row_loses_no_other(tmp_path: Path) -> None:
    """What is no prompt is told apart with its number."""
    reading = read(tmp_path, "p.jsonl", b'{"prompt": "a fox"}\nnonsense\n{"prompt": " "}\n{"prompt": "a heron"}\n')
    assert [item.index for item in reading.items] == [1, 4]
    assert [(reject.number, reject.reason[:8]) for reject in reading.rejects] == [(2, "not JSON"), (3, "the prom")]


def test_a_folder_is_a_prompt_a_text_file(tmp_path: Path) -> None:
    """Whole files in the order of their names, whose pictures have the same names; an empty one is a bad row."""
    for name, content in {"b.v2.txt": b"a heron\n", "a.TXT": b"\xef\xbb\xbfa fox\nrunning", "c.txt": b" "}.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "d.txt").write_bytes(b"\xff\xfe")
    (tmp_path / "notes.md").write_text("no prompt")
    reading = read_items(str(tmp_path), None, OPTIONS)
    assert names(reading) == [(1, "a fox\nrunning", "a"), (2, "a heron", "b.v2")]
    assert [reject.reason for reject in reading.rejects] == ["c.txt: is empty", "d.txt: not UTF-8 at byte 0"]


@pytest.mark.parametrize("name", ["missing.txt", "."])
def test_nothing_to_read_is_an_error_that_names_it(name: str, tmp_path: Path) -> None:
    """No such file, or a folder without text files."""
    with pytest.raises(InvalidRequestError, match=r"no such file|no \.txt files") as caught:
        read_items(str(tmp_path / name), None, OPTIONS)
    assert caught.value.param == "input"


def test_a_file_of_unknown_format_is_refused(tmp_path: Path) -> None:
    """Its name says nothing and the caller neither."""
    with pytest.raises(RowError, match="--format"):
        read(tmp_path, "prompts.dat", b"a fox\n")


def test_an_item_stays_the_same_when_rows_move(tmp_path: Path) -> None:
    """Identity is prompt, options and which of equal ones it is; not the row's number."""
    first = read(tmp_path, "p.txt", b"a fox\na heron\na fox\n").items
    moved = read(tmp_path, "p.txt", b"a new one\na heron\na fox\na fox\n").items
    assert len({item.identity for item in first}) == 3
    assert {item.identity for item in first} < {item.identity for item in moved}
    other = Item(1, "a fox", OPTIONS | {"n": 1}, "x")
    assert other.identity not in {item.identity for item in first}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.jsonl", b'{"prompt": "a dog", "aspect_ratio": "16:9", "n": 3, "size": null}\n{"prompt": "a dog"}\n'),
        ("p.csv", b"aspect_ratio,prompt,n,size\n16:9,a dog,3,\n,a dog,,\n"),
    ],
)
def test_a_rows_own_options_go_before_those_of_the_batch(name: str, content: bytes, tmp_path: Path) -> None:
    """They are part of what is asked and of which item it is; a null or an empty cell asks for nothing."""
    own, plain = read(tmp_path, name, content).items
    assert (own.options, plain.options) == ({**OPTIONS, "n": 3, "aspect_ratio": "16:9"}, OPTIONS)
    assert own.identity != plain.identity
    body = read_body(own.prompt, own.options, {})
    assert (body.aspect_ratio, body.n, body.model) == ("16:9", 3, OPTIONS["model"])


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("p.jsonl", b'{"prompt": "a fox"}\n\n{"prompt": "a dog", "aspct_ratio": "16:9"}\n', 3),
        ("p.jsonl", b'{"prompt": "a dog", "response_format": "url"}\n', 1),
        ("p.csv", b"prompt,aspct_ratio\na fox,\na dog,16:9\n", 1),
    ],
)
def test_a_field_that_nobody_knows_is_refused(name: str, content: bytes, line: int, tmp_path: Path) -> None:
    """A misspelt wish must not become a paid picture without it: file, line, and what can be asked for."""
    with pytest.raises(
        InvalidRequestError, match=rf"{name}, line {line}: there is no field '\w+'; known are "
    ) as caught:
        read(tmp_path, name, content)
    assert caught.value.param == "input"
    assert "prompt, id, allow, aspect_ratio, background" in str(caught.value)


def test_a_row_that_asks_for_what_cannot_be_meant_loses_no_other(tmp_path: Path) -> None:
    """It is told with what to write instead, before anything is drawn."""
    found = read(tmp_path, "p.csv", b"prompt,n,size\na fox,two,\na heron,2,\na dog,,big\n")
    assert [item.prompt for item in found.items] == ["a heron"]
    assert [(reject.number, reject.reason) for reject in found.rejects] == [
        (1, "n: expected a whole number, 1 or more"),
        (3, "size: expected pixels as WxH, such as 1024x1024, or auto"),
    ]


@given(st.text(min_size=1))
def test_any_prompt_makes_a_file_name(prompt: str) -> None:
    """Short, not hidden, and without anything that leads out of the folder."""
    stem = stem_of(prompt)
    assert 0 < len(stem) <= 40
    assert not set(stem) & set("/\\:.\0 ")


def test_a_field_that_cannot_be_meant_is_named() -> None:
    """Before anything is sent, and 0 and "" are meant."""
    with pytest.raises(InvalidRequestError) as caught:
        read_body("a fox", {"size": "big"}, {})
    assert (caught.value.param, str(caught.value)) == ("size", "expected pixels as WxH, such as 1024x1024, or auto")
    for field in sorted(ROW_FIELDS):
        with pytest.raises(InvalidRequestError, match=r"^expected ") as caught:
            read_body("a fox", {field: ["?"] if field not in ("allow", "deny") else "?"}, {})
        assert caught.value.param == field
    body = read_body("a fox", {"seed": 0, "negative_prompt": ""}, {"max_cost": 0})
    assert (body.seed, body.negative_prompt, body.max_cost) == (0, "", 0)
