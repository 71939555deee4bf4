"""The calendar of bookings: who comes to whom and when, moved by pointer and keys, and live on every screen."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from .bengali import in_bengali, latin
from .browsers import found_in_both_colors, open_page, page_errors
from .shop import Shop
from .test_pages import log_in, take_picture

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}
ASHA = {"name": "Asha Rahman", "email": "asha@example.com", "mobile": "+8801700000000"}
# Far enough that no midnight of a run makes another day of it.
DAY = (datetime.now(UTC) + timedelta(days=5)).strftime("%Y-%m-%d")
# By the board's bounds.
ELEMENTS_MAX = 4_000


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("bookings"), {"ORDERCAST_TIMEZONE": "UTC"})
    shop.start()
    yield shop
    shop.kill()


def get(shop: Shop, path: str) -> Any:
    headers = {"authorization": f"Bearer {shop.token()}"}
    return httpx.get(f"{shop.url}{path}", headers=headers).raise_for_status().json()


def carers(shop: Shop) -> dict[str, str]:
    return {each["name"]: each["id"] for each in get(shop, "/api/carers")["items"]}


def book(shop: Shop, hour: int, carer: str = "Demo Carer", day: str = DAY, name: str = "Asha Rahman") -> dict[str, Any]:
    """An hour of the first service, at that hour."""
    service = next(each for each in get(shop, "/api/services")["items"] if each["name"] == "Home care")
    wanted = {
        "serviceId": service["id"], "startsAt": f"{day}T{hour:02}:00:00Z", "carerId": carers(shop)[carer],
        "customerInfo": {**ASHA, "name": name}, "note": "The bell is broken",
    }  # fmt: skip
    answer = httpx.post(f"{shop.url}/api/bookings", json=wanted)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def open_calendar(chromium: Browser, shop: Shop, query: str, email: str = "store@example.com", **options: Any) -> Page:
    page = open_page(chromium, f"{shop.url}/bookings{query}", **options)
    log_in(page, shop, email)
    return page


def block(page: Page, booking: dict[str, Any]) -> Locator:
    return page.locator(f"[data-testid=booking][data-booking-id={booking['id']}]")


def draw(page: Page, booking: Locator, to_x: float, to_y: float) -> None:
    """Draw it by so many pixels."""
    booking.scroll_into_view_if_needed()
    box = booking.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + 8
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + to_x / 2, y + to_y / 2, steps=3)
    page.mouse.move(x + to_x, y + to_y, steps=3)
    expect(page.get_by_test_id("booking-ghost")).to_be_visible()
    page.mouse.up()


def test_a_booking_appears_is_confirmed_and_drawn_to_another_time_on_two_screens(shop: Shop, chromium: Browser) -> None:
    page = open_calendar(chromium, shop, f"?day={DAY}&view=day", viewport=DESK)
    carer = open_calendar(chromium, shop, f"?day={DAY}&view=day", "carer@example.com", viewport=DESK)
    expect(page.locator("[data-drop-carer]")).to_have_count(2)
    expect(carer.locator("[data-drop-carer]")).to_have_count(1)
    booking, other = book(shop, 9), book(shop, 11, name="Karim Khan")
    book(shop, 10, "Demo Nurse", name="Mita Das")
    for each in (page, carer):
        expect(block(each, booking)).to_contain_text("Asha Rahman")
        expect(block(each, booking)).to_contain_text("09:00")

    block(page, booking).click()
    panel = page.get_by_test_id("booking-panel")
    expect(panel).to_contain_text("The bell is broken")
    assert found_in_both_colors(page) == []
    take_picture(page, "booking-panel.png")
    panel.locator("[data-to=confirmed]").click()
    expect(panel.get_by_test_id("booking-status")).to_have_attribute("data-status", "confirmed")
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    expect(carer.locator(f"[data-booking-id={booking['id']}][data-status=confirmed]")).to_be_visible()
    # A carer moves no booking to another time.
    expect(carer.locator("[data-movable]")).to_have_count(0)

    # A quarter of an hour has 24 pixels.
    draw(page, block(page, booking), 0, -24)
    for each in (page, carer):
        expect(block(each, booking)).to_contain_text("08:45")

    # Onto another's: it is refused with the reason, and the nearest times.
    draw(page, block(page, booking), 0, 9 * 24)
    refused = page.get_by_test_id("reschedule-refused")
    expect(refused).to_contain_text("not free")
    expect(block(page, booking)).to_contain_text("08:45")
    assert found_in_both_colors(page) == []
    take_picture(page, "bookings-refused.png")
    refused.get_by_test_id("nearest-time").first.click()
    expect(refused).to_have_count(0)
    expect(block(page, booking)).not_to_contain_text("08:45")
    expect(block(page, other)).to_contain_text("11:00")
    take_picture(page, "bookings-day.png")
    assert page_errors(page) == page_errors(carer) == []


def test_a_booking_is_moved_and_called_off_by_keyboard_alone(shop: Shop, chromium: Browser) -> None:
    day = (datetime.fromisoformat(DAY) + timedelta(days=1)).strftime("%Y-%m-%d")
    booking = book(shop, 9, day=day)
    page = open_calendar(chromium, shop, f"?day={day}&view=day", viewport=DESK)
    block(page, booking).focus()
    page.keyboard.press("Alt+ArrowDown")
    page.keyboard.press("Alt+ArrowRight")
    expect(page.get_by_test_id("ghost-words")).to_contain_text("09:15, Demo Nurse")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("booking-ghost")).to_have_count(0)
    page.keyboard.press("Alt+ArrowRight")
    page.keyboard.press("Enter")
    nurse = page.locator(f"[data-drop-carer={carers(shop)['Demo Nurse']}]")
    expect(nurse.get_by_test_id("booking")).to_contain_text("09:00")

    block(page, booking).focus()
    page.keyboard.press("Enter")
    panel = page.get_by_test_id("booking-panel")
    panel.get_by_test_id("reschedule-open").focus()
    page.keyboard.press("Enter")
    panel.get_by_test_id("reschedule-time").fill("13:05")
    panel.get_by_test_id("reschedule-submit").focus()
    page.keyboard.press("Enter")
    expect(panel.get_by_test_id("booking-when")).to_contain_text("13:05")
    panel.locator("[data-to=cancelled]").focus()
    page.keyboard.press("Enter")
    panel.get_by_test_id("reason-preset").last.focus()
    page.keyboard.press("Enter")
    panel.get_by_test_id("reason-submit").focus()
    page.keyboard.press("Enter")
    expect(panel.get_by_test_id("booking-status")).to_have_attribute("data-status", "cancelled")
    page.keyboard.press("Escape")
    expect(block(page, booking)).to_have_count(0)
    page.get_by_label("called off").check()
    expect(block(page, booking)).to_have_attribute("data-status", "cancelled")
    assert get(shop, f"/api/bookings/{booking['id']}/history")["items"][-1]["reason"] == "The carer is ill"
    assert found_in_both_colors(page) == []
    assert page_errors(page) == []


def test_a_week_of_two_thousand_bookings_is_shown_by_what_is_in_sight(shop: Shop, chromium: Browser) -> None:
    monday = datetime.fromisoformat(DAY) + timedelta(days=21)
    monday -= timedelta(days=monday.weekday())
    first = book(shop, 9, day=monday.strftime("%Y-%m-%d"))
    rows = [
        (
            f"car_{carer:03}", f"Helper {carer}",
            (begin := monday + timedelta(days=number % 7, hours=8 + number // 7)).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            (begin + timedelta(minutes=45)).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        )
        for carer in range(29) for number in range(70)
    ]  # fmt: skip
    with closing(sqlite3.connect(shop.database, timeout=30)) as database:
        database.executemany(
            """INSERT INTO bookings (service_id, service_name, carer_id, carer_name, starts_at, ends_at, customer_id)
               VALUES ('svc_1', 'Home care', ?, ?, ?, ?, 'cus_1')""",
            rows,
        )
        database.commit()
    page = open_calendar(chromium, shop, f"?day={monday:%Y-%m-%d}&view=week", viewport=DESK)
    expect(block(page, first)).to_be_visible()
    page.get_by_label("Calendar").evaluate("box => box.scrollTo(0, box.scrollHeight)")
    expect(page.get_by_role("heading", name="Helper 28")).to_be_visible()
    expect(page.get_by_test_id("week-more").first).to_have_text("4 more")
    assert page.evaluate("document.querySelectorAll('*').length") <= ELEMENTS_MAX
    page.get_by_label("Calendar").evaluate("box => box.scrollTo(0, 0)")
    expect(block(page, first)).to_be_visible()
    take_picture(page, "bookings-week.png")
    page.get_by_test_id("week-day").first.click()
    expect(page.locator("[data-drop-carer]").first).to_be_visible()
    assert page.evaluate("document.querySelectorAll('*').length") <= ELEMENTS_MAX
    assert found_in_both_colors(page) == []
    assert page_errors(page) == []


def test_a_carer_has_their_week_on_a_phone_in_bengali_and_nobodys_booking_is_said_to_be_none(
    shop: Shop, chromium: Browser
) -> None:
    day = (datetime.fromisoformat(DAY) + timedelta(days=8)).strftime("%Y-%m-%d")
    booking = book(shop, 9, day=day, name="আশা রহমান")
    page = open_calendar(chromium, shop, f"?day={day}&view=day", "carer@example.com", viewport=PHONE)
    in_bengali(page)
    block(page, booking).click()
    panel = page.get_by_test_id("booking-panel")
    panel.locator("[data-to=confirmed]").click()
    expect(panel.get_by_test_id("booking-status")).to_have_text("নিশ্চিত")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert found_in_both_colors(page) == []
    take_picture(page, "booking-panel-phone-bn.png")
    panel.get_by_test_id("booking-close").click()
    page.get_by_test_id("view-week").click()
    expect(block(page, booking)).to_be_visible()
    assert latin(page) <= {"Demo", "Carer"}
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert found_in_both_colors(page) == []
    take_picture(page, "bookings-phone-bn.png")
    page.goto(f"{shop.url}/bookings/bkg_none")
    expect(panel.get_by_role("alert")).to_be_visible()
    assert page_errors(page) == []
