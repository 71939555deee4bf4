"""The page on Express and Mongoose's documents is followed from an empty folder, and its shop is killed in every way.

Its commands and changes are read from the page; its pages are the sample's own, in Chromium. MongoDB is a stand-in.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.mongodb import MongoStandIn
from tests.waiting import PATIENCE_S, eventually

from .browsers import open_page, page_errors
from .guide_page import Reader

pytestmark = [pytest.mark.browser, pytest.mark.node]

PASSWORD = "open-sesame"


@contextmanager
def running_stand_in() -> Iterator[MongoStandIn]:
    """One whose loop runs on a thread, beside a test that has none."""
    stand_in = MongoStandIn()
    ready, stopping = threading.Event(), threading.Event()

    async def serve() -> None:
        await stand_in.start()
        ready.set()
        await asyncio.to_thread(stopping.wait)
        await stand_in.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(PATIENCE_S)
        yield stand_in
    finally:
        stopping.set()
        thread.join()


class MongooseShop(Reader):
    """Who follows the page, with a database of their own."""

    def __init__(self, folder: Path, mongodb: MongoStandIn) -> None:
        url = {"mongodb://localhost:27017/shop?replicaSet=rs0": mongodb.url("shop")}
        super().__init__("express-mongoose.md", folder, url)
        self._mongodb = mongodb
        self._tokens: dict[str, str] = {}

    def ask(self, method: str, path: str, *, name: str, body: Any = None) -> Any:
        """By the shop's own HTTP, as one of its people."""
        if name not in self._tokens:
            given = {"name": name, "password": PASSWORD}
            self._tokens[name] = httpx.post(f"{self.back_end.url}/api/login", json=given).json()["token"]
        headers = {"authorization": f"Bearer {self._tokens[name]}"}
        return httpx.request(method, f"{self.back_end.url}{path}", json=body, headers=headers).raise_for_status().json()

    def order(self, customer: str) -> None:
        body = {"customerName": customer, "items": [{"name": "Masala chai", "price": 40, "quantity": 2}]}
        self.ask("POST", "/api/orders", name="asha", body=body)

    def order_id(self, customer: str) -> str:
        (found,) = (each for each in self.ask("GET", "/api/orders", name="owner") if each["customerName"] == customer)
        return str(found["id"])

    def move(self, order_id: str, status: str) -> None:
        self.ask("PATCH", f"/api/orders/{order_id}", name="owner", body={"status": status})

    def committed(self) -> list[str]:
        return sorted(order["customerName"] for order in self._mongodb.data.documents(("shop", "orders")))

    def open_orders(self, chromium: Browser, name: str = "owner") -> Page:
        page = open_page(chromium, f"{self.back_end.url}/orders.html")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("status")).to_have_text("live")
        page.evaluate("window.loadedOnce = true")
        return page


def orders(page: Page) -> Locator:
    return page.get_by_role("listitem")


def shown(page: Page) -> list[str]:
    """Whose orders are on the page, each as often as it stands there."""
    return sorted(text.partition(":")[0] for text in orders(page).all_inner_texts())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[MongooseShop]:
    """The page is followed to its end; on the way its page is seen at work without Ordercast."""
    with running_stand_in() as mongodb:
        shop = MongooseShop(tmp_path_factory.mktemp("express_mongoose"), mongodb)
        try:
            shop.follow("What you have")
            page = shop.open_orders(chromium)
            expect(orders(page)).to_have_text(["Asha Rahman: 80.00 new"])
            shop.order("emitted")
            expect(orders(page)).to_have_text(["emitted: 80.00 new", "Asha Rahman: 80.00 new"])
            page.context.close()
            for section in ("What goes from the server", "Start"):
                shop.follow(section)
            eventually(lambda: httpx.get(f"{shop.node.url}/health/ready").json()["parts"]["mongodb"] == "up")
            yield shop
        finally:
            shop.end()


def test_every_order_is_on_the_owners_page_once_whatever_is_killed(shop: MongooseShop, chromium: Browser) -> None:
    shop.order("placed")
    order_id = shop.order_id("placed")
    owner, customer = (shop.open_orders(chromium, name) for name in ("owner", "asha"))
    shop.order("placed later")
    expect(orders(owner).first).to_have_text("placed later: 80.00 new")
    shop.move(order_id, "accepted")
    for page in (owner, customer):
        expect(page.locator(f"[data-id='{order_id}']")).to_have_text("placed: 80.00 accepted")

    shop.node.kill()
    shop.order("while Ordercast was dead")
    shop.move(order_id, "ready")
    shop.node.start()
    shop.order("after the kill")
    expect(orders(owner).first).to_contain_text("after the kill")
    expect(owner.locator(f"[data-id='{order_id}']")).to_have_text("placed: 80.00 ready")
    assert shown(owner) == shop.committed()

    answered = shop.crash_under_buyers()
    shop.order("after the crash")
    expect(orders(owner).first).to_contain_text("after the crash")
    committed = shop.committed()
    assert answered <= {*committed}
    assert shown(owner) == committed
    for page in (owner, customer):
        assert page.evaluate("window.loadedOnce") is True
        assert page_errors(page) == []
