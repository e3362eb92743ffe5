"""What goes wrong is said on the page, with what to do about it; nothing typed is ever markup."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, expect

Visit = Callable[..., Any]
Serve = Callable[..., str]

KEY = "a-key-of-our-own"


FAILURES = [
    (429, "rate_limit_exceeded", "Try again in 7 s."),
    (
        504,
        "upstream_timeout",
        "It may have been drawn and billed all the same: generating again may cost twice.",
    ),
    (502, "upstream_error", "Try again in a moment, or choose another model."),
    (503, "not_ready", "Whoever runs this service finds what is missing at /readyz."),
    (413, "payload_too_large", "Change the prompt or the settings, then try again."),
]


def alert_of(page: Page) -> Locator:
    """The region that screen readers read out at once."""
    return page.locator("#failure-text[role=alert]")


def test_a_refusal_is_explained(visit: Visit) -> None:
    """The envelope's message is shown with advice, and the decision that led there; the prompt stays."""
    visitor = visit()
    visitor.tolerated.append("status of 400")
    visitor.generate("a sandbox-blocked cat")
    expect(alert_of(visitor.page)).to_contain_text("refused by the content filter")
    expect(alert_of(visitor.page)).to_contain_text("Another wording may pass")
    visitor.page.get_by_text("How it was decided").click()
    expect(visitor.page.locator("tbody tr")).to_contain_text("content_policy (400)")
    expect(visitor.page.get_by_label("Prompt", exact=True)).to_have_value("a sandbox-blocked cat")


def test_the_next_picture_takes_the_error_away(visit: Visit) -> None:
    """An error is not left standing beside a later picture."""
    visitor = visit()
    visitor.tolerated.append("status of 400")
    visitor.generate("a sandbox-blocked cat")
    expect(alert_of(visitor.page)).to_be_visible()
    visitor.generate("a cat")
    expect(visitor.page.get_by_role("img", name="a cat", exact=True)).to_be_visible()
    expect(alert_of(visitor.page)).to_be_hidden()


def test_a_blank_prompt_is_asked_for(visit: Visit) -> None:
    """Nothing is sent without a prompt; the field gets the focus back."""
    page = visit().page
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_role("alert").filter(has_text="Type a prompt first.")).to_be_visible()
    expect(page.get_by_label("Prompt", exact=True)).to_be_focused()


def test_a_lost_service_is_named(visit: Visit) -> None:
    """A connection that fails is told apart from an answer, and the button is free again."""
    visitor = visit()
    visitor.tolerated.append("ERR_FAILED")
    visitor.page.route("**/v1/generate", lambda route: route.abort())
    visitor.generate("a cat")
    expect(alert_of(visitor.page)).to_contain_text("The service cannot be reached.")
    expect(visitor.page.get_by_role("button", name="Generate")).to_have_attribute("aria-disabled", "false")


def test_each_failure_has_its_advice(visit: Visit) -> None:
    """What to do depends on what happened: wait, think of the bill, or take another model."""
    visitor = visit()
    for status, code, advice in FAILURES:
        visitor.tolerated.append(f"status of {status}")
        _answer(visitor.page, status, headers={"retry-after": "7"}, json={"error": {"message": code, "code": code}})
        visitor.generate("a cat")
        expect(alert_of(visitor.page)).to_have_text(f"{code}{advice}")


def test_a_gateway_page_is_no_riddle(visit: Visit) -> None:
    """An answer that is not JSON is reported by its status."""
    visitor = visit()
    visitor.tolerated.append("status of 502")
    _answer(visitor.page, 502, body="<h1>Bad gateway</h1>")
    visitor.generate("a cat")
    expect(alert_of(visitor.page)).to_contain_text("answered 502 with something that is not JSON")


def test_a_prompt_is_never_markup(visit: Visit) -> None:
    """Markup in a prompt is shown letter by letter wherever the prompt appears, and runs nowhere."""
    visitor = visit()
    for prompt in ('<img src=x onerror="document.title=1"> cat', "<script>document.title=1</script>"):
        visitor.generate(prompt)
        expect(visitor.page.locator("figcaption")).to_have_text(prompt)
        expect(visitor.page.get_by_role("img", name=prompt, exact=True)).to_be_visible()
        expect(visitor.page.locator("#result img")).to_have_count(1)
    expect(visitor.page).to_have_title("prompt-intent")


def test_a_picture_that_is_gone_says_so(visit: Visit) -> None:
    """Where the bytes cannot be loaded there are words in the picture's place, with the facts still there."""
    visitor = visit()
    visitor.tolerated.append("ERR_FAILED")
    visitor.page.route("**/v1/images/*", lambda route: route.abort())
    visitor.generate("a cat")
    expect(visitor.page.locator("figure")).to_contain_text("cannot be loaded")
    expect(visitor.page.get_by_role("heading", name="dalle-3-std", exact=True)).to_be_visible()


def test_a_key_is_asked_for_and_used(visit: Visit, serve: Serve) -> None:
    """A service with a key of its own shows the field; a wrong key is refused, the right one works and stays."""
    visitor = visit(at=serve(api_key=KEY))
    visitor.tolerated.append("status of 401")
    page = visitor.page
    field = page.get_by_label("API key")
    expect(page.get_by_role("alert").filter(has_text="wants an API key")).to_be_visible()
    for wrong, answer in (("wrong", "refused this key"), ("no good", "letters, digits and signs only")):
        field.fill(wrong)
        field.press("Enter")
        expect(page.get_by_role("alert").filter(has_text=answer)).to_be_visible()
    field.fill(KEY)
    page.get_by_role("button", name="Use this key").click()
    expect(page.locator("option[value='ideogram-v2a']")).to_be_enabled()
    visitor.generate("a cat")
    expect(page.get_by_role("img", name="a cat", exact=True)).to_be_visible()
    expect(field).to_be_hidden()
    assert page.evaluate("[sessionStorage.length, localStorage.length, document.cookie]") == [1, 0, ""]
    page.reload()
    expect(page.locator("option[value='ideogram-v2a']")).to_be_enabled()


def test_no_page_breaks_its_own_policy(visit: Visit) -> None:
    """The first page and all that it links to load under the content security policy without a complaint."""
    visitor = visit()
    expect(visitor.page.get_by_text("Classifier 0123456789ab")).to_be_visible()
    assert visitor.unexpected() == []
    for link in visitor.page.get_by_role("contentinfo").get_by_role("link").all():
        response = visitor.page.request.get(link.evaluate("(link) => link.href"))
        assert response.ok
        assert response.headers["content-security-policy"].startswith("default-src 'none'")
    visitor.page.get_by_role("link", name="Docs").click()
    visitor.page.get_by_text("/v1/generate").first.wait_for()


def _answer(page: Page, status: int, **answer: Any) -> None:
    page.unroute("**/v1/generate")
    page.route("**/v1/generate", lambda route: route.fulfill(status=status, **answer))
