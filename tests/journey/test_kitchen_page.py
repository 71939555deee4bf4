"""The board while orders are prepared: promised times and what buyers wish."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.waiting import eventually

from .browsers import found_in_both_colors, open_page, page_errors
from .shop import Shop
from .test_pages import log_in, take_picture

pytestmark = pytest.mark.browser


def test_an_order_is_accepted_with_a_time_and_its_buyers_wish_stands_on_the_ticket(
    shop: Shop, chromium: Browser
) -> None:
    (item,) = shop.order()["cartItems"]
    order = shop.place(cartItems=[{**item, "note": "No chilli, please"}, item])
    page = open_page(chromium, f"{shop.url}/admin", viewport={"width": 1440, "height": 900})
    log_in(page, shop)
    card = page.locator(f"[data-testid=order-card][data-order-id={order['id']}]")
    expect(card).to_contain_text("No chilli, please")
    card.get_by_test_id("preparation").select_option("30")
    assert found_in_both_colors(page) == []
    take_picture(page, "board-preparation.png")
    card.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-stage=preparing]").get_by_test_id("order-promised")).to_contain_text(
        re.compile("(29|30|31) min left")
    )
    eventually(lambda: shop.get_order(order["id"], shop.token())["promisedAt"] is not None)

    promised = shop.get_order(order["id"], shop.token())["promisedAt"]
    card.get_by_test_id("order-menu").click()
    page.get_by_test_id("promise-open").click()
    page.get_by_test_id("minutes-input").fill("1")
    page.get_by_test_id("reason-preset").last.click()
    assert found_in_both_colors(page) == []
    page.get_by_test_id("minutes-submit").click()
    # Soon, or over by now: how quickly this was done, nobody knows.
    expect(card.get_by_test_id("order-promised")).to_have_attribute("data-late", re.compile("late"))
    assert shop.get_order(order["id"], shop.token())["promisedAt"] < promised
    assert found_in_both_colors(page) == []
    take_picture(page, "board-promised.png")
    assert page_errors(page) == []
