"""The board while orders are prepared: promised times, what buyers wish, pauses and hours."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.waiting import eventually

from .bengali import latin
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


def test_a_cook_strikes_items_off_bumps_a_ticket_and_calls_it_back(shop: Shop, chromium: Browser) -> None:
    (item,) = shop.order()["cartItems"]
    orders = [shop.place(cartItems=[{**item, "note": "No chilli, please"}, item]) for _ in range(3)]
    for order in orders:
        shop.move(order, "processing", shop.token()).raise_for_status()
    first = orders[0]["id"]
    page = open_page(chromium, f"{shop.url}/admin/kitchen", viewport={"width": 1280, "height": 800})
    log_in(page, shop)
    tickets = page.get_by_test_id("kitchen-ticket")
    expect(tickets).to_have_count(3)
    expect(page.get_by_test_id("kitchen-counts")).to_contain_text("12")
    page.get_by_test_id("kitchen-item").first.click()
    assert found_in_both_colors(page) == []
    take_picture(page, "kitchen.png")
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(tickets).to_have_count(2)
    page.keyboard.press("r")
    expect(tickets).to_have_count(3)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    eventually(lambda: shop.get_order(first, shop.token())["status"] == "ready_for_delivery")
    expect(page.get_by_test_id("undo")).to_have_count(0)
    page.get_by_test_id("recall").click()
    recalled = page.locator(f"[data-order-id={first}][data-recalled]")
    expect(recalled).to_contain_text("Ready for delivery")
    assert found_in_both_colors(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    take_picture(page, "kitchen-phone.png")
    recalled.get_by_test_id("recall-dismiss").click()
    expect(tickets).to_have_count(2)
    page.evaluate('localStorage.setItem(\'ordercast.locale\', \'{"state":{"locale":"bn"},"version":0}\')')
    page.reload()
    expect(tickets).to_have_count(2)
    expect(page.locator("html")).to_have_attribute("lang", "bn-BD")
    assert latin(page) <= {"Masala", "chai", "No", "chilli", "please"}
    assert page_errors(page) == []
