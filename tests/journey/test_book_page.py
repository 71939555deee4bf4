"""A guest books a visit in a browser, and the shop confirms it in another."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from .bengali import in_bengali, latin
from .browsers import found_in_both_colors, open_page, page_errors
from .shop import Shop
from .test_pages import fill, log_in, take_picture

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 740}


def choose(page: Page) -> None:
    page.get_by_test_id("service").first.click()
    # Of a later week: no time of it goes by meanwhile.
    page.get_by_test_id("book-later").click()
    page.get_by_test_id("slot").first.click()
    expect(page.get_by_test_id("slot").first).to_have_attribute("aria-pressed", "true")
    fill(page, "customerInfo.name", "আশা রহমান")
    fill(page, "customerInfo.email", "asha@example.com")
    fill(page, "customerInfo.mobile", "+8801700000000")


def test_a_guest_books_by_card_follows_it_live_keeps_its_file_and_cancels(shop: Shop, chromium: Browser) -> None:
    page = open_page(chromium, f"{shop.url}/book", viewport={"width": 1280, "height": 900})
    choose(page)
    take_picture(page, "book.png")
    page.locator("[name='paymentInfo.method'][value=card]").check(force=True)
    fill(page, "paymentInfo.token", "tok_declined")
    page.get_by_test_id("book-submit").click()
    expect(page.get_by_role("alert")).to_contain_text("declined")
    assert found_in_both_colors(page) == []
    fill(page, "paymentInfo.token", "tok_visa")
    page.get_by_test_id("book-submit").click()
    booking = page.get_by_test_id("own-booking")
    status = booking.get_by_test_id("booking-status")
    expect(status).to_have_attribute("data-status", "requested")
    booking_id = booking.get_attribute("data-booking-id")

    clerk = open_page(chromium, f"{shop.url}/bookings/{booking_id}", viewport={"width": 1280, "height": 900})
    log_in(clerk, shop, "store@example.com")
    clerk.locator("[data-to=confirmed]").click()
    expect(status).to_have_attribute("data-status", "confirmed")
    with page.expect_download() as kept:
        booking.get_by_test_id("calendar-file").click()
    assert kept.value.suggested_filename == "booking-1.ics"
    assert found_in_both_colors(page) == []
    take_picture(page, "booking.png")

    page.get_by_test_id("cancel-booking").click()
    page.get_by_test_id("reason-preset").first.click()
    page.get_by_test_id("cancel-submit").click()
    expect(status).to_have_attribute("data-status", "cancelled")
    expect(clerk.get_by_test_id("booking-status")).to_have_attribute("data-status", "cancelled")
    page.get_by_test_id("chat-open").click()
    expect(page.get_by_test_id("thread")).to_be_visible()
    page.get_by_test_id("chat-booking").click()
    expect(status).to_have_attribute("data-status", "cancelled")
    assert page_errors(page) == page_errors(clerk) == []


def test_a_time_that_another_took_is_said_to_be_taken_on_a_phone_in_bengali(shop: Shop, chromium: Browser) -> None:
    page = open_page(chromium, f"{shop.url}/book", viewport=PHONE)
    in_bengali(page)
    choose(page)
    starts_at = page.get_by_test_id("slot").first.get_attribute("data-starts-at")
    service = page.get_by_test_id("service").first.get_attribute("data-service-id")
    person = {"name": "Karim", "email": "karim@example.com", "mobile": "+8801811556677"}
    wanted = {"serviceId": service, "startsAt": starts_at, "customerInfo": person}
    # Until nobody of them is free any more.
    answers = [httpx.post(f"{shop.url}/api/bookings", json=wanted).status_code for _ in range(3)]
    assert answers[-1] == 409
    page.get_by_test_id("book-submit").click()
    expect(page.get_by_role("alert")).to_contain_text("নেওয়া হয়ে গেছে")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert found_in_both_colors(page) == []
    assert latin(page) <= {"Demo", "Carer", "Nurse", "UTC", "Asia", "Dhaka", "asha", "example", "com"}
    take_picture(page, "book-phone-bn.png")
    page.goto(f"{shop.url}/book/bkg_none?token=none")
    expect(page.get_by_role("alert")).to_be_visible()
    assert page_errors(page) == []
