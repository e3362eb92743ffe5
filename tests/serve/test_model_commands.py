"""`prompt-intent models` and `prompt-intent doctor` as users run them: tables, JSON, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from serve.catalog import load_catalog
from serve.cli import app

OWN = """
[models.fading]
provider = "openai"
dialect = "openai_images"
vendor_model = "fading-1"
status = "deprecated"
shutdown_date = 2026-12-01
shapes = "gpt_image"
max_n = 1
max_prompt_chars = 1000
text = true
price = { default = 0.05 }
"""


def run(*arguments: str, **environment: str) -> Result:
    """One command, in a terminal wide enough for its tables."""
    return CliRunner().invoke(app, [*arguments], env={"COLUMNS": "200", **environment})


def listed(*arguments: str, **environment: str) -> dict[str, dict[str, Any]]:
    """The lines of `models --json` by name."""
    result = run("models", "--json", *arguments, **environment)
    assert result.exit_code == 0, result.output
    return {line["model"]: line for line in json.loads(result.stdout)}


def test_every_model_is_listed_with_what_is_called_for_it() -> None:
    """The retired name shows its successor's id and price; without a key the column says so, sandbox or not."""
    lines = listed("--on", "2026-11-22", OPENAI_API_KEY="k")
    assert list(lines) == list(load_catalog().models)
    assert lines["dalle-3-std"] == {
        "model": "dalle-3-std",
        "row": "gpt-image-2.5-sunburst",
        "vendor_model": "gpt-image-2.5-sunburst",
        "provider": "openai",
        "keyed": True,
        "usd": 0.01317,
        "status": "shutdown",
        "shutdown_date": "2026-05-12",
        "successor": "gpt-image-2.5-sunburst",
    }
    assert (lines["ideogram-v2"]["keyed"], lines["ideogram-v2"]["vendor_model"]) == (False, "V_2")
    assert not any(line["keyed"] for line in listed().values())


def test_a_day_in_2025_shows_the_models_of_2025() -> None:
    """DALL-E 3 is called for its own name, at its own price, and is not yet shut down."""
    line = listed("--on", "2025-11-22")["dalle-3-std"]
    assert (line["vendor_model"], line["usd"], line["status"]) == ("dall-e-3", 0.04, "active")


def test_the_table_has_the_same_facts() -> None:
    """One line a model: name, provider, key, price, and its life: state, end, and who answers or would answer."""
    result = run("models", "--on", "2026-11-22", OPENAI_API_KEY="k")
    (line,) = [line for line in result.stdout.splitlines() if "dalle-3-std" in line]
    life = "shutdown 2026-05-12, answered by gpt-image-2.5-sunburst"
    assert line.split(maxsplit=4)[:4] == ["dalle-3-std", "openai", "set", "0.0132"]
    assert line.split(maxsplit=4)[4].strip() == life


def test_a_name_that_nobody_answers_is_shown_as_such(tmp_path: Path) -> None:
    """A dead row without a successor has no id and no price."""
    own = tmp_path / "own.toml"
    own.write_text(OWN, "utf-8")
    line = listed("--on", "2026-12-01", PROMPT_INTENT_CATALOG=str(own))["fading"]
    assert (line["row"], line["usd"], line["status"]) == (None, None, "shutdown")
    shown = run("models", "--on", "2026-12-01", PROMPT_INTENT_CATALOG=str(own)).stdout
    assert "nobody" in shown


@pytest.mark.parametrize("profile", ["story", "live"])
def test_with_all_keys_the_shipped_routes_are_healthy(profile: str) -> None:
    """Exit code 0 for both profiles, and every intent is answered by living models."""
    keys = {provider.key_env: "k" for provider in load_catalog().providers.values()}
    result = run("doctor", "--json", "--on", "2026-12-01", "--profile", profile, **keys)
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["status"], answer["on"]) == (0, "ok", "2026-12-01")
    assert {finding["level"] for finding in answer["findings"]} == {"ok"}


def test_a_route_that_will_die_fails_while_it_lives(tmp_path: Path) -> None:
    """Exit code 2, and the day from which nobody is left to answer."""
    own = tmp_path / "own.toml"
    names = load_catalog(profile="live").routes.intents["text_heavy"].models
    own.write_text("\n".join(OWN.replace("models.fading", f'models."{name}"') for name in names), "utf-8")
    result = run("doctor", "--on", "2026-11-22", "--profile", "live", "--json", PROMPT_INTENT_CATALOG=str(own))
    said = {
        finding["subject"]: finding for finding in json.loads(result.stdout)["findings"] if finding["level"] == "error"
    }
    assert result.exit_code == 2
    assert said["intents.text_heavy"]["message"].startswith("from 2026-12-01 on none of its models can answer")


def test_without_keys_the_doctor_warns_or_fails() -> None:
    """Exit code 1 while the sandbox would draw, 2 when it is off; the table says what to set."""
    warned, failed = run("doctor"), run("doctor", PROMPT_INTENT_SANDBOX="off")
    assert (warned.exit_code, failed.exit_code) == (1, 2)
    assert "OPENAI_API_KEY" in warned.stdout
    assert "nothing can be drawn" in failed.stdout


def test_keys_that_the_sandbox_ignores_are_told() -> None:
    """A forced sandbox beside real keys is a warning."""
    result = run("doctor", "--json", PROMPT_INTENT_SANDBOX="on", OPENAI_API_KEY="k")
    assert "sandbox" in {finding["subject"] for finding in json.loads(result.stdout)["findings"]}


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["--profile", "lively"], {}, "profiles.lively: missing; there are story, live"),
        ([], {"PROMPT_INTENT_PROFILE": "lively"}, "profiles.lively"),
        (["--prices", "no-such-file.json"], {}, "no-such-file.json"),
        ([], {"PROMPT_INTENT_CATALOG": "no-such-file.toml"}, "no-such-file.toml: not found"),
        ([], {"OPENAI_BASE_URL": "nonsense"}, "OPENAI_BASE_URL"),
    ],
)
def test_what_cannot_be_read_is_an_error(arguments: list[str], environment: dict[str, str], said: str) -> None:
    """Exit code 2 and a finding that names it, not a traceback."""
    result = run("doctor", "--json", *arguments, **environment)
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["status"]) == (2, "errors")
    assert said in answer["findings"][0]["message"]


def test_prices_are_compared_with_a_file(tmp_path: Path) -> None:
    """A file that says something else is a warning with both figures."""
    prices = tmp_path / "prices.json"
    row = {"provider": "openai", "usd_per_image": 0.05, "by_size_quality": {}}
    prices.write_text(json.dumps({"dall-e-3": row}), "utf-8")
    result = run("doctor", "--json", "--prices", str(prices))
    assert result.exit_code == 1
    messages = [finding["message"] for finding in json.loads(result.stdout)["findings"]]
    assert "dalle-3-std: default: the catalogue says $0.04, the file $0.05" in messages


@pytest.mark.parametrize("typed", ["", "n\n"])
def test_without_an_agreement_the_rest_is_told(typed: str) -> None:
    """A no, or nobody there to ask, is a warning among the findings; no vendor is called."""
    arguments = ["doctor", "--live", "--json"]
    result = CliRunner().invoke(app, arguments, input=typed, env={"OPENAI_API_KEY": "k"})
    # The runner shows what was typed, too.
    answer = json.loads(result.stdout.removeprefix(f" {typed}"))
    said = {finding["subject"]: finding for finding in answer["findings"]}
    assert said["live"]["level"] == "warning"
    assert said["live"]["message"].endswith("were not agreed to; --yes agrees")
    assert {"BFL_API_KEY", "intents.preview"} < set(said)
