"""All orders, searched; and one of them opened, with all that became of it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from .browsers import found_by_axe, open_page, page_errors
from .shop import Shop
from .test_pages import take_picture

pytestmark = pytest.mark.browser

ASHA = {"name": "Asha Rahman", "email": "asha@example.com", "mobile": "+880 1711-223344"}
KARIM = {"name": "করিম খান", "email": "karim@example.com", "mobile": "01811556677"}


def sign_in(page: Page, shop: Shop) -> None:
    page.get_by_test_id("login-email").fill("admin@example.com")
    page.get_by_test_id("login-password").fill(shop.password)
    page.get_by_test_id("login-submit").click()
    expect(page.get_by_test_id("archive-words")).to_be_visible()


def test_an_order_is_found_opened_noted_and_printed_by_keys_and_pointer(shop: Shop, chromium: Browser) -> None:
    card = {"method": "card", "token": "tok_visa"}
    first, other = shop.place(customerInfo=ASHA, paymentInfo=card), shop.place(customerInfo=KARIM)
    again = shop.place(customerInfo=ASHA)
    page = open_page(chromium, f"{shop.url}/admin/orders", viewport={"width": 1280, "height": 900})
    page.add_init_script("window.print = () => { window.printed = (window.printed ?? 0) + 1; }")
    sign_in(page, shop)
    rows = page.get_by_test_id("archive-row")
    expect(rows).to_have_count(3)
    page.get_by_test_id("archive-words").fill("01711 223344")
    expect(rows).to_have_count(2)
    page.get_by_test_id("archive-words").fill(f"#{first['number']}")
    expect(rows).to_have_count(1)
    expect(rows).to_have_attribute("data-order-id", first["id"])
    page.reload()
    expect(rows).to_have_count(1)
    assert found_by_axe(page) == []
    take_picture(page, "orders-archive.png")

    page.get_by_test_id("order-open").focus()
    page.keyboard.press("Enter")
    drawer = page.get_by_test_id("order-drawer")
    expect(drawer.get_by_role("heading", level=2)).to_have_text(f"Order {first['number']}")
    events = drawer.get_by_test_id("opened-timeline")
    expect(events).to_contain_text("Order placed")
    expect(events).to_contain_text("Asha Rahman")
    drawer.get_by_test_id("note-text").fill("Ring twice")
    page.keyboard.press("Enter")
    expect(events).to_contain_text("Ring twice")
    expect(events).to_contain_text("Demo Admin")
    # Somebody else moves it: the line goes on by itself.
    moved = shop.move(shop.get_order(first["id"], shop.token("store")), "processing", shop.login("store@example.com"))
    assert moved.status_code == 200
    expect(events).to_contain_text("Demo Store")
    drawer.get_by_test_id("opened-refund").click()
    page.get_by_test_id("refund-reason").fill("One was cold")
    page.get_by_test_id("refund-submit").click()
    expect(events).to_contain_text("refunded")
    assert found_by_axe(page) == []
    take_picture(page, "order-drawer.png")

    for kind in ("ticket", "receipt"):
        drawer.get_by_test_id(f"print-{kind}").click()
        sheet = page.get_by_test_id("print-sheet")
        page.emulate_media(media="print")
        expect(sheet).to_contain_text(str(first["number"]))
        expect(sheet).to_be_visible()
        expect(drawer).to_be_hidden()
        take_picture(page, f"order-{kind}.png")
        page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        expect(sheet).to_have_count(0)
        page.emulate_media(media="screen")

    drawer.get_by_test_id("opened-others").get_by_role("link").click()
    expect(drawer.get_by_role("heading", level=2)).to_have_text(f"Order {again['number']}")
    page.go_back()
    expect(drawer.get_by_role("heading", level=2)).to_have_text(f"Order {first['number']}")
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    expect(page.get_by_test_id("order-open")).to_be_focused()

    page.goto(f"{shop.url}/admin/orders/{other['id']}")
    expect(drawer.get_by_role("heading", level=2)).to_have_text(f"Order {other['number']}")
    page.get_by_test_id("drawer-close").click()
    expect(drawer).to_have_count(0)
    expect(rows).to_have_count(3)
    page.get_by_test_id("archive-words").fill("zeppelin")
    expect(page.get_by_test_id("archive-empty")).to_be_visible()

    page.goto(f"{shop.url}/admin?order={other['id']}")
    expect(drawer.get_by_role("heading", level=2)).to_have_text(f"Order {other['number']}")
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    assert page_errors(page) == []


def test_on_a_telephone_in_bengali_at_night_nothing_is_cut_off(shop: Shop, chromium: Browser) -> None:
    order = shop.place(customerInfo=KARIM)
    page = open_page(chromium, f"{shop.url}/admin/orders", viewport={"width": 360, "height": 740}, color_scheme="dark")
    sign_in(page, shop)
    page.get_by_role("button", name="বাংলা").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("সব অর্ডার")
    page.get_by_test_id("archive-words").fill("করিম")
    expect(page.get_by_test_id("archive-row")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert found_by_axe(page) == []
    take_picture(page, "orders-archive-phone-bn.png")
    page.get_by_test_id("order-open").click()
    drawer = page.get_by_test_id("order-drawer")
    expect(drawer.get_by_role("heading", level=2)).to_contain_text("অর্ডার")
    expect(drawer.get_by_test_id("opened-timeline")).to_contain_text("অর্ডার দেওয়া হয়েছে")
    assert drawer.evaluate("drawer => drawer.scrollWidth - drawer.clientWidth") <= 0
    assert found_by_axe(page) == []
    take_picture(page, "order-drawer-phone-bn.png")
    assert order["number"]
    page.go_back()
    expect(drawer).to_have_count(0)
    assert page_errors(page) == []
