"""What a check finds in rows that say the same, in rows that leak, and in the balance of the classes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from training.data_check import check
from training.data_report import Finding, Report
from training.dataset import LabeledPrompt

CLASSES = ("preview", "text_heavy", "complex_logic")
LONG = "an old lighthouse keeper pours tea for a seal while rain runs down the round window behind him"
HONEST = (
    "a neon sign that says OPEN",
    "quick mockup of a sneaker on a podium",
    "a cybernetic cat eating a galaxy while sitting on a binary tree",
    "mug that says world's okayest plumber",
    "moss agate sphere, macro crystal photography, dark velvet",
    "Two herons share one umbrella; the third gets wet.",
    "una panadería al amanecer con un letrero que dice PAN",
    "logo für eine Bäckerei namens Krume",
    LONG,
)


def prompt(
    text: str, intent: str = "preview", group: str | None = None, language: str = "en", origin: str = "tests"
) -> LabeledPrompt:
    """A row in a group of its own unless one is given."""
    return LabeledPrompt(text, intent, None, group or f"group of {text}", (), origin, language)


def honest_rows() -> list[LabeledPrompt]:
    """Nine unlike prompts, three of each class."""
    return [prompt(text, CLASSES[number % 3]) for number, text in enumerate(HONEST)]


def found(report: Report, kind: str) -> list[Finding]:
    """The findings of one kind."""
    return [finding for finding in report.findings if finding.kind == kind]


def kinds(report: Report) -> set[str]:
    """The kinds of findings in a report."""
    return {finding.kind for finding in report.findings}


def test_honest_rows_have_no_findings() -> None:
    """Unlike prompts in balanced classes pass, alone and against other unlike prompts."""
    others = [prompt("a penguin in a bow tie"), prompt("poster for a jazz night, headline LATE SET", "text_heavy")]
    report = check(honest_rows(), others)
    assert report.findings == ()
    assert not report.failed


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a red fox", "a red fox"),
        ("a red fox", "  A  Red\tFOX "),
        ("cafe\u0301 terrace", "caf\u00e9 terrace"),
        ("a sign that says “HI”", 'a sign that says "hi"'),
        ("fullwidth \uff12\uff14", "fullwidth 24"),
        ("straße at night", "STRASSE at night"),
        ("zero\u200bwidth joke", "zerowidth joke"),
    ],
)
def test_one_prompt_in_two_spellings_is_a_duplicate(first: str, second: str) -> None:
    """Case, whitespace, Unicode form, quotes and invisible characters do not make another prompt."""
    report = check([*honest_rows(), prompt(first, group="a"), prompt(second, group="b")])
    assert [finding.lines for finding in found(report, "duplicate")] == [(10, 11)]
    assert report.failed


def test_duplicates_are_found_within_a_group_too() -> None:
    """Two rows of one group may be alike, not the same; all copies are one finding."""
    report = check([prompt("a red fox", group="pair")] * 3)
    (finding,) = found(report, "duplicate")
    assert finding.lines == (1, 2, 3)
    assert "“a red fox” occurs 3 times" in finding.message
    assert not found(report, "near_duplicate")


def test_one_prompt_with_two_labels_is_a_conflict() -> None:
    """The same words under different intents are a label conflict that names the labels, not a mere duplicate."""
    report = check([prompt("a red fox"), prompt("A red fox", "complex_logic")])
    (finding,) = found(report, "label_conflict")
    assert finding.lines == (1, 2)
    assert "labelled complex_logic and preview" in finding.message
    assert finding.failed
    assert not found(report, "duplicate")


def test_a_reworded_prompt_is_a_near_duplicate_across_groups_only() -> None:
    """One word changed in a long prompt is found between groups, and is what a group is for within one."""
    reworded = LONG.replace("keeper", "painter")
    apart = check([*honest_rows(), prompt(reworded)])
    (finding,) = found(apart, "near_duplicate")
    assert finding.lines == (9, 10)
    assert finding.failed
    assert "share 68% of their three-word windows" in finding.message
    together = check([prompt(LONG, group="pair"), prompt(reworded, "complex_logic", group="pair")])
    assert not found(together, "near_duplicate")


def test_a_template_is_one_finding() -> None:
    """Rows that hang together through near-duplicates make one finding; another template makes another."""
    animals = ("seal", "heron", "goose", "otter", "gull")
    rows = [prompt(LONG.replace("seal", animal)) for animal in animals]
    rows += [prompt("banner for the spring sale of our little shop by the river, " + tail) for tail in ("red", "blue")]
    findings = found(check(rows), "near_duplicate")
    assert [finding.lines for finding in findings] == [(1, 2, 3, 4, 5), (6, 7)]


def test_a_cluster_holds_rows_that_only_a_third_ties_together() -> None:
    """Two rewordings that share too little with each other are one finding through the row both come from."""
    rows = [prompt(LONG.replace("keeper", "painter")), prompt(LONG.replace("rain", "snow"))]
    assert not found(check(rows), "near_duplicate")
    assert [finding.lines for finding in found(check([*rows, prompt(LONG)]), "near_duplicate")] == [(1, 2, 3)]


def test_leaks_are_found_word_for_word_nearly_and_by_group() -> None:
    """Each way in which a file can leak into another is a failing finding with the lines of both files."""
    rows = [*honest_rows(), prompt("a tin robot waters tulips", group="shared"), prompt("an iron gate", group="x")]
    against = [
        prompt("A CYBERNETIC cat eating a galaxy while sitting on a binary tree", "preview", group="y"),
        prompt(LONG.replace("tea", "milk"), group="z"),
        prompt("three kites over a harbour", group="shared"),
        prompt("a paper boat", group="shared"),
    ]
    report = check(rows, against)
    assert kinds(report) == {"leak", "near_leak", "shared_group"}
    places = {finding.kind: (finding.lines, finding.other_lines) for finding in report.findings}
    assert places == {"leak": ((3,), (1,)), "near_leak": ((9,), (2,)), "shared_group": ((10,), (3, 4))}
    assert all(finding.failed for finding in report.findings)


def test_what_is_wrong_only_in_the_other_file_is_not_reported() -> None:
    """The other file's own duplicates and imbalance are its own check's business."""
    report = check(
        honest_rows(), [prompt("a paper boat"), prompt("a paper boat"), prompt("a Paper Boat", "text_heavy")]
    )
    assert report.findings == ()


def test_near_leaks_ignore_groups() -> None:
    """A reworded test row is a leak also when both files call it the same group."""
    report = check([prompt(LONG, group="g")], [prompt(LONG.replace("tea", "milk"), group="g")])
    assert {"near_leak", "shared_group"} <= kinds(report)


def test_lines_of_the_files_are_reported_when_given() -> None:
    """Findings speak of file lines, so that blank lines in a file do not shift them."""
    rows = [prompt("a red fox", group="a"), prompt("a red fox", group="b")]
    report = check(rows, [prompt("A red fox", group="c")], lines=[4, 9], against_lines=[17])
    assert found(report, "duplicate")[0].lines == (4, 9)
    assert (found(report, "leak")[0].lines, found(report, "leak")[0].other_lines) == ((4, 9), (17,))
    with pytest.raises(ValueError, match="argument 2"):
        check(rows, lines=[4])


def rows_of(counts: Sequence[int], classes: Sequence[str] = CLASSES) -> list[LabeledPrompt]:
    """So many rows of each class, all of different single words."""
    return [
        prompt(f"{name}{number}", name) for name, count in zip(classes, counts, strict=True) for number in range(count)
    ]


@pytest.mark.parametrize(
    ("counts", "thin"),
    [((40, 40, 20), []), ((41, 40, 19), ["complex_logic"]), ((100, 0, 0), ["text_heavy", "complex_logic"])],
)
def test_a_class_below_a_fifth_warns(counts: Sequence[int], thin: list[str]) -> None:
    """Of three classes one below 20 % is a warning that does not fail the check; exactly 20 % is fine."""
    report = check(rows_of(counts))
    assert [finding.message.split()[0] for finding in found(report, "class_balance")] == thin
    assert not report.failed


def test_balance_is_measured_by_the_number_of_classes() -> None:
    """With five classes of 20 % each nothing warns: the floor is a part of the even share."""
    classes = ("a", "b", "c", "d", "e")
    assert check(rows_of([10] * 5, classes), classes=classes).findings == ()


def test_no_rows_fail() -> None:
    """An empty list of rows is an error, and its summary counts zero."""
    report = check([])
    assert kinds(report) == {"empty"}
    assert report.failed
    assert (report.summary.rows, report.summary.words) == (0, {})
    assert report.summary.classes == dict.fromkeys(CLASSES, 0)


def test_the_summary_counts_rows_and_lengths() -> None:
    """Rows per class, language and origin, most frequent first, and length quantiles that are real lengths."""
    rows = [prompt(" ".join([f"w{number}"] * number), origin="b") for number in range(1, 11)]
    rows += [prompt("uno", "text_heavy", group="group of w1", language="es", origin="a")]
    summary = check(rows).summary
    assert (summary.rows, summary.groups) == (11, 10)
    assert summary.classes == {"preview": 10, "text_heavy": 1, "complex_logic": 0}
    assert list(summary.languages.items()) == [("en", 10), ("es", 1)]
    assert list(summary.origins.items()) == [("b", 10), ("a", 1)]
    assert summary.words == {"min": 1, "p10": 1, "p50": 5, "p90": 9, "max": 10}
