"""The board as its people use it: by keys alone, and with a pointer that rests on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from .browsers import browser, found_by_axe, open_page, page_errors
from .shop import Shop
from .test_pages import log_in

pytestmark = pytest.mark.browser

# Set to a folder to have pictures taken.
PICTURES = os.environ.get("ORDERCAST_TEST_PICTURES")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright, browser(playwright) as running:
        yield running


def test_orders_are_accepted_by_keys_alone_and_a_pointer_never_loses_what_it_is_on(
    shop: Shop, chromium: Browser
) -> None:
    orders = [shop.place() for _ in range(3)]
    first, second, third = (order["id"] for order in orders)
    page = open_page(chromium, f"{shop.url}/admin", viewport={"width": 1440, "height": 900}, color_scheme="dark")
    log_in(page, shop)
    cards = page.get_by_test_id("order-card")
    expect(cards.locator("[data-to=processing]")).to_have_count(3)
    assert cards.evaluate_all("cards => cards.map(card => card.dataset.orderId)") == [first, second, third]

    page.get_by_role("heading", level=1).click()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(f"[data-stage=preparing] [data-order-id={first}]")).to_be_visible()
    expect(cards.locator(":scope:focus")).to_have_attribute("data-order-id", second)

    page.locator(f"[data-order-id={second}] [data-to=processing]").click()
    expect(page.locator(f"[data-stage=preparing] [data-order-id={second}]")).to_be_visible()
    expect(cards.locator(":scope:focus")).to_have_attribute("data-order-id", third)

    page.keyboard.press("/")
    page.keyboard.type(f"#{orders[2]['number']}")
    expect(cards).to_have_count(1)
    expect(cards).to_have_attribute("data-order-id", third)
    page.reload()
    expect(cards).to_have_count(1)
    assert found_by_axe(page) == []
    page.keyboard.press("/")
    page.keyboard.type("99")
    expect(page.get_by_test_id("no-match")).to_be_visible()
    assert found_by_axe(page) == []
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / "board-no-match.png")
        page.get_by_text("Show all orders").click()
        page.screenshot(path=Path(PICTURES) / "board.png")
    assert page_errors(page) == []
