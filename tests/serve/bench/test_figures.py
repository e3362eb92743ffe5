"""From samples to figures: percentiles by nearest rank, causes, money, and what was really called."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.bench.figures import Sample, figures_of, percentiles
from serve.store import Percentiles

MS = st.floats(min_value=0, max_value=1e7, allow_nan=False)


@given(st.lists(MS, min_size=1, max_size=300))
def test_percentiles_are_exact_by_nearest_rank(values: list[float]) -> None:
    """numpy's "inverted_cdf" says the same: a value that was measured, never one in between."""
    expected = np.percentile(values, [50, 95, 99], method="inverted_cdf")
    found = percentiles(values)
    assert found is not None
    assert [found.p50, found.p95, found.p99] == pytest.approx(expected.tolist(), abs=0)


def test_percentiles_of_a_hundred_are_the_ranks_themselves() -> None:
    """The 50th, the 95th and the 99th of a hundred, whatever their order; of nothing there are none."""
    assert percentiles([float(ms) for ms in range(100, 0, -1)]) == Percentiles(50.0, 95.0, 99.0)
    assert percentiles([]) is None


def test_a_models_figures_are_its_own() -> None:
    """Times of answered requests only; errors by cause, the most frequent first; money settled and possible."""
    samples = [
        Sample("slow", 900.0, called="slow-1", calls=1, call_ms=(880.0,), settled_usd=0.5, pictures=1, bytes=10),
        Sample("fast", 30.0, called="fast-1", calls=1, call_ms=(20.0,), settled_usd=0.1, pictures=1, bytes=7),
        Sample("fast", 10.0, "rate_limited", called="fast-1", calls=3),
        Sample("fast", 99.0, "upstream_timeout", called="fast-1", calls=1, possible_usd=0.1),
        Sample("fast", 11.0, "rate_limited", called="fast-1", calls=3),
        Sample("fast", 50.0, called="fast-2", calls=2, call_ms=(40.0,), settled_usd=0.2, pictures=1, bytes=8,
               notes=("fast-1 did not answer, fast-2 was called",)),
    ]  # fmt: skip
    fast = figures_of("fast", samples)
    assert (fast.requests, fast.answered, fast.error_rate, fast.calls) == (5, 2, 0.6, 10)
    assert list(fast.errors.items()) == [("rate_limited", 2), ("upstream_timeout", 1)]
    assert (fast.ms, fast.call_ms) == (Percentiles(30.0, 50.0, 50.0), Percentiles(20.0, 40.0, 40.0))
    assert (fast.settled_usd, fast.possible_usd, fast.usd_a_request) == (0.3, 0.1, pytest.approx(0.08))
    assert (fast.pictures, fast.bytes, fast.answered_ms) == (2, 15, (30.0, 50.0))
    assert fast.called == {"fast-1": 4, "fast-2": 1}
    assert fast.notes == {"fast-1 did not answer, fast-2 was called": 1}


def test_a_model_that_was_not_asked_has_no_rate_and_no_times() -> None:
    """A bench that is stopped early has such models; nothing is divided by zero."""
    idle = figures_of("idle", [])
    assert (idle.requests, idle.error_rate, idle.ms, idle.usd_a_request) == (0, 0.0, None, None)
