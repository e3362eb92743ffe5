"""While a prompt is typed the page shows what it is taken for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Route, expect

Visit = Callable[..., Any]

WATCH_THE_VERDICT = """() => {
  window.verdicts = [];
  const verdict = document.querySelector("#verdict");
  new MutationObserver(() => window.verdicts.push(verdict.textContent)).observe(verdict, { childList: true });
}"""


def test_typing_shows_the_probabilities(visit: Visit) -> None:
    """Every intent has a labelled bar with its percentage, and the bars say the same to a screen reader."""
    page = visit().page
    page.get_by_label("Prompt", exact=True).press_sequentially("quick draft of a chair")
    expect(page.locator("#verdict")).to_have_text("Preview: a quick draft is enough")
    expect(page.get_by_role("meter")).to_have_text(["Preview98%", "Text heavy<1%", "Complex logic2%"])
    expect(page.get_by_role("meter", name="Preview")).to_have_attribute("aria-valuenow", "98")


def test_a_bar_is_as_long_as_its_share(visit: Visit) -> None:
    """The coloured part of a track covers the probability that stands beside it."""
    visitor = visit(reduced_motion="reduce")
    visitor.type("quick draft of a chair")
    expect(visitor.page.locator("#verdict")).to_contain_text("Preview")
    covered = visitor.page.evaluate(
        """[...document.querySelectorAll(".track")].map((track) => {
          const [all, part] = [track, track.firstChild].map((element) => element.getBoundingClientRect());
          return Math.round((100 * (part.right - all.left)) / all.width);
        })"""
    )
    assert covered == [98, 0, 2]


def test_an_unsure_prompt_says_who_answers(visit: Visit) -> None:
    """Where the classifier abstains the page says that the default model will answer."""
    visitor = visit()
    visitor.type("hmm")
    expect(visitor.page.locator("#verdict")).to_have_text("Abstains — the default model answers")


def test_an_emptied_prompt_has_no_intent(visit: Visit) -> None:
    """Deleting the text takes the decision back."""
    visitor = visit()
    visitor.type("banner: SALE")
    expect(visitor.page.get_by_role("meter")).to_have_count(3)
    visitor.type("  ")
    expect(visitor.page.get_by_role("meter")).to_have_count(0)
    expect(visitor.page.locator("#verdict")).to_contain_text("Start typing")


def test_a_late_answer_changes_nothing(visit: Visit) -> None:
    """The answer for an older text, coming after the newer one's, is not shown."""
    visitor = visit()
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if "mockup" in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    visitor.page.route("**/v1/classify", hold_the_first)
    with visitor.page.expect_request("**/v1/classify"):
        visitor.type("quick mockup")
    visitor.type("banner: SALE")
    expect(visitor.page.locator("#verdict")).to_contain_text("Text heavy")
    visitor.page.evaluate(WATCH_THE_VERDICT)
    held[0].fulfill(json={"data": [{"intent": "preview", "abstained": False, "probabilities": {"preview": 1}}]})
    visitor.type("hmm")
    expect(visitor.page.locator("#verdict")).to_contain_text("Abstains")
    assert visitor.page.evaluate("window.verdicts") == ["Abstains — the default model answers"]


def test_typing_fast_asks_once(visit: Visit) -> None:
    """Requests wait for a pause in the typing."""
    page = visit().page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or "") if "classify" in request.url else None)
    page.evaluate(
        """for (const text of ["a", "a c", "a cat"]) {
          document.querySelector("#prompt").value = text;
          document.querySelector("#prompt").dispatchEvent(new Event("input"));
        }"""
    )
    expect(page.get_by_role("meter")).to_have_count(3)
    assert asked == ['{"prompt":"a cat"}']


def test_a_service_that_cannot_classify_says_why(visit: Visit) -> None:
    """An error of the classification is shown where the intent would be."""
    visitor = visit()
    visitor.tolerated.append("status of 400")
    visitor.type("a cat " * 6000)
    expect(visitor.page.locator("#verdict")).to_contain_text("at most 32000 characters")


def test_labels_of_ones_own_have_bars_too(visit: Visit) -> None:
    """Four intents of a user's own model give four bars under their own names."""
    visitor = visit()
    shares = {"logo_design": 0.7, "photo": 0.2, "icon": 0.1, "map": 0.0}
    decision = {"intent": "logo_design", "confidence": 0.7, "abstained": False, "probabilities": shares}
    visitor.page.route("**/v1/classify", lambda route: route.fulfill(json={"data": [decision], "model_version": "v"}))
    visitor.type("a fox in a circle")
    expect(visitor.page.get_by_role("meter")).to_have_text(["Logo design70%", "Photo20%", "Icon10%", "Map0%"])
    expect(visitor.page.locator("#verdict")).to_have_text("Logo design")
