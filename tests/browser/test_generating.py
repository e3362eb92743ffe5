"""From a prompt to a picture with its model, why, how long and for how much."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

Visit = Callable[..., Any]
Serve = Callable[..., str]

BANNER = "banner: SALE 50% OFF, bold orange letters"
MOCKUP = "quick mockup of a sneaker on a podium"

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def measure(page: Page, prompt: str) -> tuple[int, int]:
    """Width and height of the decoded picture, in its own pixels."""
    picture = page.get_by_role("img", name=prompt, exact=True)
    expect(picture).to_be_visible()
    width, height = picture.evaluate("(image) => [image.naturalWidth, image.naturalHeight]")
    return width, height


@pytest.mark.parametrize(
    ("example", "prompt", "model", "vendor"),
    [
        ("Sale banner", BANNER, "ideogram-v2a", "V_2A at ideogram"),
        ("Sneaker mockup", MOCKUP, "imagen-4-fast", "imagen-4.0-fast-generate-001 at google"),
        (
            "Cybernetic cat",
            "a cybernetic cat eating a galaxy while sitting on a binary tree",
            "dalle-3-std",
            "dall-e-3 at openai",
        ),
    ],
)
def test_an_example_is_drawn_by_its_model(visit: Visit, example: str, prompt: str, model: str, vendor: str) -> None:
    """Each example fills the prompt and, generated, shows a real picture and the model that drew it."""
    page = visit().page
    page.get_by_role("button", name=example).click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value(prompt)
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_role("heading", name=model, exact=True)).to_be_visible()
    expect(page.get_by_text(vendor, exact=True)).to_be_visible()
    width, height = measure(page, prompt)
    assert width == height > 0


def test_the_facts_stand_beside_the_picture(visit: Visit) -> None:
    """Why, the time and the cost are told, and that the sandbox bills nothing."""
    visitor = visit()
    visitor.generate(BANNER)
    facts = visitor.page.locator("dl")
    expect(facts).to_contain_text("Classified as text_heavy (1.00)")
    expect(facts).to_contain_text(re.compile(r"Time[\d,]+ ms"))
    expect(facts).to_contain_text("Cost$0.04sandbox: nothing was billed")
    expect(visitor.page.locator("#announcer")).to_contain_text("Picture ready: drawn by ideogram-v2a")


def test_every_candidate_and_attempt_is_listed(visit: Visit) -> None:
    """The folded part names all models on the route, with reasons, and every call with its outcome."""
    visitor = visit()
    visitor.generate(BANNER)
    visitor.page.get_by_text("How it was decided").click()
    expect(visitor.page.locator(".candidate-name")).to_have_text(
        ["ideogram-v2a", "ideogram-v2", "gpt-image-2.5-sunburst", "gemini-nano-banana-2.1", "dalle-3-std"]
    )
    expect(visitor.page.locator(".candidate").first).to_have_text("ideogram-v2adrew itFirst choice for text_heavy")
    expect(visitor.page.locator("tbody tr")).to_have_count(1)
    expect(visitor.page.locator("tbody tr")).to_contain_text("V_2Aok (200)")


def test_high_quality_exports_a_mockup(visit: Visit) -> None:
    """The quality control reaches the policy: a preview in high quality is drawn by the export model."""
    visitor = visit()
    visitor.page.get_by_label("Quality").select_option("High")
    visitor.generate(MOCKUP)
    expect(visitor.page.get_by_role("heading", name="imagen-4", exact=True)).to_be_visible()


def test_the_chosen_ratio_is_drawn(visit: Visit) -> None:
    """A wide ratio gives a picture that is wider than high."""
    visitor = visit()
    visitor.page.get_by_text("16:9", exact=True).click()
    visitor.generate(BANNER)
    width, height = measure(visitor.page, BANNER)
    assert width / height == pytest.approx(16 / 9, rel=0.04)


def test_a_named_model_is_used(visit: Visit) -> None:
    """The models of the service can be chosen; then no intent is shown, for nothing was classified."""
    visitor = visit()
    visitor.page.get_by_label("Model", exact=True).select_option("ideogram-v2")
    expect(visitor.page.get_by_text("Always this one: calls V_2 at ideogram.")).to_be_visible()
    visitor.generate(MOCKUP)
    expect(visitor.page.get_by_role("heading", name="ideogram-v2", exact=True)).to_be_visible()
    expect(visitor.page.locator("dt")).to_have_text(["Why", "Time", "Cost"])


def test_the_picture_can_be_opened_and_kept(visit: Visit) -> None:
    """A click opens it in full size in a tab of its own, and the link beside it saves the same bytes."""
    visitor = visit()
    visitor.generate(BANNER)
    with visitor.page.context.expect_page() as opened:
        visitor.page.get_by_role("img", name=BANNER, exact=True).click()
    address = opened.value.url
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1/images/[0-9a-f]{32}", address)
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("link", name="Download").click()
    assert download.value.path().read_bytes() == httpx.get(address).content
    assert download.value.suggested_filename.endswith(".png")


def test_earlier_pictures_can_be_seen_again(visit: Visit) -> None:
    """The strip keeps this session's pictures, newest first, each with its own facts."""
    visitor = visit()
    for prompt, model in ((BANNER, "ideogram-v2a"), (MOCKUP, "imagen-4-fast")):
        visitor.generate(prompt)
        expect(visitor.page.get_by_role("heading", name=model, exact=True)).to_be_visible()
    strip = visitor.page.get_by_role("region", name="This session").get_by_role("button")
    expect(strip).to_have_count(2)
    strip.nth(1).click()
    expect(visitor.page.get_by_role("heading", name="ideogram-v2a", exact=True)).to_be_visible()
    measure(visitor.page, BANNER)
    expect(strip.nth(1)).to_be_focused()


def test_a_running_request_can_be_cancelled(visit: Visit) -> None:
    """The busy page counts seconds, starts no second request, and goes back to rest on Cancel."""
    visitor = visit()
    asked: list[Route] = []

    def hold(route: Route) -> None:
        asked.append(route)

    visitor.page.route("**/v1/generate", hold)
    visitor.generate(BANNER)
    busy = visitor.page.get_by_role("button", name=re.compile(r"Generating \d+\.\d s"))
    expect(busy).to_have_attribute("aria-disabled", "true")
    busy.click(force=True)
    visitor.page.get_by_role("button", name="Cancel").click()
    expect(visitor.page.get_by_role("alert").filter(has_text="Cancelled.")).to_be_visible()
    expect(visitor.page.get_by_role("button", name="Generate")).to_be_focused()
    expect(visitor.page.get_by_role("button", name="Cancel")).to_be_hidden()
    assert len(asked) == 1


def test_a_real_picture_tells_its_bill(visit: Visit, serve: Serve) -> None:
    """With one vendor's key nothing speaks of a sandbox, other models are greyed out with the reason, calls cost."""
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"data": [{"b64_json": PIXEL}]}))
    visitor = visit(at=serve(openai_api_key="any", transport=transport))
    option = visitor.page.locator("option[value='ideogram-v2a']")
    expect(option).to_have_text("ideogram-v2a (no IDEOGRAM_API_KEY)")
    expect(option).to_be_disabled()
    expect(visitor.page.locator("option[value='gpt-image-2.5-flare']")).to_be_enabled()
    visitor.generate(BANNER)
    assert measure(visitor.page, BANNER) == (1, 1)
    visitor.page.get_by_text("How it was decided").click()
    expect(visitor.page.locator(".candidate").first).to_have_text("ideogram-v2athrown outNo IDEOGRAM_API_KEY")
    expect(visitor.page.locator("tbody tr")).to_contain_text("$0.01317, billed: yes")
    expect(visitor.page.get_by_text("sandbox")).to_have_count(0)
