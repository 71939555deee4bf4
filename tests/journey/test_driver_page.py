"""An order from the shop's page to the door, by pages alone; and a driver's telephone that loses its connection."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from .browsers import COLORS, found_by_axe, open_page, page_errors
from .shop import Shop
from .test_pages import check_out, log_in, take_picture

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 740}


def step(driver: Page, to: str) -> None:
    driver.locator(f"[data-testid=step][data-to={to}]").click()


def test_an_order_goes_from_the_shop_to_the_door_through_pages_alone(shop: Shop, chromium: Browser) -> None:
    clerk = open_page(chromium, f"{shop.url}/admin", viewport={"width": 1280, "height": 800})
    log_in(clerk, shop)
    place = {"latitude": 23.7806, "longitude": 90.4074}
    driver = open_page(chromium, f"{shop.url}/driver", viewport=PHONE, geolocation=place, permissions=["geolocation"])
    log_in(driver, shop, "driver@example.com")
    driver.get_by_test_id("share-position").click()
    expect(driver.get_by_test_id("position-state")).to_have_attribute("data-state", "shared")
    buyer = open_page(chromium, f"{shop.url}/shop")
    check_out(buyer, shop)
    status = buyer.get_by_test_id("track-status")
    expect(status).to_have_attribute("data-status", "pending")

    card = clerk.get_by_test_id("order-card")
    for to in ("processing", "ready_for_delivery"):
        card.locator(f"[data-testid=status-button][data-to={to}]").click()
        # The board stands still under a pointer.
        clerk.mouse.move(0, 0)
        expect(card).to_have_attribute("data-status", to)
    card.get_by_test_id("driver-select").select_option(label="Demo Driver, off duty, 0 orders")
    card.get_by_test_id("driver-assign").click()

    task = driver.get_by_test_id("task")
    expect(task).to_have_attribute("data-status", "driver_assigned")
    expect(task.get_by_test_id("task-call")).to_have_attribute("href", "tel:+8801700000000")
    expect(task.get_by_test_id("task-address")).to_contain_text("12 Lake Road")
    take_picture(driver, "driver-phone.png")
    sizes = "all => all.map(each => [each.innerText, each.offsetHeight]).filter(([, height]) => height < 48)"
    assert driver.locator("main .thumb").evaluate_all(sizes) == []
    assert found_by_axe(driver) == []

    step(driver, "picked_up")
    expect(status).to_have_attribute("data-status", "picked_up")
    # What is tapped on a road without a network is kept, and sent once.
    driver.context.set_offline(True)
    step(driver, "in_transit")
    expect(driver.get_by_test_id("taps-waiting")).to_be_visible()
    driver.context.set_offline(False)
    expect(status).to_have_attribute("data-status", "in_transit")
    expect(driver.get_by_test_id("taps-waiting")).to_have_count(0)

    code = buyer.get_by_test_id("delivery-code").inner_text()
    step(driver, "delivered")
    driver.get_by_test_id("handover-code").fill(code)
    driver.get_by_test_id("handover-submit").click()
    expect(status).to_have_attribute("data-status", "delivered")
    expect(task).to_have_count(0)
    assert page_errors(clerk) == page_errors(driver) == page_errors(buyer) == []


def test_a_driver_reads_their_page_in_bengali_by_day_and_night(shop: Shop, chromium: Browser) -> None:
    driver = open_page(chromium, f"{shop.url}/driver", viewport=PHONE)
    log_in(driver, shop, "driver@example.com")
    driver.get_by_role("button", name="বাংলা").click()
    expect(driver.get_by_role("heading", level=1)).to_have_text("আপনার ডেলিভারি")
    assert driver.evaluate("document.documentElement.scrollWidth") <= 360
    for colors in COLORS:
        driver.emulate_media(color_scheme=colors)
        assert found_by_axe(driver) == []
        take_picture(driver, f"driver-phone-bn-{colors}.png")
    assert page_errors(driver) == []


def test_an_address_that_no_page_has_is_a_page_that_says_so(shop: Shop, chromium: Browser) -> None:
    page = open_page(chromium, f"{shop.url}/no/such/page")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")
    assert found_by_axe(page) == []
    page.get_by_role("link", name="To the start").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Every order")
    assert page_errors(page) == []
