"""`prompt-intent classify` as people and pipes use it."""

from __future__ import annotations

import csv
import json
import math
import re
from pathlib import Path

import pytest

from tests.conftest import TrainedHome, run_command, write_rows


def test_a_prompt_on_the_command_line(trained: TrainedHome) -> None:
    """The decision is printed, with all probabilities."""
    done = run_command("classify", "a neon sign that says OPEN", home=trained.home)
    assert done.code == 0, done.err
    assert done.out.startswith("text_heavy")
    assert "complex_logic" in done.out


def test_json_for_programs(trained: TrainedHome) -> None:
    """--json gives the documented keys."""
    done = run_command("classify", "--json", "a cat", "a dog", home=trained.home)
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [row["row"] for row in rows] == [1, 2]
    assert set(rows[0]) == {"row", "prompt", "intent", "confidence", "probabilities", "abstained", "ood"}


def test_an_explanation_for_people(trained: TrainedHome) -> None:
    """--explain prints the parts that add up and each word with its number, below the decision."""
    done = run_command("classify", "--explain", "a neon sign that says OPEN", home=trained.home)
    assert done.code == 0, done.err
    assert done.out.startswith("text_heavy")
    assert "text_heavy against" in done.out
    for part in ("says", "(embedding)", "(bias)"):
        assert re.search(rf"^ *{re.escape(part)} .*[+-]\d+\.\d\d", done.out, re.MULTILINE)
    assert re.search(r"neon [+-]\d.*OPEN [+-]\d", done.out)


def test_an_explanation_for_programs(trained: TrainedHome) -> None:
    """--explain --json adds the structure to each answer; its parts add up to the log-odds of the probabilities."""
    done = run_command("classify", "--explain", "--json", "a sign that says OPEN", "two cats", home=trained.home)
    rows = [json.loads(line) for line in done.out.splitlines()]
    for row in rows:
        found = row["explanation"]
        parts = [found["bias"], found["embedding"], *(feature["contribution"] for feature in found["features"])]
        assert math.fsum(parts) == pytest.approx(found["log_odds"], rel=1e-12)
        odds = row["probabilities"][row["intent"]] / row["probabilities"][found["runner_up"]]
        assert found["log_odds"] == pytest.approx(math.log(odds), abs=1e-2)
    assert [word["text"] for word in rows[1]["explanation"]["words"]] == ["two", "cats"]


def test_a_bad_row_loses_no_other(trained: TrainedHome, tmp_path: Path) -> None:
    """Bad rows are reported by number and kept aside; the rest comes out in order, with the input's ids."""
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    rows = [json.dumps({"prompt": f"a cat number {n}", "id": n * 10}) for n in range(600)]
    rows[3], rows[300], rows[599] = "{broken", '{"text": "no prompt"}', '{"prompt": "  "}'
    source.write_bytes("\n".join(rows).encode() + b"\n\xff\xfe\n")
    done = run_command("classify", "--input", str(source), "--output", str(target), home=trained.home)
    answers = [json.loads(line) for line in target.read_text().splitlines()]
    assert done.code == 1
    assert [row["id"] for row in answers] == [n * 10 for n in range(600) if n not in (3, 300, 599)]
    rejects = [json.loads(line) for line in (tmp_path / "out.jsonl.rejects.jsonl").read_text().splitlines()]
    assert [row["row"] for row in rejects] == [4, 301, 600, 601]
    assert "row 4: not JSON" in done.err
    assert "597 classified, 4 rejected" in done.err


def test_text_pipes_through(trained: TrainedHome) -> None:
    """A pipe of lines gives a pipe of JSON lines."""
    done = run_command("classify", "--input", "-", "--format", "txt", home=trained.home, stdin=b"a cat\n\na logo\n")
    assert done.code == 0, done.err
    assert [(r["row"], r["prompt"]) for r in map(json.loads, done.out.splitlines())] == [(1, "a cat"), (3, "a logo")]


def test_csv_in_csv_out(trained: TrainedHome, tmp_path: Path) -> None:
    """A CSV keeps its ids, and gets a column a probability; an empty cell is a reject."""
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text('id,prompt\na,"a cat, asleep"\nb,\nc,"poster ""SALE"""\n')
    done = run_command("classify", "--input", str(source), "--output", str(target), home=trained.home)
    with target.open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["id"], row["row"], row["prompt"]) for row in rows] == [
        ("a", "1", "a cat, asleep"),
        ("c", "3", 'poster "SALE"'),
    ]
    assert set(rows[0]) >= {"intent", "confidence", "abstained", "ood", "p_preview"}
    assert "row 2: no prompt" in done.err


def test_answers_in_csv_always_have_an_id(trained: TrainedHome, tmp_path: Path) -> None:
    """Whichever row is the first to have one."""
    source = write_rows(tmp_path / "in.jsonl", [{"prompt": "a cat"}, {"prompt": "a dog", "id": 7}])
    target = tmp_path / "out.csv"
    done = run_command("classify", "--input", str(source), "--output", str(target), home=trained.home)
    assert done.code == 0, done.err
    with target.open() as file:
        assert [(row["id"], row["prompt"]) for row in csv.DictReader(file)] == [("", "a cat"), ("7", "a dog")]


def test_half_a_character_loses_no_other_row(trained: TrainedHome) -> None:
    """Half of a surrogate pair is legal in JSON and in no answer."""
    rows = rb"""{"prompt": "a cat"}
{"prompt": "a dog \ud83d"}
{"prompt": "a bird"}
"""
    done = run_command("classify", "--input", "-", home=trained.home, stdin=rows)
    assert [json.loads(line)["row"] for line in done.out.splitlines()] == [1, 3]
    assert done.code == 1
    assert "row 2: half of a surrogate pair" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--output", "{in}"), "--input and --output are one file"),
        (("--rejects", "{in}"), "--input and --rejects are one file"),
        (("--output", "{folder}/new", "--rejects", "{folder}/new"), "--output and --rejects are one file"),
        (("--output", "{folder}/none/out.csv"), "make it first"),
        (("--output", "{folder}"), "is a folder"),
    ],
)
def test_a_place_that_will_not_do_is_one_line(tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    """Said before anything is loaded, read or written."""
    source = write_rows(tmp_path / "in.jsonl", [{"prompt": "a cat"}])
    before = source.read_bytes()
    named = [option.format_map({"in": source, "folder": tmp_path}) for option in options]
    done = run_command("classify", "--input", str(source), *named, home=tmp_path / "home")
    assert done.code == 1
    assert words in done.err
    assert done.err.count("\n") == 1
    assert source.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_wrong_usage_is_exit_two(trained: TrainedHome, tmp_path: Path) -> None:
    """Nothing to classify, or a file that is not there, is a usage error."""
    assert run_command("classify", home=trained.home).code == 2
    assert run_command("classify", "--input", str(tmp_path / "none.txt"), home=trained.home).code == 2
    assert run_command("classify", "x", "--input", "-", home=trained.home).code == 2
    assert run_command("classify", "--explain", "--input", "-", home=trained.home).code == 2


def test_without_a_champion_it_says_to_train(tmp_path: Path) -> None:
    """The first use on a fresh machine names the command to run, without a traceback."""
    done = run_command("classify", "a cat", home=tmp_path)
    assert done.code == 1
    assert "prompt-intent train" in done.err
    assert "Traceback" not in done.err


def test_an_unnamed_format_asks_for_it(trained: TrainedHome, tmp_path: Path) -> None:
    """A file whose name says nothing is not guessed at."""
    source = write_rows(tmp_path / "rows.dat", [{"prompt": "a cat"}])
    done = run_command("classify", "--input", str(source), home=trained.home)
    assert done.code == 1
    assert "--format" in done.err
