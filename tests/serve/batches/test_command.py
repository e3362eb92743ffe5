"""`prompt-intent generate` as users run it: files, tables, JSON, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from serve.cli import app
from serve.store.lock import owned

pytestmark = pytest.mark.usefixtures("_own_logging")
PREVIEW = ("--intent", "preview")


@pytest.fixture(autouse=True)
def _in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, stdin: bytes = b"", **environment: str) -> Result:
    """One command, in a terminal wide enough for its tables."""
    return CliRunner().invoke(app, ["generate", *arguments], input=stdin, env={"COLUMNS": "200", **environment})


def test_a_prompt_becomes_a_file(tmp_path: Path) -> None:
    """The vendor's bytes; intent, model, vendor model, cost and time are told."""
    result = run("a fox", "-o", "fox.png", *PREVIEW)
    assert result.exit_code == 0, result.output
    [stored] = (tmp_path / "home/images").iterdir()
    assert Path("fox.png").read_bytes() == stored.read_bytes()
    for told in ("preview", "imagen-4-fast", "imagen-4.0-fast-generate-001 at google", "US$ 0.0200", " ms", "fox.png"):
        assert told in result.stdout


def test_the_extension_follows_the_vendors_bytes() -> None:
    """A JPEG is not called .png, and the command says so."""
    result = run("a fox", "-o", "fox.png", "--model", "gpt-image-2.5-flare", "--output-format", "jpeg", "-n", "2")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in Path().glob("fox*")) == ["fox-1.jpg", "fox-2.jpg"]
    assert "jpg is what the vendor sent, so it is not fox.png" in result.stdout


@pytest.mark.parametrize(("name", "asked"), [("fox.jpg", "jpg"), ("fox.JPEG", "JPEG"), ("fox.webp", "webp")])
def test_the_files_ending_asks_for_its_format(name: str, asked: str) -> None:
    """Where the model can choose and nothing else was asked for, the file has the name that was given."""
    result = run("a fox", "-o", name, "--model", "gpt-image-2.5-flare")
    assert result.exit_code == 0, result.output
    assert [path.name for path in Path().glob("fox*")] == [f"fox.{asked}"]


def test_a_format_that_only_the_name_asked_for_is_no_warning() -> None:
    """A model that cannot choose: the file's own line says what came, if that is not what the name says."""
    result = run("a fox", "-o", "fox.png", "--model", "ideogram-v2a")
    assert "output_format" not in result.stdout
    result = run("a fox", "-o", "fox.jpg", "--model", "ideogram-v2a")
    assert "png is what the vendor sent, so it is not fox.jpg" in result.stdout
    assert "output_format" not in result.stdout
    result = run("a fox", "-o", "b.png", "--model", "ideogram-v2a", "--output-format", "jpeg")
    assert "output_format dropped" in result.stdout


def test_without_a_name_the_prompt_names_the_file() -> None:
    """Beside another file of that name."""
    Path("a-fox-50-off.png").write_bytes(b"mine")
    result = run("A fox: 50% off!", *PREVIEW)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in Path().glob("*.png")) == ["a-fox-50-off.png", "a-fox-50-off~2.png"]


def test_an_existing_file_is_not_overwritten() -> None:
    """Refused before anything is drawn; --force draws over it."""
    Path("fox.png").write_bytes(b"mine")
    refused = run("a fox", "-o", "fox.png", *PREVIEW)
    assert (refused.exit_code, Path("fox.png").read_bytes()) == (2, b"mine")
    assert "--force" in refused.output
    assert not Path("home").exists()
    assert run("a fox", "-o", "fox.png", *PREVIEW, "--force").exit_code == 0
    assert Path("fox.png").read_bytes() != b"mine"


def test_the_decision_is_shown() -> None:
    """Every candidate with its reason, every attempt, and what was dropped."""
    result = run("a fox", "-o", "fox.png", "--intent", "text_heavy", "--explain", "--negative-prompt", "", "--n", "2")
    assert result.exit_code == 0, result.output
    for told in ("the caller asked for the intent text_heavy", "first choice for text_heavy", "thrown out", "V_2A"):
        assert told in result.stdout


def test_json_is_one_line_on_stdout() -> None:
    """Files, milliseconds and the whole decision; warnings go elsewhere."""
    result = run("a fox", "-o", "fox.png", "--json", "--model", "ideogram-v2a", "--optimize", "cost")
    told = json.loads(result.stdout)
    assert (told["files"], told["routing"]["model"]) == (["fox.png"], "ideogram-v2a")
    assert any("optimize has no effect" in warning for warning in told["routing"]["warnings"])


def test_a_failure_is_one_line_on_stderr_and_exit_1() -> None:
    """A content block; the JSON says the same."""
    result = run("sandbox-blocked", "-o", "x.png", *PREVIEW, "--json")
    assert result.exit_code == 1
    assert result.stderr.startswith("prompt-intent: google: ")
    assert json.loads(result.stdout)["error"]["code"] == "moderation_blocked"
    assert not Path("x.png").exists()


def test_a_price_over_the_limit_is_no_usage_error() -> None:
    """Nothing is drawn, exit 1, and the message says what it would have cost."""
    result = run("a fox", "-o", "fox.png", *PREVIEW, "--max-cost", "0")
    assert result.exit_code == 1
    assert "over max_cost 0" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give a prompt, or --input"),
        (["a fox", "--input", "p.txt"], "give a prompt, or --input"),
        (["--input", "p.txt"], "--output"),
        (["--input", "p.txt", "-o", "out", "--explain"], "--explain"),
        (["--input", "p.txt", "-o", "out", "--format", "xml"], "--format"),
        (["--input", "p.txt", "-o", "p.txt"], "is a file"),
        (["--input", "no.txt", "-o", "out"], "no such file"),
        (["--input", "p.txt", "-o", "out", "--model", "odd"], "--model"),
        (["a fox", "--model", "odd"], "no model 'odd'"),
        (["a fox", "--quality", "best"], "--quality"),
        (["a fox", "--size", "big"], "--size: expected pixels as WxH, such as 1024x1024, or auto"),
        (["a fox", "--size", "64x64", "--aspect-ratio", "16:9"], "16:9"),
        (["a fox", "--optimize", "quality=much"], "--optimize"),
        (["a fox", "--optimize", "beauty=1"], "--optimize: expected weights, 0 or more, of quality, speed and cost"),
        (["a fox", "--deadline-ms", "90000000"], "--deadline-ms"),
        (["a fox", "--seed", "-1"], "--seed"),
        (["a fox", "--max-cost", "-1"], "--max-cost"),
        (["a fox", "--max-cost", "nan"], "--max-cost"),
        (["a fox", "--url", "localhost:8000"], "--url"),
        ([" ", *PREVIEW], "blank"),
    ],
)
def test_wrong_usage_is_exit_2(arguments: list[str], said: str) -> None:
    """And says which option."""
    Path("p.txt").write_text("a fox\n")
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert said in result.output
    assert not list(Path().glob("*.png"))


def test_a_batch_says_what_it_did() -> None:
    """A pipe of rows: what is drawn, what failed, what was no prompt; exit 1, for not all is there."""
    rows = b'{"prompt": "a fox"}\n{"prompt": "sandbox-blocked"}\nnonsense\n'
    result = run("--input", "-", "-o", "out", *PREVIEW, stdin=rows)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "1 done, 1 failed, 1 rejected",
        "US$ 0.0200 spent in out so far",
        "the same command goes on where this one ended, and tries again what failed",
    ]
    assert "row 3: not JSON" in result.stderr
    assert "2: failed: google" in result.stderr
    assert "1: 0001-a-fox.png  imagen-4-fast  US$ 0.0200" in result.stderr


def test_a_batch_ends_at_its_ceiling_and_goes_on() -> None:
    """Exit 1 with what is left; a higher ceiling draws the rest: exit 0."""
    Path("prompts").mkdir()
    for name in ("a", "b", "c"):
        Path(f"prompts/{name}.txt").write_text(f"a fox {name}")
    batch = ("--input", "prompts", "-o", "out", *PREVIEW)
    short = run(*batch, "--max-cost", "0.05")
    assert short.exit_code == 1
    assert "2 done, 1 left\nUS$ 0.0400 spent in out so far, US$ 0.0100 left of the ceiling\nstopped: " in short.stdout
    enough = run(*batch, "--max-cost", "0.06", "--json")
    assert enough.exit_code == 0
    assert json.loads(enough.stdout) == {
        "done": 1, "done_before": 2, "failed": 0, "maybe_billed": 0, "left": 0, "rejected": 0, "stopped": None,
        "spent_usd": 0.06, "left_usd": 0.0, "manifest": "out/manifest.jsonl",
    }  # fmt: skip
    assert sorted(path.name for path in Path("out").glob("*.png")) == ["a.png", "b.png", "c.png"]


def test_without_a_classifier_it_says_how_to_do_without() -> None:
    """No table of nothing; one line, for one prompt and for a file of them."""
    Path("p.txt").write_text("a fox\n")
    result = run("a fox", "-o", "fox.png")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1].endswith("run `prompt-intent train` first, or name --intent or --model")
    many = run("--input", "p.txt", "-o", "out")
    assert str(many.exception).endswith("run `prompt-intent train` first, or name --intent or --model")


def test_without_an_explanation_it_says_why() -> None:
    """The picture is drawn all the same, by the intent that was named."""
    result = run("a fox", "-o", "fox.png", "--explain", *PREVIEW)
    assert result.exit_code == 0, result.output
    assert "What moved the classifier cannot be said: no classifier: " in result.stdout
    failed = run("a fox", "-o", "other.png", "--explain")
    assert "What moved" not in failed.stdout


def test_a_rows_own_options_are_drawn_once_and_resumed() -> None:
    """A wide picture for the row that asked for one, none above a row's own limit; a second run asks for no other."""
    Path("p.jsonl").write_text('{"prompt": "a dog", "aspect_ratio": "16:9"}\n{"prompt": "a dog", "max_cost": 0.001}\n')
    first = run("--input", "p.jsonl", "-o", "out", *PREVIEW)
    assert first.stdout.splitlines()[0] == "1 done, 1 failed"
    [wide] = Path("out").glob("*.png")
    width, height = (int.from_bytes(wide.read_bytes()[at : at + 4]) for at in (16, 20))
    assert width > 1.5 * height
    line = json.loads(Path("out/manifest.jsonl").read_text().splitlines()[0])
    assert line["options"] == {"intent": "preview", "aspect_ratio": "16:9"}
    again = run("--input", "p.jsonl", "-o", "out", *PREVIEW, "--max-cost", "1")
    assert again.stdout.splitlines()[0] == "1 done before, 1 failed"
    assert len(list(Path("out").glob("*.png"))) == 1


def test_a_running_service_is_offered_instead(tmp_path: Path) -> None:
    """The store is somebody else's: one line that names --url."""
    (tmp_path / "home").mkdir()
    with owned(tmp_path / "home/gateway.db"):
        result = run("a fox", *PREVIEW)
    assert result.exit_code == 1
    assert "--url http://127.0.0.1:8000" in str(result.exception)


def test_a_service_that_is_not_there_is_said_to_be_missing() -> None:
    """Port 9 listens to nobody."""
    result = run("a fox", "--url", "http://127.0.0.1:9")
    assert result.exit_code == 1
    assert "nobody answers at http://127.0.0.1:9" in str(result.exception)
