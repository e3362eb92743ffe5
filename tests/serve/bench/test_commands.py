"""`prompt-intent bench` and `prompt-intent stats` as users run them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from typer.testing import CliRunner, Result

from classifier.errors import PromptIntentError
from serve.bench.record import Record
from serve.cli import app
from serve.store import Store

TWO = ("--models", "ideogram-v2a,dalle-3-std", "--prompts", "a fox")
ONE = ("--models", "ideogram-v2a", "--prompts", "a fox", "--runs", "1")


def run(home: Path, *arguments: str, **environment: str) -> Result:
    """One command, in a terminal wide enough for its tables."""
    given = {"COLUMNS": "200", "PROMPT_INTENT_HOME": str(home), "PROMPT_INTENT_ATTEMPTS": "1"}
    return CliRunner().invoke(app, [*arguments], env=given | environment)


def refused(result: Result) -> str:
    """What a command that ended in one of our errors says."""
    assert isinstance(result.exception, PromptIntentError), result.output
    return str(result.exception)


def kept(home: Path) -> list[Path]:
    """The runs in the history."""
    return sorted((home / "benchmarks").glob("*"))


def test_a_bench_is_shown_plotted_and_kept(tmp_path: Path) -> None:
    """A table on standard output; the estimate and the place of the file beside it; a plot and JSON in the folder."""
    result = run(tmp_path, "bench", *TWO, "--runs", "1", "--out", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    assert "2 requests, about 0.0800 of the sandbox's dollars" in result.stderr
    assert "V_2A" in result.stdout
    assert "dall-e-3" in result.stdout
    [path] = kept(tmp_path)
    assert f"kept in {path}" in result.stderr
    assert (tmp_path / "out" / "bench.json").read_text() == path.read_text()
    assert (tmp_path / "out" / "bench.svg").read_text().startswith("<svg")


def test_json_is_all_there_is_on_standard_output(tmp_path: Path) -> None:
    """Also while the service logs what vendors say of a model's end; the second run finds the first."""
    first = run(tmp_path, "bench", *ONE, "--json", "--compare")
    second = run(tmp_path, "bench", *ONE, "--json", "--compare")
    told: list[dict[str, Any]] = [json.loads(result.stdout) for result in (first, second)]
    assert told[0].pop("comparison") is None
    beside = told[1].pop("comparison")
    assert beside["before"] == told[0]
    assert beside["ratios"]["ideogram-v2a"]["usd_a_request"] == 1.0
    assert Record.model_validate(told[1]).models[0].answered == 1

    listed = run(tmp_path, "bench", "--history", "--json")
    assert json.loads(listed.stdout) == [told[1], told[0]]
    assert run(tmp_path, "bench", "--history").stdout.count("ideogram-v2a") == 2


def test_a_bench_that_was_cut_short_is_kept_and_ends_in_1(tmp_path: Path) -> None:
    """What was measured until the ceiling, with a word before and after."""
    result = run(tmp_path, "bench", *TWO, "--runs", "2", "--concurrency", "1", "--max-cost", "0.05")
    assert result.exit_code == 1
    assert "over --max-cost 0.05: it will be cut short" in result.stderr
    assert "Cut short by the ceiling of 0.05 US dollars" in result.stdout
    [path] = kept(tmp_path)
    record = Record.model_validate_json(path.read_bytes())
    assert [model.requests for model in record.models] == [1, 0]


def test_real_vendors_need_a_ceiling(tmp_path: Path) -> None:
    """The price is told first; nothing is called, opened or kept."""
    result = run(tmp_path, "bench", *TWO, IDEOGRAM_API_KEY="k", OPENAI_API_KEY="k")
    assert result.exit_code == 2
    assert "10 requests, about 0.2659 US dollars by the catalogue" in result.stderr
    assert "--max-cost 0.27" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        (*ONE, "--max-cost", "nan"), (*ONE, "--max-cost", "inf"), (*ONE, "--max-cost", "-1"), (*ONE, "--runs", "0"),
        (*ONE, "--concurrency", "0"), ("--models", "ideogram-v2a"), ("--prompts", "a fox"),
        ("--models", "odd", "--prompts", "a fox"), ("--models", "ideogram-v2a,ideogram-v2a", "--prompts", "a fox"),
        ("--models", "ideogram-v2a", "--prompts", "no-such-file.txt"), ("--models", "ideogram-v2a", "--prompts", " "),
        ("--models", "dalle-3-std", "--prompts", "a fox"), ("--models", "ideogram-v2a", "--prompts", "a" * 40_000),
    ],
)  # fmt: skip
def test_wrong_usage_is_told_before_anything_is_called(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """A ceiling of "nan" would be over no sum, and let everything through."""
    result = run(tmp_path, "bench", *arguments, IDEOGRAM_API_KEY="k")
    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == []


async def test_a_bench_says_when_a_service_has_the_store(tmp_path: Path) -> None:
    """The figures can be read beside it, a bench needs a folder of its own."""
    async with Store.open(tmp_path / "gateway.db"):
        # A command runs an event loop of its own.
        in_a_thread = anyio.to_thread.run_sync
        result = await in_a_thread(lambda: run(tmp_path, "bench", *ONE))
        assert "is in use: a service, or a batch, runs on this PROMPT_INTENT_HOME. Stop it first" in refused(result)
        read = await in_a_thread(lambda: run(tmp_path, "stats"))
        assert "0 requests" in read.stdout
    assert kept(tmp_path) == []


def test_stats_shows_what_was_benched(tmp_path: Path) -> None:
    """The sandbox's traffic without keys, the vendors' with one; as a table and as GET /v1/stats says it."""
    run(tmp_path, "bench", *ONE)
    table = run(tmp_path, "stats")
    assert "ideogram-v2a" in table.stdout
    assert "1 requests: 1 answered" in table.stdout
    told = json.loads(run(tmp_path, "stats", "--json").stdout)
    assert (told["sandbox"], told["totals"]["requests"], told["models"][0]["settled_usd"]) == (True, 1, 0.04)
    assert "breakers" not in told
    assert json.loads(run(tmp_path, "stats", "--json", "--hours", "0").stdout)["totals"]["requests"] == 0
    real = json.loads(run(tmp_path, "stats", "--json", IDEOGRAM_API_KEY="k").stdout)
    assert (real["sandbox"], real["models"]) == (False, [])


def test_stats_without_a_store_says_what_to_do(tmp_path: Path) -> None:
    """Nothing is made by looking."""
    assert "serve or bench first" in refused(run(tmp_path, "stats"))
    assert list(tmp_path.iterdir()) == []
