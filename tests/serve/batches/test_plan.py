"""What a run does with a prompt, by what is written of it: the whole table."""

from __future__ import annotations

import pytest

from serve.batches.items import Item
from serve.batches.manifest import Line
from serve.batches.plan import BatchRules, Sheet, Verdict, plan_item

SENT_AT = 1_000_000.0
DAY = 24 * 3600.0
ITEM = Item(5, "a fox", {"n": 1}, "0005-a-fox")


def line(**changes: object) -> Line:
    """A line that an earlier run wrote, when the prompt was row 1."""
    first = Item(1, ITEM.prompt, ITEM.options, "0001-a-fox")
    written = Line.started(first, "old", SENT_AT, 0.5, sandbox=True, wishes={"max_cost": 0.25})
    return written.model_copy(update=changes)


def plan(last: Line | None, *, later: float = 60.0, rebill: bool = False) -> Sheet | Verdict:
    """The plan so many seconds after the line was written."""
    rules = BatchRules(rebill=rebill, wishes={"deadline_ms": 9})
    return plan_item(ITEM, last, rules, SENT_AT + later, "new", sandbox=True)


@pytest.mark.parametrize("rebill", [False, True])
def test_what_is_done_is_done(*, rebill: bool) -> None:
    """Whenever it was, and whatever the rules are."""
    assert plan(line(outcome="done", billed="yes"), later=9 * DAY, rebill=rebill) == "done"


@pytest.mark.parametrize("rebill", [False, True])
def test_what_was_on_its_way_is_asked_for_as_it_was(*, rebill: bool) -> None:
    """The same key and the same wishes, whatever today's are."""
    assert plan(line(), rebill=rebill) == Sheet(ITEM, line(index=5), resumed=True)


@pytest.mark.parametrize("last", [None, line(outcome="failed", billed="no")])
def test_a_new_or_free_failure_is_tried_under_a_new_key(last: Line | None) -> None:
    """With today's wishes, and what it has cost so far."""
    sheet = plan(last, later=9 * DAY)
    assert isinstance(sheet, Sheet)
    assert (sheet.resumed, sheet.line.key, sheet.line.outcome) == (False, "new", "started")
    assert (sheet.line.wishes, sheet.line.cost_usd) == ({"deadline_ms": 9}, 0.5 if last else 0.0)


def test_a_rows_own_wish_goes_before_the_runs() -> None:
    """And is what its request may cost, also where the run has no ceiling."""
    item = Item(5, "a fox", {"deadline_ms": 5, "max_cost": 0.5}, "0005-a-fox")
    sheet = plan_item(item, None, BatchRules(wishes={"deadline_ms": 9}), SENT_AT, "new", sandbox=True)
    assert isinstance(sheet, Sheet)
    assert (sheet.line.wishes, sheet.line.allowed) == ({}, 0.5)


@pytest.mark.parametrize(
    ("last", "later"),
    [
        (line(outcome="failed", billed="unknown"), 60.0),
        (line(outcome="failed", billed="yes"), 9 * DAY),
        # The service has forgotten the key by now: it would draw again.
        (line(), DAY),
    ],
)
def test_what_may_be_on_a_bill_waits_for_a_word(last: Line, later: float) -> None:
    """Not drawn again, until the caller says that it may be paid for twice; then it counts twice."""
    assert plan(last, later=later) == "held"
    sheet = plan(last, later=later, rebill=True)
    assert isinstance(sheet, Sheet)
    assert (sheet.line.key, sheet.line.cost_usd) == ("new", last.counted_usd)
