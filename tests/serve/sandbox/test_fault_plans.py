"""Fault plans: which calls a rule strikes, and what a fault file may say."""

from __future__ import annotations

from pathlib import Path

import pytest

import serve.sandbox.faults as faults_module
from serve.sandbox.app import served_models
from serve.sandbox.faults import Fault, FaultDice, FaultFileError, FaultPlan, FaultRule, load_faults


def struck(rule: FaultRule, calls: int, seed: int = 0) -> list[bool]:
    """Which of so many equal calls the rule strikes."""
    dice = FaultDice(FaultPlan((rule,)), seed)
    return [dice.after_body("google", "gemini-3-pro-image") != Fault() for _ in range(calls)]


def test_a_rule_without_a_count_strikes_every_call() -> None:
    """All of them, as nothing else is said."""
    assert struck(FaultRule(status=500), 3) == [True, True, True]


def test_first_strikes_the_first_so_many() -> None:
    """Then the vendor recovers."""
    assert struck(FaultRule(status=500, first=2), 4) == [True, True, False, False]


def test_nth_strikes_one_call() -> None:
    """That one and no other."""
    assert struck(FaultRule(status=500, nth=3), 4) == [False, False, True, False]


def test_one_in_strikes_about_so_many_and_the_same_ones_again() -> None:
    """The seed decides which, and about one in four it is."""
    rule = FaultRule(status=500, one_in=4)
    assert struck(rule, 400, seed=1) == struck(rule, 400, seed=1)
    assert struck(rule, 400, seed=1) != struck(rule, 400, seed=2)
    assert 60 < sum(struck(rule, 400, seed=1)) < 140


@pytest.mark.parametrize(
    ("rule", "strikes"),
    [
        (FaultRule(status=500, provider="google"), True),
        (FaultRule(status=500, provider="openai"), False),
        (FaultRule(status=500, model="gemini-3-pro-image"), True),
        (FaultRule(status=500, model="dall-e-3"), False),
        (FaultRule(status=500, provider="openai", model="gemini-3-pro-image"), False),
    ],
)
def test_a_rule_strikes_the_calls_that_it_matches(rule: FaultRule, strikes: bool) -> None:
    """By provider, by model, or by both."""
    assert struck(rule, 1) == [strikes]


def test_calls_that_do_not_match_are_not_counted() -> None:
    """`nth` counts the calls of the rule's own model."""
    dice = FaultDice(FaultPlan((FaultRule(model="dall-e-3", nth=2, status=500),)), 0)
    hits = [dice.after_body("openai", model).status for model in ("dall-e-3", "gpt-image-2", "dall-e-3")]
    assert hits == [None, None, 500]


def test_rules_add_up_and_the_first_ending_wins() -> None:
    """Waits are summed; of two endings the first in the plan counts, with its own details."""
    plan = FaultPlan(
        (
            FaultRule(latency_ms=200),
            FaultRule(latency_ms=50, slow_body=100),
            FaultRule(status=429, retry_after=2),
            FaultRule(effect="cut_after", slow_body=7),
        )
    )
    fault = FaultDice(plan, 0).after_body("openai", "dall-e-3")
    assert fault == Fault(latency_s=0.25, slow_body=100, status=429, retry_after=2)


def test_a_cut_before_the_body_knows_only_the_provider() -> None:
    """It strikes before the model is known, and never after."""
    dice = FaultDice(FaultPlan((FaultRule(effect="cut_before", provider="openai", first=1),)), 0)
    assert dice.before_body("google") is None
    assert dice.before_body("openai") == Fault(effect="cut_before")
    assert dice.before_body("openai") is None
    assert dice.after_body("openai", "dall-e-3") == Fault()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[rules]]\nstatus = 200", "rules[0].status: Input should be greater than or equal to 400"),
        ("[[rules]]\nstatus = 500\n[[rules]]\nlatency = 5", "rules[1].latency: Unexpected keyword argument"),
        (
            "[[rules]]\nprovider = 'azure'\nstatus = 500",
            "rules[0].provider: Input should be 'openai', 'google', 'ideogram'",
        ),
        ("[[rules]]\neffect = 'cut'", "rules[0].effect: Input should be 'content_block'"),
        ("[[rules]]\nfirst = 0\nstatus = 500", "rules[0].first: Input should be greater than or equal to 1"),
        ("[[rules]]\nfirst = 1\nnth = 2\nstatus = 500", "rules[0]: Value error, first, nth and one_in exclude"),
        ("[[rules]]\nstatus = 500\neffect = 'cut_body'", "rules[0]: Value error, status and effect exclude"),
        ("[[rules]]\nretry_after = 5\nlatency_ms = 1", "rules[0]: Value error, retry_after and code go with a status"),
        ("[[rules]]\neffect = 'cut_before'\nmodel = 'V_2'", "rules[0]: Value error, model cannot go with cut_before"),
        ("[[rules]]\nprovider = 'google'", "rules[0]: Value error, nothing happens"),
        ("[[rules]]\nmodel = 'dall-e-4'\nstatus = 500", "rules[0].model: 'dall-e-4' is not served by anyone"),
        (
            "[[rules]]\nmodel = 'V_2'\nprovider = 'google'\nstatus = 500",
            "rules[0].model: 'V_2' is not served by google",
        ),
        ("[[rule]]\nstatus = 500", "rule: Unexpected keyword argument"),
        ("rules = 5", "rules: Input should be a valid tuple"),
        ("[[rules]", "not TOML"),
    ],
)
def test_a_wrong_fault_file_is_refused_by_file_and_key(text: str, complaint: str, tmp_path: Path) -> None:
    """The message names the file, the key and what is wrong with it."""
    path = tmp_path / "faults.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FaultFileError) as caught:
        load_faults(path, served_models())
    assert str(caught.value).startswith(f"{path}: {complaint}")


def test_a_missing_fault_file_is_refused(tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(FaultFileError, match=r"none\.toml: No such file"):
        load_faults(tmp_path / "none.toml", served_models())


def test_the_example_shows_every_key_and_every_effect() -> None:
    """The documented file loads, and leaves nothing out that a rule can say."""
    plan = load_faults(Path(faults_module.__file__).with_name("faults.example.toml"), served_models())
    used = {name for rule in plan.rules for name in rule.__dataclass_fields__ if getattr(rule, name)}
    assert used == set(FaultRule.__dataclass_fields__)
    effects = {rule.effect for rule in plan.rules} - {None}
    assert effects == {"content_block", "empty_200", "gone", "cut_before", "cut_after", "cut_body"}
