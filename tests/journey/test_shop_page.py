"""The shop's page in Chromium: on a phone, in Bengali, with what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest
from playwright.sync_api import Browser, WebSocket, expect

from tests.waiting import eventually

from .bengali import in_bengali, latin
from .browsers import found_by_axe, open_page, page_errors
from .shop import Shop
from .test_pages import fill, log_in, take_picture

pytestmark = pytest.mark.browser

PHONE: Any = {"width": 360, "height": 740}
# Of a query that is still under way, or a timer; each page that leaked one would leave fifty.
FEW_LISTENERS = 25
READ_TWICE: Final = """
path => performance.getEntriesByType("resource")
    .filter(({ name, responseEnd }) => new URL(name).pathname === path && responseEnd > 0).length >= 2
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("shop"))
    shop.start()
    yield shop
    shop.kill()


def test_on_a_phone_in_bengali_everything_is_in_reach_and_in_bengali(shop: Shop, chromium: Browser) -> None:
    page = open_page(chromium, f"{shop.url}/shop", viewport=PHONE)
    in_bengali(page)
    page.get_by_test_id("add-to-cart").first.click()
    bar = page.locator(".cart-bar")
    expect(bar).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    take_picture(page, "shop-phone-bn.png")
    bar.click()
    expect(page).to_have_url(f"{shop.url}/shop/checkout")
    expect(bar).to_have_count(0)
    # The way back keeps the cart.
    page.go_back()
    expect(page.get_by_test_id("product-card").first).to_be_visible()
    bar.click()

    place = page.get_by_test_id("place-order")
    expect(place).to_be_enabled()
    assert page.evaluate("scrollY") == 0
    expect(place).to_be_in_viewport(ratio=1)
    page.get_by_test_id("note-add").click()
    page.keyboard.type("ঝাল কম")
    take_picture(page, "checkout-phone-bn.png")
    place.click()
    expect(page.locator("[name='customerInfo.name']")).to_be_focused()
    fill(page, "promoCode", "EID")
    expect(page.locator("[name='promoCode']")).to_have_attribute("aria-invalid", "true")
    assert latin(page) == set()
    assert found_by_axe(page) == []
    # Who collects and pays in cash is asked who they are, and where they live by nobody.
    page.locator("[name=fulfilment][value=pickup]").check(force=True)
    expect(page.locator("[name='billingInfo.line1']")).to_have_count(0)
    page.locator("[name='paymentInfo.method'][value=card]").check(force=True)
    expect(page.locator("[name='billingInfo.line1']")).to_be_visible()
    for field, value in {
        "customerInfo.name": "আশা", "customerInfo.email": "asha@example.com", "customerInfo.mobile": "01700000000",
        "billingInfo.line1": "১২ লেক রোড", "billingInfo.city": "ঢাকা", "promoCode": "",
        "paymentInfo.token": "tok_declined",
    }.items():  # fmt: skip
        fill(page, field, value)
    expect(place).to_be_enabled()
    place.click()
    expect(page.get_by_role("alert")).to_contain_text("পেমেন্ট")
    expect(page.get_by_role("alert")).to_be_in_viewport(ratio=1)
    assert latin(page) == set()
    take_picture(page, "shop-phone-bn-declined.png")

    page.locator("[name='paymentInfo.method'][value=cash]").check(force=True)
    expect(place).to_be_enabled()
    place.click()
    expect(page.get_by_test_id("track-status")).to_have_attribute("data-status", "pending")
    expect(page.get_by_test_id("socket-state")).to_have_attribute("data-state", "connected")
    expect(page.get_by_test_id("timeline").get_by_role("time")).to_have_count(1)
    assert latin(page) == set()
    assert page_errors(page) == []
    page.context.close()


@pytest.mark.parametrize("path", ["/", "/admin", "/driver", "/chat", "/forgot", "/no-such-page"])
def test_no_page_says_anything_in_english_to_who_reads_bengali(shop: Shop, chromium: Browser, path: str) -> None:
    page = open_page(chromium, f"{shop.url}{path}")
    in_bengali(page)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert latin(page) == set()
    page.context.close()


@pytest.mark.parametrize("path", ["/shop", "/orders", "track"])
def test_a_page_holds_when_it_is_written_from_the_right(shop: Shop, chromium: Browser, path: str) -> None:
    order = shop.place()
    link = f"/track/{order['id']}?token={order['trackingToken']}"
    page = open_page(chromium, f"{shop.url}{link if path == 'track' else path}", viewport=PHONE)
    # The application's own frame: what the server has rendered gives way to it.
    expect(page.locator("a.skip")).to_have_count(1)
    expect(page.locator("html")).to_have_attribute("dir", "ltr")
    page.evaluate("document.documentElement.dir = 'rtl'")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    heading = page.get_by_role("heading", level=1).bounding_box()
    assert heading is not None
    assert heading["x"] + heading["width"] > PHONE["width"] / 2
    take_picture(page, f"rtl-{path.strip('/')}.png")
    page.context.close()


def test_the_notifications_are_read_whole_on_a_phone(shop: Shop, chromium: Browser) -> None:
    page = open_page(chromium, f"{shop.url}/admin", viewport=PHONE)
    log_in(page, shop)
    page.get_by_test_id("notices").click()
    listed = page.locator(".notices-list").bounding_box()
    assert listed is not None
    assert listed["x"] >= 0
    assert listed["x"] + listed["width"] <= PHONE["width"]
    page.context.close()


def test_what_sells_out_and_when_the_shop_closes_is_heard_without_a_question(shop: Shop, chromium: Browser) -> None:
    page = open_page(chromium, f"{shop.url}/shop")
    # The second time is because the socket hears from then on.
    for path in ("/api/products", "/api/shop/opening"):
        page.wait_for_function(READ_TWICE, arg=path)
    for path in ("**/api/products*", "**/api/shop/opening"):
        page.route(path, lambda _route: None)  # and never answers again
    card = page.get_by_test_id("product-card").first
    expect(card.get_by_test_id("add-to-cart")).to_be_enabled()
    headers = {"Authorization": f"Bearer {shop.token('store')}"}
    product = f"{shop.url}/api/products/{card.get_attribute('data-product-id')}/sold-out"
    httpx.post(product, json={"soldOut": True}, headers=headers).raise_for_status()
    expect(card.get_by_test_id("add-to-cart")).to_be_disabled()
    httpx.post(f"{shop.url}/api/shop/pause", json={"reason": "The oven is out"}, headers=headers).raise_for_status()
    expect(page.get_by_test_id("shop-closed")).to_contain_text("The oven is out")
    httpx.post(f"{shop.url}/api/shop/resume", json={}, headers=headers).raise_for_status()
    httpx.post(product, json={"soldOut": False}, headers=headers).raise_for_status()
    page.unroute_all()
    page.reload()
    expect(card.get_by_test_id("add-to-cart")).to_be_enabled()
    assert page_errors(page) == []
    page.context.close()


def test_an_order_for_later_is_chosen_promised_and_put_where_it_is_due(shop: Shop, chromium: Browser) -> None:
    page = open_page(chromium, f"{shop.url}/shop", viewport=PHONE)
    page.get_by_test_id("add-to-cart").first.click()
    page.locator(".cart-bar").click()
    for field, value in {
        "customerInfo.name": "Asha Rahman", "customerInfo.email": "asha@example.com",
        "customerInfo.mobile": "01700000000",
    }.items():  # fmt: skip
        fill(page, field, value)
    page.locator("[name=fulfilment][value=pickup]").check(force=True)
    times = page.get_by_test_id("requested-time")
    expect(times.locator("option").nth(60)).to_be_attached()
    wanted = times.locator("option").nth(60).get_attribute("value")
    assert wanted
    times.select_option(wanted)
    expect(page.get_by_test_id("place-order")).to_be_enabled()
    assert found_by_axe(page) == []
    take_picture(page, "checkout-later-phone.png")
    page.get_by_test_id("place-order").click()
    expect(page.get_by_test_id("wanted-time")).to_be_visible()
    order_id = page.url.rpartition("/")[2].partition("?")[0]
    now = shop.place()

    board = open_page(chromium, f"{shop.url}/admin")
    log_in(board, shop)
    later = board.locator(f"[data-order-id={order_id}]")
    expect(later.get_by_test_id("order-wanted")).to_be_visible()
    tickets = board.locator("[data-order-id]")
    shown = tickets.evaluate_all("all => all.map(each => each.dataset.orderId)")
    assert shown.index(now["id"]) < shown.index(order_id)
    # Accepted as it is proposed, it is promised for then.
    expect(later.get_by_test_id("preparation")).to_have_value("none")
    shop.move({"id": order_id, "version": 1}, "processing", shop.token("store")).raise_for_status()
    expect(later.get_by_test_id("order-promised").locator("time")).to_have_attribute("datetime", wanted)
    assert page_errors(page) == page_errors(board) == []
    page.context.close()
    board.context.close()


GO_ROUND = """
async paths => {
    const shown = path => new Promise(done => {
        const look = () => document.querySelector("h1") && location.pathname === new URL(path, location).pathname
            ? done() : requestAnimationFrame(look);
        history.pushState(null, "", path);
        requestAnimationFrame(look);
    });
    for (let round = 0; round < 50; round++) for (const path of paths) await shown(path);
}
"""


def test_pages_that_are_entered_and_left_fifty_times_leave_one_socket_and_no_listener(
    shop: Shop, chromium: Browser
) -> None:
    order = shop.place()
    page = open_page(chromium, shop.url)
    expect(page.get_by_test_id("socket-state")).to_have_attribute("data-state", "connected")
    opened: list[WebSocket] = []

    def note(socket: WebSocket) -> None:
        opened.append(socket)

    page.on("websocket", note)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def listeners() -> float:
        session.send("HeapProfiler.collectGarbage")
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(float(each["value"]) for each in metrics if each["name"] == "JSEventListeners")

    paths = ["/shop", "/orders", f"/track/{order['id']}?token={order['trackingToken']}", "/chat", "/"]
    page.evaluate(GO_ROUND.replace("50", "1"), paths)
    expect(page.get_by_test_id("socket-state")).to_have_attribute("data-state", "connected")
    before = listeners()
    page.evaluate(GO_ROUND, paths)
    expect(page.get_by_test_id("socket-state")).to_have_attribute("data-state", "connected")

    def open_sockets() -> int:
        page.evaluate("0")  # by which what the browser has told meanwhile comes here
        return sum(not each.is_closed() for each in opened)

    # That of the page which is shown, once it has upgraded.
    eventually(lambda: open_sockets() == 1)
    eventually(lambda: listeners() <= before + FEW_LISTENERS)
    assert page_errors(page) == []
    page.context.close()
