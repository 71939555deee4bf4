"""The board when things go wrong around it: it says so meanwhile, and is right afterwards without a reload."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import redis
from playwright.sync_api import Browser, Page, Route, expect

from ordercast.emitter import Emitter
from tests.valkey import Valkey, running_valkey
from tests.waiting import eventually

from .browsers import open_page, page_errors
from .buyers import Buyers
from .cutting_proxy import CuttingProxy
from .shop import Shop
from .test_pages import log_in

pytestmark = pytest.mark.browser

# Of a long evening; placing them takes its time, so that `make test-board` alone does it.
OPEN, OVER = 300, 1_000
IS_LONG = "ORDERCAST_TEST_BOARD" in os.environ
# A buyer of the rush waits so long between two orders; there are four.
PAUSE_S = 0.5


@pytest.fixture(scope="module")
def valkey() -> Iterator[Valkey]:
    with running_valkey() as valkey:
        yield valkey


@pytest.fixture(scope="module")
def shop(valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    environ = {"ORDERCAST_REDIS_URL": valkey.url, "ORDERCAST_REDIS_EMITTERS": "socket.io"}
    shop = Shop(tmp_path_factory.mktemp("trouble"), environ)
    shop.start()
    yield shop
    shop.kill()


def open_board(chromium: Browser, shop: Shop, url: str = "", email: str = "admin@example.com") -> Page:
    """One on which what is pressed is sent at once."""
    settings = {"name": "ordercast.board", "value": '{"state": {"undo_s": 0}, "version": 0}'}
    kept = {"origins": [{"origin": url or shop.url, "localStorage": [settings]}]}
    viewport = {"width": 1440, "height": 900}
    page = open_page(chromium, f"{url or shop.url}/admin", viewport=viewport, storage_state=kept)
    log_in(page, shop, email)
    return page


def pending(shop: Shop) -> set[str]:
    """The orders that nobody has accepted yet, by the API."""
    found: set[str] = set()
    query = {"open": "true", "limit": "100"}
    with httpx.Client(base_url=shop.url, headers={"authorization": f"Bearer {shop.token()}"}) as client:
        while True:
            answer = client.get("/api/orders", params=query).raise_for_status().json()
            found |= {order["id"] for order in answer["items"] if order["status"] == "pending"}
            if answer["nextCursor"] is None:
                return found
            query["cursor"] = answer["nextCursor"]


def expect_new(page: Page, shop: Shop) -> set[str]:
    """The first column has what is pending and nothing else, as whoever scrolls through it sees. Gives these orders."""
    heading = page.locator("[data-stage=new] h2")
    # An order that nobody waits for any more may still be on its way in.
    eventually(lambda: heading.inner_text() == f"New {len(pending(shop)):,}")
    wanted = pending(shop)
    page.evaluate("window.seen = new Set()")
    seen = page.wait_for_function(
        """wanted => {
            const column = document.querySelector("[data-stage=new]");
            for (const card of column.querySelectorAll("[data-testid=order-card]")) seen.add(card.dataset.orderId);
            const box = column.querySelector(".column-scroll");
            const isAtEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 1;
            box.scrollTop = isAtEnd ? 0 : box.scrollTop + box.clientHeight;
            return wanted.every((id) => seen.has(id)) && [...seen];
        }""",
        arg=sorted(wanted),
    )
    assert set(seen.json_value()) == wanted
    return wanted


def health(shop: Shop) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{shop.url}/health/ready").json()
    return found


def expect_live(page: Page) -> None:
    expect(page.get_by_test_id("socket-state")).to_have_attribute("data-state", "connected")
    expect(page.get_by_test_id("state-banner")).to_have_count(0)


def expect_loaded_once(page: Page) -> None:
    assert page.evaluate("performance.getEntriesByType('navigation')[0].type") == "navigate"
    assert page.evaluate("window.isTheFirst")
    assert page_errors(page) == []


def test_a_board_cut_off_in_a_rush_its_server_killed_and_lied_to_shows_each_order_once(
    shop: Shop, valkey: Valkey, chromium: Browser
) -> None:
    with CuttingProxy(shop.port) as way:
        page = open_board(chromium, shop, way.url)
        page.evaluate("window.isTheFirst = true")
        buyers = Buyers(shop.url, shop.order(), pause_s=PAUSE_S)
        try:
            buyers.wait_for_more(4)
            with way.outage():
                way.cut()
                expect(page.get_by_test_id("state-banner")).to_contain_text("Not live: reconnecting since")
                buyers.wait_for_more(4)
            buyers.wait_for_more(4)
            expect_live(page)

            shop.kill()
            expect(page.get_by_test_id("state-banner")).to_contain_text("Not live: reconnecting since")
            shop.start()
            buyers.wait_for_more(8)
        finally:
            confirmed = buyers.stop()

        expect_live(page)
        wanted = expect_new(page, shop)
        assert confirmed <= wanted

        eventually(lambda: health(shop)["parts"] == {"bus": "up", "backEnds": "up"})
        with page.expect_response("**/api/orders/ord_foreign*"):
            say_under_our_names(valkey, shop.get_order(min(wanted), shop.token()))
        wanted |= {shop.place()["id"]}
        assert expect_new(page, shop) == wanted
        expect_live(page)
        expect_loaded_once(page)


def say_under_our_names(valkey: Valkey, order: dict[str, Any]) -> None:
    """Another program's, some of it as if it were ours; at last an order that there is not, for which the page asks."""
    order_id = order["id"]
    with redis.Redis.from_url(valkey.url) as client:
        say = Emitter(client).to("store-owners").emit
        payloads: list[Any] = [None, [], 7, "newOrder", {}, {"id": order_id}, {"orderId": order_id, "cartItems": 3}]
        for payload in payloads:
            for event in ("newOrder", "order_update", "orderStatusUpdated", "payment_update"):
                say(event, payload)
        say("order_update", {**order, "status": "cancelled", "version": 99, "total": -1})
        say("orderStatusUpdated", {"orderId": order_id, "newStatus": "cancelled", "version": 99})
        say("newOrder", {**order, "id": "ord_foreign"})


def test_two_clerks_who_press_the_same_order_move_it_once_and_see_the_same(shop: Shop, chromium: Browser) -> None:
    order = shop.place()
    pages = [open_board(chromium, shop), open_board(chromium, shop, email="store@example.com")]
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    for page in pages:
        page.evaluate("window.isTheFirst = true")
        # What is held here may take as long as it takes.
        page.evaluate("AbortSignal.timeout = () => new AbortController().signal")
        page.get_by_role("searchbox").fill(f"#{order['number']}")
        page.route(f"**/api/orders/{order['id']}/status", hold)
        with page.expect_request(f"**/api/orders/{order['id']}/status"):
            page.locator(f"[data-order-id={order['id']}] [data-to=processing]").click()
    assert shop.get_order(order["id"], shop.token())["version"] == order["version"]
    for page, route in zip(pages, held, strict=True):
        with page.expect_response(f"**/api/orders/{order['id']}/status") as answer:
            route.continue_()
        assert answer.value.json()["version"] == order["version"] + 1

    for page in pages:
        card = page.locator(f"[data-stage=preparing] [data-testid=order-card][data-order-id={order['id']}]")
        expect(card).to_have_attribute("data-status", "processing")
        expect(card.get_by_role("alert")).to_have_count(0)
        expect_live(page)
        expect_loaded_once(page)
    assert shop.get_order(order["id"], shop.token())["version"] == order["version"] + 1


@pytest.mark.skipif(not IS_LONG, reason="make test-board")
def test_a_board_of_many_open_orders_under_more_that_are_over_is_right_after_a_cut(
    shop: Shop, chromium: Browser
) -> None:
    headers = {"authorization": f"Bearer {shop.token()}"}
    with httpx.Client(base_url=shop.url, headers=headers) as client, CuttingProxy(shop.port) as way:
        fill_shop(client, shop.order())
        page = open_board(chromium, shop, way.url)
        page.evaluate("window.isTheFirst = true")
        wanted = expect_new(page, shop)
        with way.outage():
            way.cut()
            expect(page.get_by_test_id("state-banner")).to_be_visible()
            come, gone = place(client, shop.order()), min(wanted)
            cancel(client, {"id": gone, "version": 1})
        expect_live(page)
        assert expect_new(page, shop) == wanted - {gone} | {come["id"]}
        expect_loaded_once(page)


def place(client: httpx.Client, order: dict[str, Any]) -> dict[str, Any]:
    placed: dict[str, Any] = client.post("/api/orders", json=order).raise_for_status().json()
    return placed


def cancel(client: httpx.Client, order: dict[str, Any]) -> None:
    body = {"status": "cancelled", "version": order["version"], "reason": "Sold out"}
    client.post(f"/api/orders/{order['id']}/status", json=body).raise_for_status()


def fill_shop(client: httpx.Client, order: dict[str, Any]) -> None:
    for _ in range(OPEN):
        place(client, order)
    for _ in range(OVER):
        cancel(client, place(client, order))
