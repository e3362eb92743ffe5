"""What the classifier must do whatever the figures on a test set are: every case on a real bundle."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from classifier import IntentClassifier
from tests.behaviour.capability import Outcome, judge, load_cases
from tests.conftest import TrainedHome

CASES = load_cases()
RATES: dict[str, float] = tomllib.loads((Path(__file__).parent / "rates.toml").read_text("utf-8"))["at_least"]


@pytest.fixture(scope="module")
def outcomes(trained: TrainedHome) -> dict[str, Outcome]:
    """All cases, judged once by the small classifier of the tests."""
    classifier = IntentClassifier.from_pretrained(trained.bundle, threads=2)
    return {outcome.capability: outcome for outcome in judge(classifier, CASES)}


@pytest.mark.parametrize("capability", CASES)
def test_the_capability_reaches_its_rate(capability: str, outcomes: dict[str, Outcome]) -> None:
    """The share of cases that pass is at least the one in `rates.toml`; the failing ones are listed."""
    outcome, wanted = outcomes[capability], RATES[capability]
    listed = "\n".join(outcome.faults)
    assert outcome.rate >= wanted, f"{capability}: {outcome.rate:.3f} of {outcome.cases} cases, not {wanted}:\n{listed}"


def test_every_capability_has_a_rate_that_can_fail() -> None:
    """One row a capability, neither out of reach nor under what any answer would reach."""
    assert sorted(RATES) == sorted(CASES)
    assert all(1 / 3 < rate < 1 for rate in RATES.values())
