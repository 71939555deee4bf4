"""Real browsers: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright, expect

CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 60_000
COLORS: tuple[Literal["light", "dark"], ...] = ("light", "dark")
AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"


@contextmanager
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A Chromium process of its own, with an empty profile."""
    executable = shutil.which("chromium")
    assert executable is not None, "the browser tests need chromium: scripts/install-test-tools"
    chromium = playwright.chromium.launch(executable_path=executable, args=list(CHROMIUM_FLAGS))
    try:
        yield chromium
    finally:
        chromium.close()


def open_page(chromium: Browser, url: str, **options: object) -> Page:
    """A tab whose errors fail the test: a page that throws is broken, however it looks."""
    context = chromium.new_context(locale="en", **options)  # type: ignore[arg-type]
    _opened.append(context)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page.on("pageerror", lambda error: page_errors(page).append(str(error)))
    page.goto(url)
    return page


_opened: list[BrowserContext] = []


def close_pages() -> None:
    """Close what was opened: a page whose shop has gone seeks it for as long as its browser lives."""
    while _opened:
        context = _opened.pop()
        if context.browser is not None and context.browser.is_connected():
            context.close()


def page_errors(page: Page) -> list[str]:
    """What this page threw so far."""
    if not hasattr(page, "ordercast_errors"):
        page.ordercast_errors = []  # type: ignore[attr-defined]
    errors: list[str] = page.ordercast_errors  # type: ignore[attr-defined]
    return errors


def found_by_axe(page: Page) -> list[str]:
    """What axe finds wrong for those who do not see or point, with the first place of each."""
    page.evaluate(AXE.read_text())
    # A colour on its way to another has the contrast of neither.
    page.evaluate(
        """() => Promise.allSettled(
            document.getAnimations().filter(each => each instanceof CSSTransition).map(({ finished }) => finished)
        ).then(() => undefined)"""
    )
    found: list[str] = page.evaluate(
        "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`))"
    )
    return found


def found_in_both_colors(page: Page) -> list[str]:
    """The same by day and by night."""
    found: list[str] = []
    for colors in COLORS:
        page.emulate_media(color_scheme=colors)
        found += found_by_axe(page)
    return found


def remember(locator: Locator) -> Callable[[], list[str]]:
    """Note what an element says from now on, be it for a moment; gives how to ask for it."""
    locator.evaluate(
        """element => {
            element.said = [];
            const note = () => element.said.push(element.textContent);
            new MutationObserver(note).observe(element, { childList: true, characterData: true, subtree: true });
        }"""
    )
    return lambda: locator.evaluate("element => element.said")
