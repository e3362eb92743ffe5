"""Reading labelled prompts, and what is said about the ones that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from training.dataset import LabeledPrompt, load_prompts, read_prompts
from training.errors import DatasetError, TrainingError

GOOD: dict[str, object] = {
    "prompt": "a neon sign that says OPEN",
    "intent": "text_heavy",
    "second": None,
    "group": "g-1",
    "tags": ["sign", "short"],
    "origin": "tests",
    "language": "en",
}


def without(key: str) -> str:
    """The good row's JSON, one key missing."""
    return json.dumps({name: value for name, value in GOOD.items() if name != key})


def broken(**changes: object) -> str:
    """The good row's JSON with some values replaced or added."""
    return json.dumps(GOOD | changes)


def written(path: Path, *lines: str) -> Path:
    """A JSONL file of these lines."""
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


BROKEN_ROWS = {
    "broken JSON": ('{"prompt": "a cat"', "json: invalid at column 19"),
    "two objects on a line": (json.dumps(GOOD) * 2, "json: invalid at column"),
    "an array": ("[1, 2]", "json: not an object"),
    "a key given twice": ('{"prompt": "a", "prompt": "b"}', "json: unreadable (repeated keys: prompt)"),
    "nesting without end": ("[" * 100_000, "json: unreadable"),
    "no prompt": (without("prompt"), "prompt: missing: add it"),
    "no intent": (without("intent"), "intent: missing: add it"),
    "no group": (without("group"), "group: missing: add it"),
    "no tags": (without("tags"), "tags: missing: add it"),
    "no origin": (without("origin"), "origin: missing: add it"),
    "no language": (without("language"), "language: missing: add it"),
    "unknown key": (broken(label="preview"), "label: unknown key: remove it (known: prompt, intent"),
    "prompt is a number": (broken(prompt=7), "prompt: expected a string, got a number"),
    "prompt is empty": (broken(prompt=""), "prompt: empty: write the prompt"),
    "prompt is only invisible": (broken(prompt=" \u200b\t"), "prompt: empty: write the prompt"),
    "half a surrogate pair": (broken(prompt="cat \ud83d"), "prompt: half of a surrogate pair"),
    "unknown intent": (broken(intent="logo"), "intent: 'logo' is no intent: use one of preview, text_heavy"),
    "intent in another case": (broken(intent="TEXT_HEAVY"), "intent: 'TEXT_HEAVY' is no intent"),
    "intent is null": (broken(intent=None), "intent: null is no intent"),
    "intent is an array": (broken(intent=["preview"]), "intent: an array is no intent"),
    "unknown second": (broken(second="logo"), "second: 'logo' is no intent"),
    "second is empty": (broken(second=""), "second: '' is no intent"),
    "second equals intent": (broken(second="text_heavy"), "second: equal to intent ('text_heavy')"),
    "group is empty": (broken(group="  "), "group: empty: give the row a group"),
    "group is a number": (broken(group=1), "group: expected a string, got a number"),
    "tags are a string": (broken(tags="sign"), "tags: expected an array of strings, got a string"),
    "a tag is a boolean": (broken(tags=["sign", True]), "tags: a tag is wrong: expected a string, got a boolean"),
    "a tag is empty": (broken(tags=[""]), "tags: a tag is wrong: empty"),
    "a tag twice": (broken(tags=["b", "a", "b"]), "tags: repeated: 'b': list each tag once"),
    "origin is empty": (broken(origin=""), "origin: empty: say where"),
    "language in words": (broken(language="english"), "language: 'english' is no language code"),
    "language with a region": (broken(language="pt-BR"), "language: 'pt-BR' is no language code"),
    "language of one letter": (broken(language="e"), "language: 'e' is no language code"),
    "language with a line break": (broken(language="en\n"), "language: 'en\\n' is no language code"),
    "language is an object": (broken(language={}), "language: an object is no language code"),
}


@pytest.mark.parametrize(("line", "message"), BROKEN_ROWS.values(), ids=BROKEN_ROWS.keys())
def test_every_schema_problem_names_file_line_and_field(tmp_path: Path, line: str, message: str) -> None:
    """A broken third line is refused with `file:3: field: what is wrong`, the blank second line counted."""
    path = written(tmp_path / "rows.jsonl", json.dumps(GOOD), "", line)
    with pytest.raises(DatasetError) as caught:
        load_prompts(path)
    assert str(caught.value).startswith(f"{path}:3: {message}")
    assert isinstance(caught.value, TrainingError)


def test_a_good_row_is_read_as_it_is(tmp_path: Path) -> None:
    """Values arrive unchanged, tags as a tuple."""
    path = written(tmp_path / "rows.jsonl", json.dumps(GOOD | {"second": "preview"}))
    assert load_prompts(path) == [
        LabeledPrompt(
            prompt="a neon sign that says OPEN",
            intent="text_heavy",
            second="preview",
            group="g-1",
            tags=("sign", "short"),
            origin="tests",
            language="en",
        )
    ]


def test_second_may_be_left_out(tmp_path: Path) -> None:
    """A row without `second` equals one whose `second` is null."""
    rows = load_prompts(written(tmp_path / "rows.jsonl", without("second"), broken()))
    assert rows[0] == rows[1]
    assert rows[0].second is None


def test_blank_lines_line_separators_and_crlf_do_not_shift_lines(tmp_path: Path) -> None:
    """Only newlines end a row: a U+2028 inside a prompt is content, CRLF and blank lines are not."""
    prompt = "a poster\u2028in two lines"
    row = json.dumps(GOOD | {"prompt": prompt}, ensure_ascii=False)
    path = tmp_path / "rows.jsonl"
    path.write_bytes(f"\r\n  \n{row}\r\n\n{json.dumps(GOOD)}".encode())
    file = read_prompts(path)
    assert file.problems == ()
    assert file.lines == (3, 5)
    assert file.rows[0].prompt == prompt


def test_all_problems_of_a_row_are_collected(tmp_path: Path) -> None:
    """One row with four faults gives four lines of message."""
    path = written(tmp_path / "rows.jsonl", json.dumps({"prompt": "", "intent": "logo", "tags": [], "group": "g"}))
    with pytest.raises(DatasetError) as caught:
        load_prompts(path)
    fields = [line.removeprefix(f"{path}:1: ").split(":")[0] for line in str(caught.value).splitlines()]
    assert sorted(fields) == ["intent", "language", "origin", "prompt"]


@pytest.mark.parametrize(
    ("count", "last"),
    [(20, ":20: intent"), (21, "and 1 more problem"), (45, "and 25 more problems")],
)
def test_twenty_problems_are_listed_and_the_rest_counted(tmp_path: Path, count: int, last: str) -> None:
    """The message stops at twenty problems and says how many it leaves out."""
    path = written(tmp_path / "rows.jsonl", *[broken(intent="logo")] * count)
    with pytest.raises(DatasetError) as caught:
        load_prompts(path)
    lines = str(caught.value).splitlines()
    assert sum(line.startswith(str(path)) for line in lines) == min(count, 20)
    assert last in lines[-1]


def test_good_rows_survive_beside_broken_ones(tmp_path: Path) -> None:
    """`read_prompts` keeps the good rows with their lines, and the problems apart."""
    file = read_prompts(written(tmp_path / "rows.jsonl", "{", broken(), without("group"), broken(group="g-2")))
    assert file.lines == (2, 4)
    assert [row.group for row in file.rows] == ["g-1", "g-2"]
    assert [(problem.line, problem.field) for problem in file.problems] == [(1, "json"), (3, "group")]


def test_another_set_of_classes_decides_what_an_intent_is(tmp_path: Path) -> None:
    """Labels are judged by the classes that are passed, in `intent` and in `second`."""
    path = written(tmp_path / "rows.jsonl", broken(intent="photo", second="logo"))
    assert load_prompts(path, classes=("photo", "logo"))[0].intent == "photo"
    with pytest.raises(DatasetError, match="'photo' is no intent: use one of logo, preview"):
        load_prompts(path, classes=("logo", "preview"))


def test_bytes_that_are_not_utf8_are_named(tmp_path: Path) -> None:
    """A Latin-1 line is refused with its line and byte; the others are read."""
    path = tmp_path / "rows.jsonl"
    path.write_bytes(json.dumps(GOOD).encode() + b'\n{"prompt": "caf\xe9"}\n')
    file = read_prompts(path)
    assert len(file.rows) == 1
    assert file.located(file.problems[0]) == f"{path}:2: json: not UTF-8 at byte 16: save the file as UTF-8"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A missing file and a folder are dataset errors that name the path."""
    for path in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(DatasetError, match="cannot be read") as caught:
            load_prompts(path)
        assert str(path) in str(caught.value)


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    """Nothing can be trained on an empty file, so loading it fails at once."""
    with pytest.raises(DatasetError, match="holds no rows"):
        load_prompts(written(tmp_path / "rows.jsonl", "", "  "))
