"""Take the documentation's pictures of the first page, from a service that runs in the sandbox.

python tests/browser/screenshots.py http://127.0.0.1:8000 docs
"""

from __future__ import annotations

import argparse
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SIZES = {1280: 800, 390: 844}
TABLET = 600
# The last one stays on the page, the others fill the strip below it.
EXAMPLES = ("Cybernetic cat", "Sneaker mockup", "Sale banner")


def take_screenshots(url: str, folder: Path) -> list[Path]:
    """One PNG of the whole page for each width in pixels, with a banner drawn; `url` is where the service runs."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        try:
            return [_take(browser, url, width, folder / f"page-{width}.png") for width in SIZES]
        finally:
            browser.close()


def _take(browser: Browser, url: str, width: int, path: Path) -> Path:
    # Without motion nothing is caught halfway.
    context = browser.new_context(
        viewport={"width": width, "height": SIZES[width]}, reduced_motion="reduce", is_mobile=width < TABLET
    )
    page = context.new_page()
    page.goto(url)
    page.get_by_text("16:9").click()
    for example in EXAMPLES:
        page.get_by_role("button", name=example).click()
        prompt = page.get_by_label("Prompt", exact=True).input_value()
        page.get_by_role("button", name="Generate").click()
        page.get_by_role("img", name=prompt, exact=True).wait_for()
    page.get_by_text("Text heavy:").wait_for()
    page.evaluate("window.scrollTo(0, 0)")
    page.mouse.move(0, 0)
    page.screenshot(path=path, full_page=True)
    context.close()
    return path


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="where the service runs")
    parser.add_argument("folder", type=Path, help="where the PNGs go")
    arguments = parser.parse_args()
    take_screenshots(arguments.url, arguments.folder)


if __name__ == "__main__":
    main()
