"""The board as its people use it: by keys alone, and with a pointer that rests on it."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.waiting import eventually

from .browsers import found_by_axe, open_page, page_errors
from .shop import Shop
from .test_pages import log_in, take_picture

pytestmark = pytest.mark.browser


def log_in_to_board(chromium: Browser, shop: Shop, **options: object) -> Page:
    page = open_page(chromium, f"{shop.url}/admin", viewport={"width": 1440, "height": 900}, **options)
    log_in(page, shop)
    return page


def test_a_press_is_taken_back_or_kept_while_nothing_is_reached_and_a_buyer_who_cancels_is_seen(
    shop: Shop, chromium: Browser
) -> None:
    orders = [shop.place() for _ in range(3)]
    first, second, third = (order["id"] for order in orders)
    page = log_in_to_board(chromium, shop)
    page.locator(f"[data-order-id={first}] [data-to=processing]").click()
    expect(page.locator(f"[data-stage=preparing] [data-order-id={first}]")).to_be_visible()
    expect(page.get_by_test_id("undo")).to_contain_text("Accept")
    assert found_by_axe(page) == []
    take_picture(page, "board-undo.png")
    page.get_by_test_id("undo-button").click()
    expect(page.get_by_test_id("undo")).to_have_count(0)
    expect(page.locator(f"[data-stage=new] [data-order-id={first}][data-testid=order-card]")).to_be_visible()
    assert shop.get_order(first, shop.token())["status"] == "pending"

    page.context.set_offline(True)
    card = page.locator(f"[data-testid=order-card][data-order-id={second}]")
    card.locator("[data-to=processing]").click()
    expect(card.get_by_test_id("move-waits")).to_be_visible()
    assert found_by_axe(page) == []
    take_picture(page, "board-waiting.png")
    page.context.set_offline(False)
    expect(card.get_by_test_id("move-waits")).to_have_count(0)
    eventually(lambda: shop.get_order(second, shop.token())["status"] == "processing")

    headers = {"authorization": f"Bearer {orders[2]['trackingToken']}"}
    reason = {"reason": "Ordered twice"}
    httpx.post(f"{shop.url}/api/orders/{third}/cancel", headers=headers, json=reason).raise_for_status()
    card = page.locator(f"[data-stage=new] [data-testid=order-card][data-order-id={third}]")
    expect(card).to_have_class(re.compile("order--cancelled"))
    expect(card.get_by_test_id("order-reason")).to_contain_text("Ordered twice")
    assert found_by_axe(page) == []
    take_picture(page, "board-cancelled.png")
    page.reload()
    expect(card).to_have_class(re.compile("order--cancelled"))
    card.get_by_test_id("cancelled-seen").click()
    expect(page.locator(f"[data-stage=done] [data-order-id={third}]")).to_be_visible()
    assert page_errors(page) == []


def test_of_many_orders_those_in_sight_are_in_the_document_and_all_are_reached_by_keys(
    shop: Shop, chromium: Browser
) -> None:
    orders = [shop.place() for _ in range(40)]
    page = log_in_to_board(chromium, shop)
    cards = page.get_by_test_id("order-card")
    expect(page.get_by_role("heading", name="New 40")).to_be_visible()
    expect(page.locator(f"[data-order-id={orders[0]['id']}]")).to_be_visible()
    assert cards.count() < 15
    page.locator(f"[data-order-id={orders[0]['id']}]").focus()
    for order in orders[1:]:
        page.keyboard.press("ArrowDown")
        expect(page.locator(f"[data-order-id={order['id']}]:focus")).to_be_visible()
    assert cards.count() < 15
    # Wherever the column has been scrolled to, an arrow leads to the very next one.
    page.locator(".column-scroll").first.evaluate("box => box.scrollTo(0, 0)")
    expect(page.locator(f"[data-order-id={orders[0]['id']}]")).to_be_visible()
    for order in reversed(orders[-4:-1]):
        page.keyboard.press("ArrowUp")
        expect(page.locator(f"[data-order-id={order['id']}]:focus")).to_be_visible()
    assert page.get_by_role("banner").bounding_box()["height"] <= 64  # type: ignore[index]
    assert found_by_axe(page) == []
    assert page_errors(page) == []


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
    take_picture(page, "board-no-match.png")
    page.get_by_text("Show all orders").click()
    take_picture(page, "board.png")
    assert page_errors(page) == []
