"""What the process learns of its models from call to call."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import date
from random import Random

import httpx
import pytest
import structlog.testing

from serve.catalog import load_catalog
from serve.settings import Settings
from serve.targets import Targets
from serve.vitals import Vitals, make_vitals
from tests.serve.fake_time import FakeTime

ROW = "gpt-image-2.5-flare"


@pytest.fixture
def time() -> FakeTime:
    """The vitals' clock."""
    return FakeTime()


@pytest.fixture
def vitals(time: FakeTime) -> Vitals:
    """Those of a process that has called nobody yet."""
    return make_vitals(time.clock)


def answer(vitals: Vitals, ms: float = 900.0) -> None:
    assert vitals.breakers.allow(ROW)
    vitals.note_answer(ROW, ms)


def fail(vitals: Vitals) -> None:
    assert vitals.breakers.allow(ROW)
    vitals.note_failure(ROW)


def test_what_is_known_is_health(vitals: Vitals) -> None:
    """Medians, open breakers and models that are gone are what the next route is chosen by."""
    for ms in (800, 900, 1000, 1100, 5000):
        answer(vitals, ms)
    vitals.retire("imagen-4")
    for _ in range(5):
        assert vitals.breakers.allow("ideogram-2")
        vitals.note_failure("ideogram-2")
    health = vitals.health(Targets.from_settings(Settings(), load_catalog()))
    assert (dict(health.p50_ms), health.gone, health.open) == ({ROW: 1000}, {"imagen-4"}, {"ideogram-2"})
    assert health.keyed == {"openai", "google", "ideogram", "bfl", "recraft"}


def test_latencies_are_forgotten_by_the_same_clock(vitals: Vitals, time: FakeTime) -> None:
    """An hour later nothing is known of how fast the model is."""
    for _ in range(5):
        answer(vitals)
    time.at += 3601
    assert vitals.latencies.medians() == {}


def test_an_answer_earns_two_extra_calls(vitals: Vitals) -> None:
    """Fifteen are free; from then on each answer pays for two, and another model's answers for none."""
    assert [vitals.afford(ROW) for _ in range(16)] == [True] * 15 + [False]
    answer(vitals)
    assert [vitals.afford(ROW) for _ in range(3)] == [True, True, False]
    assert vitals.afford("ideogram-2")


def test_a_substitute_that_mostly_answers_is_never_used_up(vitals: Vitals) -> None:
    """A model called only after others failed, whose every third call fails, is still called after thousands."""
    for call in range(3000):
        assert vitals.afford(ROW), call
        if call % 3:
            answer(vitals)


def test_an_outage_is_seen_to_end(vitals: Vitals, time: FakeTime) -> None:
    """Who has used up everything gets one call every half minute; an answer to it opens the way again."""
    while vitals.afford(ROW):
        pass
    time.at += 29
    assert not vitals.afford(ROW)
    time.at += 1.001
    assert [vitals.afford(ROW), vitals.afford(ROW)] == [True, False]
    answer(vitals)
    assert vitals.afford(ROW)


def test_many_pictures_one_by_one_are_as_many_calls(vitals: Vitals) -> None:
    """Ten calls are taken at once or not at all worth making; more than can be saved up are not out of reach."""
    assert vitals.afford(ROW, 10)
    assert not vitals.afford(ROW, 6)
    assert vitals.afford(ROW, 5)
    assert vitals.afford("ideogram-2", 40)


def test_failures_in_a_row_open_once_they_outnumber_the_calls_under_way(vitals: Vitals) -> None:
    """With seven at the vendor eleven refusals in a row decide nothing; an answer starts the count anew."""
    with ExitStack() as calls:
        for _ in range(7):
            calls.enter_context(vitals.under_way(ROW))
        for _ in range(11):
            fail(vitals)
        answer(vitals)
        for _ in range(11):
            fail(vitals)
        assert vitals.breakers.open_rows() == frozenset()
        fail(vitals)
        assert vitals.breakers.open_rows() == {ROW}


def first_opening(vitals: Vitals, failing: float, calls: int) -> int | None:
    """After how many of the calls a model that fails so often opens, 24 being under way at any time; None if never."""
    chance = Random(1)
    with ExitStack() as others:
        for _ in range(23):
            others.enter_context(vitals.under_way(ROW))
        for call in range(1, calls + 1):
            (fail if chance.random() < failing else answer)(vitals)
            if vitals.breakers.open_rows():
                return call
    return None


@pytest.mark.parametrize("failing", [0.6, 0.7, 0.9])
def test_a_model_that_mostly_fails_rests_under_load_too(failing: float, vitals: Vitals) -> None:
    """Answers in between do not hide that half and more of many calls at once fail."""
    assert first_opening(vitals, failing, 300) is not None


def test_a_model_that_mostly_answers_goes_on_under_load(vitals: Vitals) -> None:
    """A third of thousands of calls fails, as in the storm: by chance alone the shares of few would pass the half."""
    assert first_opening(vitals, 0.33, 3000) is None


def silence(vitals: Vitals, seconds: float) -> None:
    assert vitals.breakers.allow(ROW)
    vitals.note_silence(ROW, seconds)


def test_silence_for_several_times_the_usual_counts(vitals: Vitals) -> None:
    """A row that answers within a second had three: that is its fault. Within two it was the caller's haste."""
    for _ in range(5):
        answer(vitals, 1000)
    silence(vitals, 2.9)
    assert vitals.breakers.states()[ROW].failures == 0
    silence(vitals, 3.0)
    assert vitals.breakers.states()[ROW].failures == 1


def test_silence_towards_everybody_counts(vitals: Vitals) -> None:
    """Nobody knows how long the row takes: five may be too hasty, of more without any answer it is the row."""
    for _ in range(3):
        for _ in range(5):
            silence(vitals, 0.2)
        assert vitals.breakers.states()[ROW].failures == 0
        answer(vitals)
    for _ in range(10):
        silence(vitals, 0.2)
    assert vitals.breakers.open_rows() == {ROW}


def test_a_vendors_wait_is_remembered_for_a_minute_at_most(vitals: Vitals, time: FakeTime) -> None:
    """It is counted down by the clock; an answer ends it."""
    vitals.note_wait(ROW, 40)
    vitals.note_wait("ideogram-2", 86_400)
    time.at += 30
    assert [vitals.wait(row) for row in (ROW, "ideogram-2", "imagen-4")] == [10, 30, 0]
    answer(vitals)
    assert vitals.wait(ROW) == 0


def test_a_vendors_sign_is_told_to_the_operator_once(vitals: Vitals) -> None:
    """A sunset header is one warning in the log; a plain word of retirement another, and the row is called no more."""
    row = load_catalog().models[ROW]
    sign = httpx.Response(200, headers={"sunset": "Fri, 01 Jan 2027 00:00:00 GMT"})
    with structlog.testing.capture_logs() as logs:
        for _ in range(2):
            vitals.hear(sign, row)
            vitals.hear(httpx.Response(200), row)
        assert vitals.gone() == set()
        vitals.hear(httpx.Response(410), row)
    assert [line["event"] for line in logs] == ["sunset", "sunset"]
    assert str(date(2027, 1, 1)) in logs[0]["warning"]
    assert vitals.gone() == {ROW}


def test_a_doubtful_404_does_not_shorten_what_is_known_for_good(vitals: Vitals, time: FakeTime) -> None:
    """Once a vendor has said that a model is retired, a later vague 404 changes nothing."""
    vitals.hear(httpx.Response(410), load_catalog().models[ROW])
    vitals.retire(ROW)
    time.at += 10**6
    assert vitals.gone() == {ROW}
