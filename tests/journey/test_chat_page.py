"""Two browsers chat: the guest who ordered, and the shop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.waiting import eventually

from .browsers import found_in_both_colors, open_page, page_errors, remember
from .shop import Shop

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("chat"))
    shop.start()
    yield shop
    shop.kill()


def open_as_clerk(chromium: Browser, shop: Shop, path: str, **options: object) -> Page:
    page = open_page(chromium, f"{shop.url}{path}", **options)
    page.get_by_test_id("login-email").fill("store@example.com")
    page.get_by_test_id("login-password").fill(shop.password)
    page.get_by_test_id("login-submit").click()
    expect(page.get_by_test_id("socket-state")).to_have_attribute("data-state", "connected")
    return page


def open_from_order(chromium: Browser, shop: Shop, **options: object) -> Page:
    """A guest's page of the conversation about a new order, by way of the page where they follow it."""
    order = shop.place()
    page = open_page(chromium, f"{shop.url}/track/{order['id']}?token={order['trackingToken']}", **options)
    page.get_by_test_id("chat-open").click()
    expect(page.get_by_test_id("participant")).to_have_count(1)
    return page


def messages(page: Page) -> Locator:
    return page.get_by_test_id("message")


def texts(page: Page) -> Locator:
    return page.get_by_test_id("message-text")


def write(page: Page, *written: str) -> None:
    for text in written:
        page.get_by_test_id("message-input").fill(text)
        page.get_by_test_id("message-input").press("Enter")


def cut_off(page: Page) -> None:
    page.context.set_offline(True)
    expect(page.get_by_test_id("socket-state")).not_to_have_attribute("data-state", "connected")


def conversation_in(page: Page) -> str:
    return page.url.split("/chat/")[1].split("?")[0]


def test_two_browsers_see_who_is_there_who_types_and_what_was_delivered_and_seen(shop: Shop, chromium: Browser) -> None:
    buyer = open_from_order(chromium, shop)
    clerk = open_as_clerk(chromium, shop, "/chat")
    listed = clerk.locator(f"[data-testid=conversation][data-conversation-id={conversation_in(buyer)}]")
    expect(listed).to_be_visible()

    write(buyer, "Is it on its way?")
    expect(listed.get_by_test_id("unread")).to_contain_text("1 unread")
    expect(messages(buyer)).to_have_attribute("data-state", "delivered")
    expect(buyer.get_by_test_id("participant")).to_have_attribute("data-present", "false")

    listed.click()
    expect(texts(clerk)).to_have_text(["Is it on its way?"])
    expect(messages(buyer)).to_have_attribute("data-state", "seen")
    expect(buyer.get_by_test_id("participant")).to_have_attribute("data-present", "true")
    expect(clerk.get_by_test_id("participant")).to_have_attribute("data-present", "true")
    expect(listed.get_by_test_id("unread")).to_have_count(0)

    said = remember(buyer.get_by_test_id("typing"))
    clerk.get_by_test_id("message-input").press_sequentially("In ten")
    eventually(lambda: "The shop is typing…" in said())
    write(clerk, "In ten minutes.")
    expect(texts(buyer)).to_have_text(["Is it on its way?", "In ten minutes."])
    expect(buyer.get_by_test_id("typing")).to_be_empty()
    expect(messages(clerk).last).to_have_attribute("data-state", "seen")

    buyer.close()
    expect(clerk.get_by_test_id("participant")).to_have_attribute("data-present", "false")
    assert page_errors(clerk) == page_errors(buyer) == []


def test_what_was_written_without_a_connection_arrives_once_and_in_order(shop: Shop, chromium: Browser) -> None:
    buyer = open_from_order(chromium, shop)
    clerk = open_as_clerk(chromium, shop, f"/chat/{conversation_in(buyer)}")
    write(buyer, "before")
    expect(texts(clerk)).to_have_text(["before"])

    cut_off(buyer)
    write(buyer, "one", "two", "three")
    expect(buyer.locator("[data-state=waiting]")).to_have_count(3)
    write(clerk, "Are you there?")
    expect(messages(clerk).last).to_have_attribute("data-state", "sent")
    buyer.context.set_offline(False)

    everything = ["before", "Are you there?", "one", "two", "three"]
    expect(texts(clerk)).to_have_text(everything)
    expect(texts(buyer)).to_have_text(everything)
    expect(buyer.locator("[data-state=waiting]")).to_have_count(0)
    assert page_errors(clerk) == page_errors(buyer) == []


def test_what_waits_to_be_sent_outlives_a_reload(shop: Shop, chromium: Browser) -> None:
    buyer = open_from_order(chromium, shop)
    clerk = open_as_clerk(chromium, shop, f"/chat/{conversation_in(buyer)}")

    cut_off(buyer)
    write(buyer, "one", "two", "three")
    # The page can be loaded, and its socket not: it shows what waits before anything is sent.
    buyer.context.route("**/socket.io/**", lambda route: route.abort())
    buyer.context.set_offline(False)
    buyer.reload()
    expect(buyer.locator("[data-state=waiting]")).to_have_count(3)
    expect(texts(clerk)).to_have_count(0)
    buyer.context.unroute("**/socket.io/**")

    expect(texts(clerk)).to_have_text(["one", "two", "three"])
    expect(texts(buyer)).to_have_text(["one", "two", "three"])
    expect(buyer.locator("[data-state=waiting]")).to_have_count(0)


def test_a_message_that_the_shop_does_not_take_says_why_and_holds_up_no_other(shop: Shop, chromium: Browser) -> None:
    buyer = open_from_order(chromium, shop)
    expect(buyer.get_by_test_id("socket-state")).to_have_attribute("data-state", "connected")

    write(buyer, "My card is 4111 1111 1111 1111", "Sorry.")

    expect(texts(buyer)).to_have_text(["Sorry.", "My card is 4111 1111 1111 1111"])
    refused = messages(buyer).last
    expect(refused).to_contain_text("Not sent")
    refused.get_by_role("button", name="Remove").click()
    expect(texts(buyer)).to_have_text(["Sorry."])


def test_older_messages_are_read_by_page(shop: Shop, chromium: Browser) -> None:
    conversation = shop.converse(shop.place()["id"], [f"message {count}" for count in range(1, 71)])
    clerk = open_as_clerk(chromium, shop, f"/chat/{conversation}")

    expect(messages(clerk)).to_have_count(50)
    clerk.get_by_role("button", name="Earlier messages").click()

    expect(texts(clerk)).to_have_text([f"message {count}" for count in range(1, 71)])


def test_everybody_can_read_and_write_on_a_phone_by_keyboard_and_in_bengali(shop: Shop, chromium: Browser) -> None:
    page = open_from_order(chromium, shop, viewport=PHONE)
    page.get_by_role("button", name="বাংলা").click()
    field = page.get_by_label("বার্তা লিখুন")
    field.focus()
    page.keyboard.insert_text("কখন আসবে?")
    page.keyboard.press("Shift+Enter")
    page.keyboard.insert_text("ধন্যবাদ")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(texts(page)).to_have_text(["কখন আসবে?\nধন্যবাদ"])
    expect(messages(page)).to_contain_text("পাঠানো হয়েছে")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert found_in_both_colors(page) == []

    clerk = open_as_clerk(chromium, shop, "/chat", viewport=PHONE)
    expect(clerk.get_by_test_id("conversation").first).to_be_visible()
    assert clerk.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert found_in_both_colors(clerk) == []
    assert page_errors(page) == page_errors(clerk) == []
