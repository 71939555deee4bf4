"""An order's page in Chromium: before its scripts have come, on a slow line, translated, and by its buyer's hand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from .browsers import PATIENCE_MS, found_by_axe, open_page, page_errors
from .shop import Shop
from .test_pages import take_picture

pytestmark = pytest.mark.browser

PHONE: Any = {"width": 360, "height": 740}
# 50 kB/s, and 400 ms until an answer begins.
SLOW = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
FIRST_LOAD_BYTES_MAX = 90_000
"""Of the document and what it is made of, as it is sent."""
MADE_OF = {"Document", "Script", "Stylesheet"}
STAGES = ("pending", "processing", "ready_for_delivery", "driver_assigned", "picked_up", "in_transit", "delivered")
"""Of an order that is brought, as the page lists them."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("track"))
    shop.start()
    yield shop
    shop.kill()


@pytest.fixture
def order(shop: Shop) -> dict[str, Any]:
    return shop.place()


def link(shop: Shop, order: dict[str, Any]) -> str:
    return f"{shop.url}/track/{order['id']}?token={order['trackingToken']}"


def states(page: Page) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = page.get_by_test_id("timeline").evaluate(
        "list => [...list.children].map(step => [step.dataset.status, step.dataset.state])"
    )
    return found


@pytest.mark.parametrize(("language", "colors"), [("en", "light"), ("bn", "dark")])
def test_an_order_is_read_without_javascript_and_stands_as_it_does_with(
    shop: Shop, chromium: Browser, order: dict[str, Any], language: str, colors: str
) -> None:
    options: Any = {"java_script_enabled": False, "viewport": PHONE, "locale": language, "color_scheme": colors}
    context = chromium.new_context(**options)
    rendered = context.new_page()
    rendered.goto(link(shop, order))
    expect(rendered.get_by_test_id("track-status")).to_be_visible()
    expect(rendered.get_by_test_id("track-total")).to_be_visible()
    take_picture(rendered, f"track-rendered-{language}.png")
    words = [rendered.locator(f"[data-testid={name}]").inner_text() for name in ("track-status", "track-total")]
    context.close()

    page = open_page(chromium, link(shop, order), viewport=PHONE, color_scheme=colors, extra_http_headers={})
    if language == "bn":
        page.get_by_role("button", name="বাংলা").click()
    expect(page.get_by_test_id("track-status")).to_have_text(words[0])
    expect(page.get_by_test_id("track-total")).to_have_text(words[1])
    expect(page.get_by_test_id("timeline").get_by_role("time")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert found_by_axe(page) == []
    take_picture(page, f"track-phone-{language}.png")
    assert page_errors(page) == []
    page.context.close()


def test_on_a_slow_line_the_text_comes_with_the_first_files_and_the_rest_is_small(
    shop: Shop, chromium: Browser, order: dict[str, Any]
) -> None:
    context = chromium.new_context(viewport=PHONE, locale="en")
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", SLOW)
    kinds: dict[str, str] = {}
    sizes: dict[str, float] = {}
    session.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))
    session.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    asked: list[tuple[str, str]] = []
    page.on("request", lambda request: asked.append((request.resource_type, request.url)))
    held: list[Route] = []
    released = threading.Event()

    def hold(route: Route) -> None:
        if released.is_set():
            route.continue_()
        else:
            held.append(route)

    page.route("**/*.js", hold)
    page.goto(link(shop, order), wait_until="commit")
    expect(page.get_by_test_id("track-status")).to_be_visible()
    # The text shows while the document is still arriving: it is compared once all stages are there.
    expect(page.get_by_test_id("timeline").locator("> *")).to_have_count(len(STAGES))
    rendered = states(page)
    assert [status for status, _ in rendered] == list(STAGES)
    # One round trip brings the document, one all that it names; nothing waits for a third.
    kinds_asked = [kind for kind, _ in asked]
    assert kinds_asked[0] == "document"
    assert set(kinds_asked[1:]) <= {"stylesheet", "script", "image"}

    released.set()
    for route in held:
        route.continue_()
    expect(page.get_by_test_id("socket-state")).to_have_attribute("data-state", "connected")
    assert states(page) == rendered
    assert not [url for _, url in asked if "/api/config" in url]
    loaded = sum(size for request, size in sizes.items() if kinds.get(request) in MADE_OF)
    assert 20_000 < loaded < FIRST_LOAD_BYTES_MAX
    context.close()


def test_a_page_that_the_browser_has_translated_stays_right(
    shop: Shop, chromium: Browser, order: dict[str, Any]
) -> None:
    page = open_page(chromium, link(shop, order))
    expect(page.get_by_test_id("socket-state")).to_have_attribute("data-state", "connected")
    # As Chrome's translation does: each text is put into elements of its own.
    page.evaluate(
        """() => {
            const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
            const texts = [];
            while (walker.nextNode()) if (walker.currentNode.data.trim()) texts.push(walker.currentNode);
            for (const text of texts) {
                const font = document.createElement("font");
                text.replaceWith(font);
                font.append(`«${text.data}»`);
            }
        }"""
    )
    status = page.get_by_test_id("track-status")
    expect(status).to_have_text("«Placed»")
    shop.move(order, "processing", shop.token("store")).raise_for_status()
    expect(status).to_have_text("Preparing")
    expect(page.locator(".sentence")).to_have_text("Your order is being prepared.")
    expect(page.locator("[data-testid=timeline] [data-state=now] .visually-hidden")).to_contain_text("now")
    assert page_errors(page) == []
    page.context.close()


def test_a_guest_cancels_what_waits_and_orders_the_same_again(
    shop: Shop, chromium: Browser, order: dict[str, Any]
) -> None:
    page = open_page(chromium, link(shop, order), viewport={"width": 1280, "height": 900})
    page.get_by_test_id("cancel-order").click()
    page.get_by_label("I ordered twice").check()
    assert found_by_axe(page) == []
    take_picture(page, "track-cancel.png")
    page.get_by_test_id("cancel-submit").click()
    expect(page.get_by_test_id("track-status")).to_have_attribute("data-status", "cancelled")
    expect(page.get_by_test_id("cancel-order")).to_have_count(0)
    page.get_by_test_id("reorder").click()
    expect(page.get_by_test_id("cart-count")).to_have_text("2")
    assert page_errors(page) == []
    page.context.close()


def test_a_link_that_opens_nothing_says_so_and_not_that_one_is_offline(shop: Shop, chromium: Browser) -> None:
    page = open_page(chromium, f"{shop.url}/track/ord_nothing?token=trk_{'0' * 32}")
    expect(page.locator("#root > a.skip")).to_have_count(1)
    expect(page.get_by_role("alert")).to_contain_text("This link opens no order.")
    expect(page.get_by_test_id("socket-state")).to_have_count(0)
    assert found_by_axe(page) == []
    page.context.close()
