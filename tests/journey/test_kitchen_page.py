"""The board while orders are prepared: promised times, what buyers wish, pauses and hours."""

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


def test_a_shop_is_paused_and_a_dish_sold_out_from_the_board_and_buyers_read_it(shop: Shop, chromium: Browser) -> None:
    page = open_page(chromium, f"{shop.url}/admin", viewport={"width": 390, "height": 844})
    log_in(page, shop)

    def choose(test_id: str) -> None:
        page.get_by_test_id("board-menu").click()
        page.get_by_test_id(test_id).click()
        assert found_in_both_colors(page) == []

    choose("sold-out-open")
    page.get_by_test_id("sold-out").first.click()
    expect(page.get_by_test_id("sold-out").first).to_be_checked()
    page.keyboard.press("Escape")
    choose("hours-open")
    page.get_by_test_id("always-open").click()
    assert found_in_both_colors(page) == []
    take_picture(page, "board-hours.png")
    page.keyboard.press("Escape")
    choose("pause-open")
    page.get_by_test_id("pause-preset").nth(1).click()
    page.get_by_test_id("pause-reason").fill("Too many orders")
    take_picture(page, "board-pause.png")
    page.get_by_test_id("pause-submit").click()
    expect(page.get_by_test_id("closed-bar")).to_contain_text("Too many orders")
    assert found_in_both_colors(page) == []
    take_picture(page, "board-paused.png")

    buyer = open_page(chromium, f"{shop.url}/shop", viewport={"width": 390, "height": 844})
    expect(buyer.get_by_test_id("shop-closed")).to_contain_text("Too many orders")
    expect(buyer.get_by_test_id("add-to-cart").first).to_be_disabled()
    assert found_in_both_colors(buyer) == []
    take_picture(buyer, "shop-closed.png")

    page.get_by_test_id("resume").click()
    expect(page.get_by_test_id("closed-bar")).to_be_empty()
    buyer.reload()
    expect(buyer.get_by_test_id("add-to-cart").last).to_be_enabled()
    expect(buyer.get_by_test_id("shop-closed")).to_be_empty()
    assert page_errors(page) + page_errors(buyer) == []
