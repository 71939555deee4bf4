"""Pages in Bengali, and what on them is not."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

# What is written in Latin letters on a page in Bengali: our name, and the other language's in its own.
NAMES = {"Ordercast", "English"}
LATIN = """
() => {
    const said = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const { parentElement, data } = walker.currentNode;
        if (!parentElement.closest("script, style, noscript, template")) said.push(data);
    }
    for (const element of document.querySelectorAll("*"))
        for (const name of ["placeholder", "aria-label", "title", "alt"])
            if (element.hasAttribute(name)) said.push(element.getAttribute(name));
    said.push(document.title);
    return [...new Set(said.flatMap(text => text.match(/[A-Za-z]{2,}/g) ?? []))];
}
"""


def in_bengali(page: Page) -> None:
    page.get_by_role("button", name="বাংলা").click()
    expect(page.locator("html")).to_have_attribute("lang", "bn-BD")
    # The tab has another title once in a second at most.
    expect(page).to_have_title(re.compile(r"^[^A-Za-z]*(Ordercast)?$"))


def latin(page: Page) -> set[str]:
    found: list[str] = page.evaluate(LATIN)
    return set(found) - NAMES
