"""Rolling medians: of the last calls only, of fresh calls only, and only where enough was measured."""

from __future__ import annotations

from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.errors import SettingsError
from serve.latency import Latencies

MILLISECONDS = st.floats(min_value=0, max_value=1e6)


@given(measured=st.lists(MILLISECONDS, max_size=60), window=st.integers(1, 30), data=st.data())
def test_the_median_is_that_of_the_last_calls(measured: list[float], window: int, data: st.DataObject) -> None:
    """Of the last `window`, None with fewer than `least`."""
    least = data.draw(st.integers(1, window))
    latencies = Latencies(window, least, monotonic=lambda: 0.0)
    for ms in measured:
        latencies.record("row", ms)
    last = measured[-window:]
    assert latencies.p50("row") == (median(last) if len(last) >= least else None)


def test_four_measurements_say_nothing_and_five_do() -> None:
    """The shipped threshold; rows that say nothing are not among the medians."""
    latencies = Latencies()
    for ms in (0.0, 100.0, 200.0, 300.0):
        latencies.record("row", ms)
    latencies.record("another", 1.0)
    assert latencies.p50("row") is None
    assert latencies.medians() == {}
    latencies.record("row", 9000.0)
    assert latencies.medians() == {"row": 200.0}


def test_an_unknown_row_has_no_median() -> None:
    """And asking does not create it."""
    latencies = Latencies()
    assert latencies.p50("nobody") is None
    assert latencies.medians() == {}


def test_old_measurements_are_forgotten() -> None:
    """A row that was slow is unmeasured after an hour without calls, so that it gets another chance."""
    time = [0.0]
    latencies = Latencies(forget_s=3600, monotonic=lambda: time[0])
    for _ in range(10):
        latencies.record("slow", 20_000)
        time[0] += 1
    time[0] = 3600
    assert latencies.p50("slow") == 20_000
    time[0] = 3605.5
    assert latencies.p50("slow") is None


@pytest.mark.parametrize("wrong", [{"least": 0}, {"least": 101}, {"forget_s": 0.0}, {"forget_s": float("nan")}])
def test_settings_without_sense_are_refused(wrong: dict[str, float]) -> None:
    """A window that never holds enough would switch the measuring off without a word."""
    with pytest.raises(SettingsError, match="latencies: expected"):
        Latencies(**wrong)
