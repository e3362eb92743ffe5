"""A decision can be asked for its reasons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Route, expect

Visit = Callable[..., Any]


def test_a_decision_names_its_strongest_words(visit: Visit) -> None:
    """The button tells which words speak for the intent and how much, whatever they look like."""
    visitor = visit()
    expect(visitor.page.get_by_role("button", name="Why?")).to_be_hidden()
    visitor.type("<b>quick</b> draft of a chair")
    visitor.page.get_by_role("button", name="Why?").click()
    expect(visitor.page.locator("#reasons")).to_have_text("No single word decides.")
    visitor.type("banner: <b>SALE</b>")
    visitor.page.get_by_role("button", name="Why?").click()
    expect(visitor.page.locator("#reasons")).to_have_text("For text heavy, against complex logic: “banner:” +12")


def test_reasons_go_with_their_text(visit: Visit) -> None:
    """Typing on takes the reasons back, also those that are still on their way."""
    visitor = visit()
    visitor.type("banner: SALE")
    visitor.page.get_by_role("button", name="Why?").click()
    expect(visitor.page.locator("#reasons")).to_contain_text("banner:")
    visitor.type("a cat")
    expect(visitor.page.locator("#reasons")).to_be_empty()
    held: list[Route] = []
    visitor.page.route(
        "**/v1/classify",
        lambda route: held.append(route) if "explain" in (route.request.post_data or "") else route.continue_(),
    )
    with visitor.page.expect_request("**/v1/classify"):
        visitor.page.get_by_role("button", name="Why?").click()
    visitor.type("")
    expect(visitor.page.get_by_role("button", name="Why?")).to_be_hidden()
    held[0].fulfill(json={"data": [{"intent": "preview", "explanation": {"runner_up": "x", "words": []}}]})
    visitor.type("banner: OPEN")
    expect(visitor.page.locator("#verdict")).to_contain_text("Text heavy")
    expect(visitor.page.locator("#reasons")).to_be_empty()


def test_reasons_that_cannot_be_had_say_so(visit: Visit) -> None:
    """An error stands where the reasons would."""
    visitor = visit()
    visitor.tolerated.append("status of 503")
    visitor.type("banner: SALE")
    why = visitor.page.get_by_role("button", name="Why?")
    expect(why).to_be_visible()
    refusal = {"error": {"message": "no classifier", "type": "x", "param": None, "code": "not_ready"}}
    visitor.page.route("**/v1/classify", lambda route: route.fulfill(status=503, json=refusal))
    why.click()
    expect(visitor.page.locator("#reasons")).to_have_text("no classifier")
