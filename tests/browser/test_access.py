"""The page for everybody: by keyboard, on a telephone, in the dark, without motion."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

Visit = Callable[..., Any]

# Text and what it stands on; an edge needs 3:1, text 4.5:1 (WCAG 2.2, 1.4.11 and 1.4.3).
TEXT_PAIRS = [
    ("ink", "paper"), ("ink", "surface"), ("ink", "sunk"), ("paper", "ink"), ("muted", "paper"), ("muted", "surface"),
    ("muted", "sunk"), ("notice-ink", "notice"), ("notice-ink", "surface"), ("bad-ink", "bad"), ("bad-ink", "paper"),
    ("tone-1", "paper"), ("tone-1", "surface"),
]  # fmt: skip
EDGE_PAIRS = [("edge", "surface"), ("tone-1", "sunk"), ("tone-2", "sunk"), ("tone-3", "sunk"), ("focus", "paper")]


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb", as WCAG defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_a_picture_needs_no_mouse(visit: Visit) -> None:
    """Tab, type, choose with the arrows, press Ctrl+Enter, and reach the picture's link with Tab again."""
    page = visit().page
    page.keyboard.press("Tab")
    expect(page.get_by_label("Prompt", exact=True)).to_be_focused()
    page.keyboard.type("banner: OPEN")
    page.get_by_role("radio", name="1:1").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="16:9")).to_be_checked()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="ideogram-v2a", exact=True)).to_be_visible()
    page.get_by_role("button", name="Generate").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="banner: OPEN")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("details")).to_have_attribute("open", "")


def test_the_other_keyboard_works_too(visit: Visit) -> None:
    """Cmd+Enter generates as Ctrl+Enter does; Enter alone starts a new line."""
    visitor = visit()
    visitor.type("a cat")
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_label("Prompt", exact=True)).to_have_value("a cat\n")
    visitor.page.keyboard.press("Meta+Enter")
    expect(visitor.page.get_by_role("heading", name="dalle-3-std", exact=True)).to_be_visible()


def test_the_focus_can_be_seen(visit: Visit) -> None:
    """Every control that Tab reaches has an outline while it has the focus."""
    page = visit().page
    reached = []
    for _ in range(9):
        page.keyboard.press("Tab")
        outlined, name = page.evaluate(
            """(() => {
              const focused = document.activeElement;
              const shown = focused.type === "radio" ? focused.parentElement : focused;
              return [getComputedStyle(shown).outlineStyle, focused.id || focused.name || focused.textContent];
            })()"""
        )
        assert outlined == "solid", name
        reached.append(name)
    examples = ["Sale banner", "Sneaker mockup", "Cybernetic cat"]
    assert reached == ["prompt", *examples, "model", "quality", "ratio", "generate", "Docs"]


def test_every_control_has_a_name(visit: Visit) -> None:
    """A screen reader can say what each control is for."""
    page = visit().page
    snapshot = page.locator("body").aria_snapshot()
    for role in ("button", "textbox", "combobox", "radio", "link", "meter"):
        assert not re.search(rf"^\s*- {role}:?$", snapshot, re.MULTILINE), role
    assert 'textbox "Prompt"' in snapshot
    assert 'group "Aspect ratio"' in snapshot


@pytest.mark.parametrize("width", [320, 390, 900])
def test_nothing_sticks_out(visit: Visit, width: int) -> None:
    """No width makes the page scroll sideways, not even with a long word, all details and a picture on it."""
    visitor = visit(width=width)
    visitor.generate(f"banner: {'OVERFLOW' * 12}")
    visitor.page.get_by_text("How it was decided").click()
    visitor.page.get_by_label("Model", exact=True).select_option("gemini-3.1-flash-lite-image")
    expect(visitor.page.locator("tbody tr")).to_be_visible()
    assert visitor.page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize(("scheme", "background"), [("light", "rgb(250, 249, 246)"), ("dark", "rgb(23, 22, 20)")])
def test_the_colours_can_be_read(visit: Visit, scheme: str, background: str) -> None:
    """The system's dark mode is followed; text and edges have the contrast of WCAG AA by day and by night."""
    page = visit(color_scheme=scheme).page
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == background

    def ratio(pair: tuple[str, str]) -> float:
        read = "(name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`)"
        return contrast(*(page.evaluate(read, name) for name in pair))

    assert [pair for pair in TEXT_PAIRS if ratio(pair) < 4.5] == []
    assert [pair for pair in EDGE_PAIRS if ratio(pair) < 3] == []


@pytest.mark.parametrize(("wish", "shimmer", "glide"), [("no-preference", "sweep", "0.24s"), ("reduce", "none", "0s")])
def test_motion_can_be_refused(visit: Visit, wish: str, shimmer: str, glide: str) -> None:
    """With reduced motion nothing glides and nothing shimmers."""
    visitor = visit(reduced_motion=wish)
    visitor.page.route("**/v1/generate", lambda route: None)
    visitor.generate("a cat")
    expect(visitor.page.get_by_text("Drawing…")).to_be_visible()
    waiting, bar = visitor.page.locator("#waiting"), visitor.page.locator(".track i").first
    assert waiting.evaluate("(element) => getComputedStyle(element, '::after').animationName") == shimmer
    expect(visitor.page.get_by_role("meter")).to_have_count(3)
    assert bar.evaluate("(element) => getComputedStyle(element).transitionDuration") == glide


def test_the_sandbox_is_never_a_secret(visit: Visit) -> None:
    """The banner is there before anything is generated, beside the classifier's version."""
    page = visit().page
    expect(page.get_by_text("Sandbox: no provider key is set, pictures are drawn by a stand-in")).to_be_visible()
    expect(page.get_by_text("Classifier 0123456789ab")).to_be_visible()


def test_the_sandbox_is_told_by_the_picture_too(visit: Visit) -> None:
    """Where the service's state could not be read, the first picture brings the banner."""
    visitor = visit("/docs")
    visitor.tolerated.append("ERR_FAILED")
    visitor.page.route("**/readyz", lambda route: route.abort())
    visitor.page.get_by_role("link", name="the page").click()
    expect(visitor.page.get_by_text("The service cannot be reached.")).to_be_visible()
    visitor.generate("a cat")
    expect(visitor.page.get_by_text("pictures are drawn by a stand-in")).to_be_visible()
