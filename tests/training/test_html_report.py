"""The HTML report: whole without a network, safe whatever the prompts say, and true to the figures."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from classifier.bundle import EncoderInfo, Manifest
from training.dataset import LabeledPrompt
from training.errors import ReportError
from training.evaluation import evaluate
from training.gold import Gold
from training.html_report import Subject, mistakes, render, write_report
from training.provenance import Provenance
from training.rivals import Figure, Rival

CLASSES = ("preview", "text_heavy", "complex_logic")
HOSTILE = '</style></title><script>alert(1)</script><img src=http://evil.example/x onerror="a()"> {{ 7 * 7 }} \u202e'
_LOADING = {"src", "href", "xlink:href", "srcset", "data", "action", "poster", "background", "formaction", "style"}


class Page(HTMLParser):
    """What a browser would see: the tags, what they would load, what they would run, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.targets: list[str] = []
        self.handlers: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.targets += [value or "" for name, value in attrs if name in _LOADING]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


def _manifest() -> Manifest:
    return Manifest(
        labels=list(CLASSES),
        encoder=EncoderInfo("all-MiniLM-L6-v2", "revision", "e" * 64, 384, 256),
        temperature=0.8,
        threshold=0.5,
        seed=0,
        data={"fingerprint": "f" * 64, "rows": 3107, "test_digest": "d" * 64, "test_rows": 2},
        metrics={},
        libraries={"numpy": "2.4.6"},
    )


def _subject(gold: list[Gold], probabilities: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Subject:
    result = evaluate(gold, probabilities, CLASSES, 0.5)
    origin = Provenance("prompt-intent evaluate", "c" * 40, False, "0.1.0", date(2026, 11, 22))
    return Subject("b" * 64, _manifest(), "data/test.jsonl", gold, probabilities, result, origin)


def _gold(n: int = 60) -> list[Gold]:
    tags = ("language:en", "tag:contrast", "words:1-6")
    return [Gold(f"prompt {i}", CLASSES[i % 3], None, tags[: 2 + i % 2], str(i // 2)) for i in range(n)]


def _said(n: int = 60) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(0).dirichlet([0.5, 0.5, 0.5], n).astype(np.float32)


@pytest.fixture(scope="module")
def page() -> str:
    return render(_subject(_gold(), _said()))


def test_the_page_loads_nothing(page: str) -> None:
    """Every address in it is a place in the page or inline data, it runs nothing, and it forbids itself the rest."""
    seen = Page(page)
    assert seen.targets
    assert [target for target in seen.targets if not target.startswith(("#", "data:", "--share:"))] == []
    assert seen.handlers == []
    assert not seen.tags & {"script", "img", "iframe", "object", "embed", "form", "base", "audio", "video"}
    assert not re.search(r"url\(|@import|https?:|//[a-z]", page)
    assert "default-src 'none'" in page


def test_links_lead_into_the_page(page: str) -> None:
    """Each section named at the top is there."""
    for target in Page(page).targets:
        assert not target.startswith("#") or f'id="{target[1:]}"' in page


def test_whatever_a_prompt_says_is_text() -> None:
    """Hostile prompts, labels, tags, groups, paths and names change no tag of the page, and are shown as they are."""
    tame = Page(render(_subject(_gold(), _said())))
    gold = [replace(row, prompt=HOSTILE, second=HOSTILE, slices=(f"tag:{HOSTILE}", *row.slices)) for row in _gold()]
    row = LabeledPrompt(HOSTILE, "preview", None, "g", (HOSTILE,), HOSTILE, "en")
    rival = Rival(HOSTILE, *[Figure(0.5, (0.4, 0.6))] * 3)
    subject = replace(
        _subject(gold, _said()), gold_path=HOSTILE, training=(HOSTILE, [row]), further=[rival],
        provenance=Provenance(HOSTILE, HOSTILE, True, HOSTILE, date(2026, 11, 22)),
    )  # fmt: skip
    seen = Page(render(subject))
    assert seen.tags == tame.tags
    assert set(seen.targets) == set(tame.targets)
    assert seen.handlers == []
    assert HOSTILE in seen.text
    assert "49" not in seen.text.split(HOSTILE)[1][:20]


def test_the_charts_are_whole(page: str) -> None:
    """Every drawing is well-formed and made of finite numbers."""
    charts = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(charts) > 10
    for chart in charts:
        for element in ElementTree.fromstring(chart).iter():
            numbers = " ".join(element.get(name, "0") for name in ("x", "y", "width", "height", "cx", "cy", "points"))
            assert all(np.isfinite(float(number)) for number in re.split(r"[\s,]+", numbers.strip()))
            assert float(element.get("width", "0")) >= 0


def test_the_figures_are_the_evaluation_s() -> None:
    """Headline, classes, calibration, digests and command stand in the page as the evaluation has them."""
    subject = _subject(_gold(), _said())
    text = " ".join(Page(render(subject)).text.split())
    result = subject.result
    low, high = result.strict_95
    assert f"Right on {100 * result.strict:.1f} % of 60 prompts ({100 * low:.1f}–{100 * high:.1f})" in text  # noqa: RUF001
    assert f"ECE {result.ece:.3f}, {'inside' if result.calibration.inside else 'above'} the band" in text
    for score in result.labels.values():
        assert f"{score.recall:.3f}{score.recall_95[0]:.3f}–{score.recall_95[1]:.3f}" in text  # noqa: RUF001
    assert all(known in text for known in ("b" * 64, "f" * 64, result.digest, "prompt-intent evaluate", "2026-11-22"))


def test_the_most_confident_errors_come_first() -> None:
    """Only wrong answers, surest first; one that is the second label says so."""
    gold = [Gold(str(i), "preview", "text_heavy" if i == 2 else None, (), str(i)) for i in range(4)]
    said = np.array([[0.9, 0.1, 0], [0.2, 0.8, 0], [0.1, 0.9, 0], [0.4, 0, 0.6]], dtype=np.float32)
    found = mistakes(gold, said, CLASSES)
    assert [(m.prompt, m.said, m.accepted) for m in found] == [
        ("2", "text_heavy", True), ("1", "text_heavy", False), ("3", "complex_logic", False),
    ]  # fmt: skip
    assert [m.prompt for m in mistakes(gold, said, CLASSES, shown=1)] == ["2"]


def test_a_single_right_row_is_a_page_too() -> None:
    """No errors, pairs, languages or curve: the page says so instead of failing."""
    text = Page(render(_subject([Gold("a", "preview", None, (), "g")], np.array([[1, 0, 0]], np.float32)))).text
    assert "None: every label is right." in text
    assert "no curve" in text


def test_the_same_subject_gives_the_same_page(page: str) -> None:
    """Nothing in it comes from a clock or from chance."""
    assert render(_subject(_gold(), _said())) == page


def test_what_no_utf8_file_can_hold_is_written_anyway(tmp_path: Path) -> None:
    """Half of a surrogate pair in a prompt does not lose the report, and its folder is made."""
    path = tmp_path / "reports" / "a.html"
    write_report(render(_subject([replace(row, prompt="\ud83d") for row in _gold()], _said())), path)
    assert "&#55357;" in path.read_text("utf-8")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A known error with the path, not a traceback."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportError, match="file/report"):
        write_report("", tmp_path / "file" / "report.html")
