"""`/orders` in Chromium: one's own, as they move; and a guest's way back to one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from .bengali import in_bengali, latin
from .browsers import found_by_axe, open_page, page_errors
from .shop import Shop
from .test_pages import fill, log_in, take_picture

pytestmark = pytest.mark.browser

PHONE: Any = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    # Mails go into a folder beside the database, as while developing.
    shop = Shop(
        tmp_path_factory.mktemp("orders"), {"ORDERCAST_MAIL_URL": "", "ORDERCAST_SHOP_TELEPHONE": "+880 2 5500-1234"}
    )
    shop.start()
    yield shop
    shop.kill()


def place_as_customer(shop: Shop) -> dict[str, Any]:
    credentials = {"email": "customer@example.com", "password": shop.password}
    token = httpx.post(f"{shop.url}/api/auth/login", json=credentials).raise_for_status().json()["token"]
    headers = {"authorization": f"Bearer {token}"}
    placed: dict[str, Any] = httpx.post(f"{shop.url}/api/orders", json=shop.order(), headers=headers).json()
    return placed


def test_a_customer_sees_their_own_orders_move(shop: Shop, chromium: Browser) -> None:
    shop.place()  # somebody else's
    order = place_as_customer(shop)
    page = open_page(chromium, f"{shop.url}/orders", viewport=PHONE)
    log_in(page, shop, "customer@example.com")
    own = page.get_by_test_id("own-order")
    expect(own).to_have_count(1)
    expect(own).to_have_attribute("data-order-id", order["id"])
    shop.move(order, "processing", shop.token("store")).raise_for_status()
    expect(own).to_have_attribute("data-status", "processing")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert found_by_axe(page) == []
    take_picture(page, "orders-phone.png")
    in_bengali(page)
    assert latin(page) <= {"Demo", "Customer"}
    call = page.get_by_test_id("call-shop")
    expect(call).to_have_attribute("href", "tel:+880255001234")
    own.get_by_role("link").click()
    expect(call).to_have_attribute("href", "tel:+880255001234")
    expect(page.get_by_test_id("track-status")).to_have_attribute("data-status", "processing")
    assert page_errors(page) == []
    page.context.close()


def test_a_guest_has_the_link_mailed_and_learns_nothing_here(shop: Shop, chromium: Browser) -> None:
    order = shop.place()
    page = open_page(chromium, f"{shop.url}/orders", color_scheme="dark")
    page.get_by_test_id("lookup-submit").click()
    expect(page.locator("[name=number]")).to_have_attribute("aria-invalid", "true")
    assert found_by_axe(page) == []
    said = set()
    for number in (f"#{order['number']}", "999999"):
        fill(page, "number", number)
        fill(page, "mobile", "01700000000")
        with page.expect_response("**/api/orders/lookup") as answer:
            page.get_by_test_id("lookup-submit").click()
        assert answer.value.status == 202
        said.add(page.get_by_test_id("lookup-sent").inner_text())
    assert len(said) == 1
    take_picture(page, "orders-guest.png")
    in_bengali(page)
    assert latin(page) == set()
    assert page_errors(page) == []
    page.context.close()
