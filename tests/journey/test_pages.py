"""What the software is for: a person buys in one browser, and the shop sees it in another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.waiting import eventually

from .browsers import found_by_axe, found_in_both_colors, open_page, page_errors
from .shop import Shop

pytestmark = pytest.mark.browser

# Set to a folder to have the pictures of the README and the docs taken anew.
PICTURES = os.environ.get("ORDERCAST_TEST_PICTURES")


@pytest.fixture(scope="module")
def read_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """For pages that are read and change nothing."""
    shop = Shop(tmp_path_factory.mktemp("read"))
    shop.start()
    yield shop
    shop.kill()


def take_picture(page: Page, name: str) -> None:
    if PICTURES:
        page.wait_for_timeout(400)
        page.screenshot(path=Path(PICTURES) / name)


def log_in(page: Page, shop: Shop, email: str = "admin@example.com") -> None:
    page.get_by_test_id("login-email").fill(email)
    page.get_by_test_id("login-password").fill(shop.password)
    page.get_by_test_id("login-submit").click()
    expect(page.get_by_test_id("socket-state")).to_have_attribute("data-state", "connected")


def check_out(
    page: Page, shop: Shop, name: str = "Asha Rahman", card: str | None = None, promo_code: str | None = None
) -> None:
    """Fill the cart and the five parts as a person does, and order; with `card`, pay by that sandbox token."""
    page.goto(f"{shop.url}/shop")
    for product in range(3):
        page.get_by_test_id("product-card").nth(product).get_by_test_id("add-to-cart").click()
    for field, value in {
        "customerInfo.name": name,
        "customerInfo.email": "asha@example.com",
        "customerInfo.mobile": "+8801700000000",
        "billingInfo.name": name,
        "billingInfo.line1": "12 Lake Road",
        "billingInfo.city": "Dhaka",
        "billingInfo.postcode": "1207",
        "billingInfo.country": "BD",
    }.items():
        fill(page, field, value)
    if card is not None:
        page.locator("[name='paymentInfo.method'][value=card]").check(force=True)
        fill(page, "paymentInfo.token", card)
    if promo_code is not None:
        fill(page, "promoCode", promo_code)
        expect(page.get_by_test_id("quote")).to_contain_text(promo_code)
    page.get_by_test_id("place-order").click()


def fill(page: Page, field: str, value: str) -> None:
    control = page.locator(f"[name='{field}']")
    if control.evaluate("element => element.tagName") == "SELECT":
        control.select_option(value)
    else:
        control.fill(value)


def test_an_order_placed_in_one_browser_shows_in_another_and_its_progress_comes_back(
    shop: Shop, chromium: Browser
) -> None:
    admin = open_page(chromium, f"{shop.url}/admin", viewport={"width": 1280, "height": 800})
    log_in(admin, shop)
    buyer = open_page(chromium, f"{shop.url}/shop")

    check_out(buyer, shop)
    expect(buyer.get_by_test_id("track-status")).to_have_attribute("data-status", "pending")
    total = buyer.get_by_test_id("track-total").inner_text()

    card = admin.get_by_test_id("order-card")
    expect(card).to_have_count(1)
    expect(card.get_by_test_id("order-name")).to_have_text("Asha Rahman")
    expect(card.get_by_test_id("order-mobile")).to_contain_text("+8801700000000")
    expect(card.get_by_test_id("order-total")).to_have_text(total)
    take_picture(admin, "admin.png")

    card.locator("[data-testid=status-button][data-to=processing]").click()
    expect(card).to_have_attribute("data-status", "processing")
    expect(buyer.get_by_test_id("track-status")).to_have_attribute("data-status", "processing")
    take_picture(buyer, "track.png")
    assert page_errors(admin) == page_errors(buyer) == []


def test_a_card_that_is_declined_says_so_and_nothing_is_ordered(shop: Shop, chromium: Browser) -> None:
    admin = open_page(chromium, f"{shop.url}/admin")
    log_in(admin, shop)
    buyer = open_page(chromium, f"{shop.url}/shop")

    check_out(buyer, shop, card="tok_declined")

    expect(buyer.get_by_role("alert").first).to_contain_text("declined")
    expect(admin.get_by_test_id("order-card")).to_have_count(0)


def test_a_buyer_goes_to_the_bank_declines_comes_back_and_pays_by_another_card(shop: Shop, chromium: Browser) -> None:
    buyer = open_page(chromium, f"{shop.url}/shop")

    check_out(buyer, shop, card="tok_3ds")
    expect(buyer.get_by_role("heading", name="Is it you who pays")).to_be_visible()
    buyer.get_by_role("button", name="Decline").click()

    payment = buyer.get_by_test_id("track-payment")
    expect(payment).to_have_attribute("data-status", "failed")
    fill(buyer, "paymentInfo.token", "tok_3ds")
    buyer.get_by_role("button", name="by card").click()
    buyer.get_by_role("button", name="Confirm").click()
    expect(payment).to_have_attribute("data-status", "authorized")
    assert page_errors(buyer) == []


def test_the_board_says_that_no_money_moves(shop: Shop, chromium: Browser) -> None:
    admin = open_page(chromium, f"{shop.url}/admin")
    log_in(admin, shop)
    expect(admin.get_by_test_id("sandbox-notice")).to_contain_text("no money moves")


def test_a_promotion_a_card_and_a_refund_in_part_are_seen_alike_by_shop_and_buyer(
    shop: Shop, chromium: Browser
) -> None:
    shop.offer("EID-10", percent=10)
    admin = open_page(chromium, f"{shop.url}/admin", viewport={"width": 1280, "height": 800})
    log_in(admin, shop)
    buyer = open_page(chromium, f"{shop.url}/shop")

    check_out(buyer, shop, card="tok_visa", promo_code="EID-10")
    total = buyer.get_by_test_id("track-total").inner_text()
    expect(buyer.get_by_test_id("track-payment")).to_contain_text(f"{total} was paid by card (Visa •••• 4242)")
    expect(buyer.get_by_text("Promotion EID-10")).to_be_visible()

    card = admin.get_by_test_id("order-card")
    expect(card.get_by_test_id("order-total")).to_have_text(total)
    expect(card.get_by_test_id("order-paid")).to_have_text(total)
    card.get_by_test_id("order-menu").click()
    admin.get_by_test_id("refund-open").click()
    admin.get_by_test_id("refund-part").check()
    admin.get_by_test_id("refund-amount").fill("25.50")
    admin.get_by_test_id("refund-reason").fill("One samosa was cold")
    admin.get_by_test_id("refund-submit").click()

    expect(card.get_by_test_id("order-refunded")).to_contain_text("25.5")
    expect(buyer.get_by_test_id("track-payment")).to_have_attribute("data-status", "partially_refunded")
    expect(buyer.get_by_test_id("track-payment")).to_contain_text("25.50 has been given back to you")
    assert page_errors(admin) == page_errors(buyer) == []


def test_a_board_that_lost_its_server_catches_up_by_itself(shop: Shop, chromium: Browser) -> None:
    admin = open_page(chromium, f"{shop.url}/admin")
    log_in(admin, shop)

    shop.kill()
    expect(admin.get_by_test_id("socket-state")).not_to_have_attribute("data-state", "connected")
    expect(admin.get_by_test_id("state-banner")).to_contain_text("Not live: reconnecting since")
    assert found_by_axe(admin) == []
    take_picture(admin, "admin-stale.png")
    shop.start()
    order = shop.place()

    expect(admin.locator(f"[data-testid=order-card][data-order-id={order['id']}]")).to_be_visible()
    expect(admin.get_by_test_id("socket-state")).to_have_attribute("data-state", "connected")
    expect(admin.get_by_test_id("state-banner")).to_have_count(0)


def test_the_socket_page_connects_without_a_token_upgrades_and_echoes(shop: Shop, chromium: Browser) -> None:
    page = open_page(chromium, f"{shop.url}/test-socket")

    expect(page.get_by_test_id("socket-state")).to_have_attribute("data-state", "connected")
    expect(page.get_by_test_id("socket-transport")).to_have_text("websocket")
    socket_id = page.get_by_test_id("socket-id").inner_text()
    eventually(lambda: f"socket connected: {socket_id}" in shop.output)
    page.get_by_test_id("echo-input").fill('["hello", {"n": 1}, null]')
    page.get_by_test_id("echo-send").click()

    expect(page.get_by_test_id("echo-result")).to_contain_text('"n"')
    take_picture(page, "test-socket.png")
    shop.kill()
    expect(page.get_by_test_id("socket-state")).not_to_have_attribute("data-state", "connected")


@pytest.mark.parametrize("path", ["/", "/shop", "/admin", "/chat", "/track/ord_nothing", "/test-socket"])
def test_each_page_loads_by_its_own_address_on_a_phone_without_sideways_scrolling(
    read_shop: Shop, chromium: Browser, path: str
) -> None:
    page = open_page(chromium, f"{read_shop.url}{path}", viewport={"width": 360, "height": 740})

    expect(page.get_by_role("main")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page_errors(page) == []


def test_a_new_order_shows_by_itself_and_the_board_says_so_and_who_opened_it(shop: Shop, chromium: Browser) -> None:
    admin = open_page(chromium, f"{shop.url}/admin")
    log_in(admin, shop)

    order = shop.place()
    card = admin.locator(f"[data-testid=order-card][data-order-id={order['id']}]")
    card.wait_for()
    headers = {"authorization": f"Bearer {shop.token()}"}

    def notice() -> dict[str, Any]:
        answer = httpx.get(f"{shop.url}/api/orders/{order['id']}/notice", headers=headers)
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    received = eventually(lambda: notice()["received"])
    assert (received["name"], received["screens"]) == ("Demo Admin", 1)
    assert notice()["opened"] is None
    card.get_by_text(f"#{order['number']}").click()
    expect(card.get_by_test_id("order-notice")).to_contain_text("Demo Admin")
    assert eventually(lambda: notice()["opened"])["how"] == "opened"
    assert found_by_axe(admin) == []


def test_the_page_of_events_is_found_by_name_and_by_room_and_read_by_everybody(
    read_shop: Shop, chromium: Browser
) -> None:
    page = open_page(chromium, f"{read_shop.url}/docs")
    expect(page.locator("details").first).to_be_visible()
    assert found_in_both_colors(page) == []
    page.get_by_role("link", name="events").click()
    expect(page.get_by_role("heading", name="Ordercast events")).to_be_visible()
    shown = page.locator("#events details:visible, #commands details:visible")
    expect(page.get_by_role("status")).to_contain_text("shown")
    everything = shown.count()

    page.get_by_label("Name").fill("order_stat")
    expect(shown.locator("summary code")).to_have_text(["update_order_status"])
    page.get_by_label("Name").fill("")
    expect(shown).to_have_count(everything)
    page.get_by_label("Heard in").select_option("driver_{id}")
    expect(shown.locator("summary code").first).to_have_text("delivery_update")
    shown.first.locator("summary").click()
    expect(shown.first).to_contain_text("Heard by store-owners")
    shown.first.get_by_role("link", name="DeliveryPosition").click()
    expect(page.locator("#DeliveryPosition td").first).to_be_visible()

    assert found_in_both_colors(page) == []
    assert page_errors(page) == []
