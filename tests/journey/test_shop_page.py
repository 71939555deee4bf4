"""The shop's page in Chromium: on a phone, in Bengali, with what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from .browsers import browser, found_by_axe, open_page, page_errors
from .shop import Shop
from .test_pages import fill, take_picture

pytestmark = pytest.mark.browser

PHONE: Any = {"width": 360, "height": 740}
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


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("shop"))
    shop.start()
    yield shop
    shop.kill()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright, browser(playwright) as chromium:
        yield chromium


def in_bengali(page: Page) -> None:
    page.get_by_role("button", name="বাংলা").click()
    expect(page.locator("html")).to_have_attribute("lang", "bn-BD")


def latin(page: Page) -> set[str]:
    found: list[str] = page.evaluate(LATIN)
    return set(found) - NAMES


def test_on_a_phone_in_bengali_everything_is_in_reach_and_in_bengali(shop: Shop, chromium: Browser) -> None:
    page = open_page(chromium, f"{shop.url}/shop", viewport=PHONE)
    in_bengali(page)
    page.get_by_test_id("add-to-cart").first.click()
    bar = page.locator(".cart-bar")
    expect(bar).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    take_picture(page, "shop-phone-bn.png")
    bar.click()
    expect(bar).to_have_count(0)

    place = page.get_by_test_id("place-order")
    expect(place).to_be_enabled()
    place.click()
    expect(page.locator("[name='customerInfo.name']")).to_be_focused()
    fill(page, "promoCode", "EID")
    expect(page.locator("[name='promoCode']")).to_have_attribute("aria-invalid", "true")
    assert latin(page) == set()
    assert found_by_axe(page) == []
    # Who collects and pays in cash is asked who they are, and where they live by nobody.
    page.locator("[name=fulfilment][value=pickup]").check(force=True)
    expect(page.locator("[name='billingInfo.line1']")).to_have_count(0)
    page.locator("[name='paymentInfo.method'][value=card]").check(force=True)
    expect(page.locator("[name='billingInfo.line1']")).to_be_visible()
    for field, value in {
        "customerInfo.name": "আশা", "customerInfo.email": "asha@example.com", "customerInfo.mobile": "01700000000",
        "billingInfo.line1": "১২ লেক রোড", "billingInfo.city": "ঢাকা", "promoCode": "",
        "paymentInfo.token": "tok_declined",
    }.items():  # fmt: skip
        fill(page, field, value)
    expect(place).to_be_enabled()
    place.click()
    expect(page.get_by_role("alert")).to_contain_text("পেমেন্ট")
    assert latin(page) == set()
    take_picture(page, "shop-phone-bn-declined.png")

    page.locator("[name='paymentInfo.method'][value=cash]").check(force=True)
    expect(place).to_be_enabled()
    place.click()
    expect(page.get_by_test_id("track-status")).to_have_attribute("data-status", "pending")
    expect(page.get_by_test_id("socket-state")).to_have_attribute("data-state", "connected")
    expect(page.get_by_test_id("timeline").get_by_role("time")).to_have_count(1)
    assert latin(page) == set()
    assert page_errors(page) == []
    page.context.close()


@pytest.mark.parametrize("path", ["/", "/admin", "/driver", "/chat", "/forgot", "/no-such-page"])
def test_no_page_says_anything_in_english_to_who_reads_bengali(shop: Shop, chromium: Browser, path: str) -> None:
    page = open_page(chromium, f"{shop.url}{path}")
    in_bengali(page)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert latin(page) == set()
    page.context.close()
