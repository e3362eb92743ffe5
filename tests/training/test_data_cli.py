"""`prompt-intent data check` as people and programs call it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from training.data_cli import data_app
from training.dataset import LabeledPrompt, fingerprint

# What the machine that runs the tests says about its own terminal must not matter.
PIPED = {"FORCE_COLOR": None, "TTY_COMPATIBLE": None, "COLUMNS": "200"}
CLASSES = ("preview", "text_heavy", "complex_logic")


def rows_of(*texts: str, group: str = "group of") -> list[LabeledPrompt]:
    """Rows with the three classes in turn, each in a group of its own."""
    return [
        LabeledPrompt(text, CLASSES[number % 3], None, f"{group} {text}", ("tag",), "origin [a]", "en")
        for number, text in enumerate(texts)
    ]


TRAIN = rows_of("a red fox", "mug that says HELLO", "a cat chases two dogs")
TEST = rows_of("a paper boat", "banner SALE 50%", "a clock inside an egg")


def write(path: Path, rows: Sequence[LabeledPrompt], *more: str) -> Path:
    """The rows, and any other lines, as JSONL."""
    path.parent.mkdir(exist_ok=True)
    lines = [json.dumps(asdict(row)) for row in rows]
    path.write_text("\n".join([*lines, *more]), encoding="utf-8")
    return path


def run(*arguments: str | Path, env: dict[str, str] | None = None) -> Result:
    """The command as it is mounted: `data check ...`."""
    app = typer.Typer()
    app.add_typer(data_app, name="data")
    return CliRunner().invoke(app, ["data", "check", *map(str, arguments)], env={**PIPED, **(env or {})})


def reported(result: Result) -> dict[str, Any]:
    """The JSON that a run printed on standard output."""
    parsed: dict[str, Any] = json.loads(result.stdout)
    return parsed


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a clean training file and a clean test file."""
    write(tmp_path / "data" / "prompts.jsonl", TRAIN)
    write(tmp_path / "data" / "test.jsonl", TEST)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_clean_files_exit_0(project: Path) -> None:
    """Without a file, the training file is checked against the test set, and the test set itself; both pass."""
    result = run()
    assert result.exit_code == 0, result.output
    assert "data/prompts.jsonl against data/test.jsonl: passed, 0 errors, 0 warnings" in result.stdout.splitlines()
    assert result.stdout.splitlines()[-1] == "data/test.jsonl: passed, 0 errors, 0 warnings"


def test_a_leak_into_the_test_set_exits_1(project: Path) -> None:
    """A test prompt among the training rows fails the default check, with the lines of both files."""
    write(project / "data" / "prompts.jsonl", [*TRAIN, *rows_of("A PAPER boat", group="other")])
    result = run()
    assert result.exit_code == 1
    assert "data/prompts.jsonl: error: leak: line 4; against line 1: “a paper boat” is in both files" in result.stdout


def test_a_fault_of_the_test_set_itself_exits_1(project: Path) -> None:
    """The default check looks into the test set too."""
    write(project / "data" / "test.jsonl", [*TEST, TEST[0]])
    result = run()
    assert result.exit_code == 1
    assert "data/test.jsonl: error: duplicate: lines 1, 4: “a paper boat” occurs 2 times" in result.stdout


def test_named_files_are_checked_each_against_the_other(project: Path) -> None:
    """FILE can be several; the file they are checked against is not compared with itself."""
    result = run("data/prompts.jsonl", "data/test.jsonl", "--against", "data/test.jsonl", "--json")
    assert result.exit_code == 0
    files = reported(result)["files"]
    assert [(file["file"], file["against"]) for file in files] == [
        ("data/prompts.jsonl", "data/test.jsonl"),
        ("data/test.jsonl", None),
    ]


def test_against_alone_checks_the_training_file(project: Path) -> None:
    """With only --against, the default training file is what is checked."""
    write(project / "gold.jsonl", TRAIN[:1])
    result = run("--against", "gold.jsonl", "--json")
    assert result.exit_code == 1
    (file,) = reported(result)["files"]
    assert (file["file"], file["against"]) == ("data/prompts.jsonl", "gold.jsonl")
    assert [finding["kind"] for finding in file["findings"]] == ["leak", "shared_group"]


def test_warnings_alone_exit_0(project: Path) -> None:
    """A thin class is shown and does not fail."""
    result = run(write(project / "thin.jsonl", TRAIN[:2]))
    assert result.exit_code == 0
    assert "warning: class_balance: complex_logic has 0 of 2 rows" in result.stdout
    assert "passed, 0 errors, 1 warning" in result.stdout


@pytest.mark.parametrize("arguments", [["none.jsonl"], ["--against", "none.jsonl"], ["data"]])
def test_a_file_that_cannot_be_read_exits_2(project: Path, arguments: list[str]) -> None:
    """A missing file or a folder is a usage error that says which path, and nothing is printed on standard output."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert f"{arguments[-1]}: cannot be read" in result.stderr
    assert result.stdout == ""


def test_a_missing_default_file_exits_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a project folder the command asks for a file instead of passing."""
    monkeypatch.chdir(tmp_path)
    result = run()
    assert result.exit_code == 2
    assert "data/prompts.jsonl: cannot be read" in result.stderr


def test_schema_problems_are_findings_with_lines(project: Path) -> None:
    """Broken rows fail the check by line, of either file, and the good rows are checked all the same."""
    path = write(project / "rows.jsonl", [*TRAIN, TRAIN[0]], "", "{")
    other = write(project / "other.jsonl", TEST, '{"prompt": 1}')
    result = run(path, "--against", other, "--json")
    assert result.exit_code == 1
    (file,) = reported(result)["files"]
    places = {(finding["kind"], tuple(finding["lines"]), tuple(finding["other_lines"])) for finding in file["findings"]}
    assert places == {("schema", (6,), ()), ("schema", (), (4,)), ("duplicate", (1, 4), ())}
    assert file["fingerprint"] is None
    assert file["findings"][0]["message"].startswith(f"{path}:6: json: invalid at column")


def test_json_has_one_shape(project: Path) -> None:
    """`--json` prints one object: the verdict, and for each file its findings, fingerprint and summary."""
    write(project / "data" / "prompts.jsonl", [*TRAIN, TRAIN[0]])
    result = run("data/prompts.jsonl", "--json")
    assert result.exit_code == 1
    assert reported(result) == {
        "failed": True,
        "files": [
            {
                "file": "data/prompts.jsonl",
                "against": None,
                "failed": True,
                "fingerprint": fingerprint([*TRAIN, TRAIN[0]]),
                "findings": [
                    {
                        "kind": "duplicate",
                        "message": "“a red fox” occurs 2 times: keep one row",
                        "lines": [1, 4],
                        "severity": "error",
                        "other_lines": [],
                    }
                ],
                "summary": {
                    "rows": 4,
                    "groups": 3,
                    "classes": {"preview": 2, "text_heavy": 1, "complex_logic": 1},
                    "languages": {"en": 4},
                    "origins": {"origin [a]": 4},
                    "words": {"min": 3, "p10": 3, "p50": 3, "p90": 5, "max": 5},
                },
            }
        ],
    }


def test_a_pipe_gets_plain_lines(project: Path) -> None:
    """Piped output has no box, no colour, and every line begins with its file."""
    lines = run("data/prompts.jsonl").stdout.splitlines()
    assert "data/prompts.jsonl: rows: 3" in lines
    assert "data/prompts.jsonl: class text_heavy: 1 (33.3%)" in lines
    assert "data/prompts.jsonl: words max: 5" in lines
    assert f"data/prompts.jsonl: fingerprint: {fingerprint(TRAIN)}" in lines
    assert all(line.startswith("data/prompts.jsonl: ") for line in lines)


def test_a_terminal_gets_tables(project: Path) -> None:
    """On a terminal the report is drawn as tables, and brackets in the data are text, not markup."""
    rows = [*TRAIN, *rows_of("[bold]sign[/bold]", "[BOLD]sign[/bold]")]
    result = run(write(project / "rows.jsonl", rows), env={"FORCE_COLOR": "1", "COLUMNS": "160"})
    assert result.exit_code == 1
    assert "┃" in result.stdout
    assert "\x1b[31merror" in result.stdout
    assert "“[bold]sign[/bold]” is labelled preview and text_heavy" in result.stdout
    assert "origin [a]" in result.stdout


def test_long_lists_of_lines_are_cut(project: Path) -> None:
    """Eight lines are named and the rest counted, the JSON has them all."""
    path = write(project / "rows.jsonl", TRAIN[:1] * 11)
    assert "duplicate: lines 1, 2, 3, 4, 5, 6, 7, 8 and 3 more: " in run(path).stdout
    assert reported(run(path, "--json"))["files"][0]["findings"][0]["lines"] == list(range(1, 12))


def test_the_command_line_starts_without_datasketch() -> None:
    """Importing the commands does not pay for what only a check needs."""
    code = (
        "import sys, training.data_cli; print(sorted({'datasketch', 'scipy', 'sklearn', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
