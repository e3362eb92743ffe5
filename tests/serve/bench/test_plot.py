"""The plot: one file that any browser shows, with nothing from elsewhere and every figure in words."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from serve.bench.figures import Sample
from serve.bench.plot import draw_plot
from tests.serve.bench.conftest import make_record

SVG = "{http://www.w3.org/2000/svg}"
# A catalogue is UTF-8, so that no name has half a character in it.
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(
    st.lists(
        st.builds(Sample, NAMES, st.floats(min_value=0, max_value=1e6), st.sampled_from([None, "rate_limited"])),
        max_size=20,
    )
)
def test_any_run_is_well_formed(samples: list[Sample]) -> None:
    """Whatever the models are called and however long they took, also when none of them answered."""
    picture = ElementTree.fromstring(draw_plot(make_record(*samples)))
    width, height = float(picture.attrib["width"]), float(picture.attrib["height"])
    for circle in picture.iter(f"{SVG}circle"):
        assert 0 <= float(circle.attrib["cx"]) <= width
        assert 0 <= float(circle.attrib["cy"]) <= height


def test_every_answer_is_a_dot_and_every_figure_is_written() -> None:
    """Two answers and a failure: dots where they belong on a scale from 0, the numbers beside them and in `desc`."""
    samples = [
        Sample("fast", 400.0, settled_usd=0.02, bytes=153_600),
        Sample("fast", 200.0),
        Sample("fast", 9.0, "rate_limited"),
    ]
    text = draw_plot(make_record(*samples))
    picture = ElementTree.fromstring(text)
    dots = sorted(float(c.attrib["cx"]) for c in picture.iter(f"{SVG}circle") if c.get("fill-opacity") == "0.45")
    assert len(dots) == 2
    zero = min(float(line.attrib["x1"]) for line in picture.iter(f"{SVG}line"))
    assert dots[1] - zero == 2 * (dots[0] - zero)
    [about] = picture.iter(f"{SVG}desc")
    assert about.text == (
        "fast: p50 200 ms, p95 400 ms, p99 400 ms, errors 33.3%, US$ 0.0200, bytes 154 kB (rate_limited 33.3%)"
    )
    words = {label.text for label in picture.iter(f"{SVG}text")}
    assert "3 requests to the vendors, 4 at once" in words
    assert {"fast", "200 ms", "400 ms", "33.3%", "0.0200", "154 kB", "rate_limited 33.3%"} <= words


def test_many_causes_take_two_lines() -> None:
    """The plot has room for five of them; `desc` for all."""
    causes = ("content_policy", "rate_limited", "upstream_error", "upstream_quota", "upstream_timeout")
    picture = ElementTree.fromstring(draw_plot(make_record(*(Sample("fast", 9.0, cause) for cause in causes))))
    words = " ".join(label.text or "" for label in picture.iter(f"{SVG}text"))
    assert ", ".join(f"{cause} 20.0%" for cause in causes) in words


def test_nothing_comes_from_elsewhere() -> None:
    """No link, style sheet, script or font: only the name of the format itself is an address."""
    text = draw_plot(make_record(Sample("fast", 400.0)))
    assert re.findall(r"https?://[^\"]*", text) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"href|url\(|<script|<style|@import", text)


def test_a_long_run_is_not_a_heavy_file() -> None:
    """Ten thousand answers are drawn from evenly spaced ranks, the fastest and the slowest among them."""
    text = draw_plot(make_record(*(Sample("fast", float(ms)) for ms in range(10_000))))
    assert len(text) < 60_000
    dots = [float(c.attrib["cx"]) for c in ElementTree.fromstring(text).iter(f"{SVG}circle")]
    assert max(dots) - min(dots) > 300
