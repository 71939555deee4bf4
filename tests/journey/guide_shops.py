"""The shops of `samples/` that a guide attaches, as their people and their other programs use them."""

from __future__ import annotations

import asyncio
import threading
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pymongo
import socketio
from playwright.sync_api import Browser, Page, expect

from tests.mariadb import Mariadb
from tests.mongodb import MongoStandIn
from tests.postgres import Postgres
from tests.waiting import PATIENCE_S, eventually

from .browsers import open_page
from .guide_page import Reader

PASSWORD = "open-sesame"


class GuideShop(Reader):
    """Who follows a guide to its end, with a database of their own, and then trades."""

    guide: ClassVar[str]
    steps: ClassVar[tuple[str, ...]] = ("The mapping", "What goes from the server", "Start")
    """The sections behind what there is before Ordercast comes."""
    page: ClassVar[str]
    is_new: ClassVar[str]
    moved: ClassVar[str]
    """The first state of an order, and another."""
    name: ClassVar[str] = ""
    """Whom the sign-in asks for besides the password."""

    @abstractmethod
    def order_beside(self, customer: str) -> None:
        """By another program, which knows the database alone."""

    @abstractmethod
    def move(self, customer: str) -> None:
        """Bring that customer's order into the other state."""

    @abstractmethod
    def committed(self) -> list[str]:
        """Whose orders the database has."""

    def look_further(self) -> None:
        """See what the guide has besides orders; nothing, as a rule."""

    def open_page(self, chromium: Browser) -> Page:
        """The shop's own, signed in and listening."""
        page = open_page(chromium, f"{self.back_end.url}/{self.page}")
        if self.name:
            page.get_by_label("Name").fill(self.name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("status")).to_have_text("live")
        page.evaluate("window.loadedOnce = true")
        return page

    def post(self, path: str, body: Any, **headers: str) -> Any:
        return httpx.post(f"{self.back_end.url}{path}", json=body, headers=headers).raise_for_status().json()


class PrismaShop(GuideShop):
    guide, page, is_new, moved = "express-prisma.md", "admin.html", "NEW", "PACKING"

    def __init__(self, folder: Path, server: Postgres) -> None:
        self._server = server
        self._database = server.new_database()
        super().__init__(
            self.guide, folder, {"postgresql://shop:secret@localhost:5432/shop": server.url(self._database)}
        )

    def order(self, customer: str) -> None:
        who = {"name": customer, "email": f"{customer}@example.com", "phone": "+8801700000000"}
        self.post("/api/orders", {"customer": who, "items": [{"productId": "rice", "quantity": 1}]})

    def order_beside(self, customer: str) -> None:
        made = f"""INSERT INTO "Customer" VALUES ('c_1', '{customer}', '1@example.com') RETURNING id"""
        order = (
            """INSERT INTO "Order" (id, "customerId", total, "updatedAt") SELECT 'o_1', id, 32000, now() FROM made"""
        )
        self._run(f"WITH made AS ({made}) {order}")

    def move(self, customer: str) -> None:
        whose = f"""FROM "Customer" c WHERE c.id = "customerId" AND c.name = '{customer}'"""
        self._run(f"""UPDATE "Order" SET status = '{self.moved}' {whose}""")

    def committed(self) -> list[str]:
        return [name for (name,) in self._run('SELECT c.name FROM "Order" JOIN "Customer" c ON c.id = "customerId"')]

    def _run(self, statement: str) -> list[tuple[Any, ...]]:
        return self._server.execute(statement, self._database)

    def end(self) -> None:
        super().end()
        self._server.drop(self._database)


class WoocommerceShop(GuideShop):
    guide, page, is_new, moved = "express-woocommerce.md", "packing.html", "wc-pending", "wc-processing"

    def __init__(self, folder: Path, server: Mariadb) -> None:
        self._server = server
        self._database = server.new_database()
        super().__init__(
            self.guide, folder, {"mysql://shop:secret@localhost:3306/wordpress": server.url(self._database)}
        )

    def order(self, customer: str) -> None:
        items = [{"name": "Kacchi biryani", "price": 320, "quantity": 1}]
        first, _, last = customer.partition(" ")
        who = {"firstName": first, "lastName": last, "email": "r@example.com", "phone": "+8801700000000"}
        self.post("/api/orders", {**who, "items": items})

    def order_beside(self, customer: str) -> None:
        self._run("INSERT INTO wp_posts (post_type) VALUES ('shop_order_placehold')")
        newest, (first, _, last) = "FROM wp_posts", customer.partition(" ")
        self._run(
            "INSERT INTO wp_wc_order_addresses (order_id, address_type, first_name, last_name)"
            f" SELECT MAX(ID), 'billing', '{first}', '{last}' {newest}"
        )
        columns = "id, status, total_amount, customer_id"
        self._run(f"INSERT INTO wp_wc_orders ({columns}) SELECT MAX(ID), '{self.is_new}', 320, 0 {newest}")

    def move(self, customer: str) -> None:
        theirs = f"SELECT order_id FROM wp_wc_order_addresses WHERE CONCAT(first_name, ' ', last_name) = '{customer}'"
        self._run(f"UPDATE wp_wc_orders SET status = '{self.moved}' WHERE id IN ({theirs})")

    def committed(self) -> list[str]:
        whose = "FROM wp_wc_orders o JOIN wp_wc_order_addresses a ON a.order_id = o.id"
        return [name for (name,) in self._run(f"SELECT CONCAT(a.first_name, ' ', a.last_name) {whose}")]

    def _run(self, statement: str) -> list[tuple[Any, ...]]:
        with self._server.connect(self._database) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def end(self) -> None:
        super().end()
        self._server.drop(self._database)


class MongooseShop(GuideShop):
    guide, page, is_new, moved = "express-mongoose.md", "orders.html", "new", "accepted"
    steps = ("What goes from the server", "Start", "Another collection")
    name = "owner"

    def __init__(self, folder: Path, mongodb: MongoStandIn) -> None:
        url = mongodb.url("shop")
        super().__init__(self.guide, folder, {"mongodb://localhost:27017/shop?replicaSet=rs0": url})
        self._client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(url)
        self._orders = self._client["shop"]["orders"]
        self._token = ""

    def order(self, customer: str) -> None:
        if not self._token:
            self._token = self._sign_in("asha")
        items = [{"name": "Kacchi biryani", "price": 320, "quantity": 1}]
        self.post("/api/orders", {"customerName": customer, "items": items}, authorization=f"Bearer {self._token}")

    def look_further(self) -> None:
        eventually(lambda: self._parts()["collections"] == "up")
        token = self._sign_in("asha")
        headers = {"authorization": f"Bearer {self._sign_in('owner')}"}
        with socketio.SimpleClient() as client:
            client.connect(self.node.url, auth={"token": token}, transports=["websocket"])
            asked = {"name": "Asha Rahman", "at": "2026-12-24T18:00:00Z", "guests": 4}
            booking = self.post("/api/bookings", asked, authorization=f"Bearer {token}")
            made = {"id": booking["_id"], "name": "Asha Rahman", "at": "2026-12-24T18:00:00.000Z", "guests": 4}
            assert _heard(client, "bookingMade") == made
            moved = f"{self.back_end.url}/api/bookings/{booking['_id']}"
            for status in ("seen", "confirmed"):  # of the first nobody is told
                httpx.patch(moved, json={"status": status}, headers=headers).raise_for_status()
            assert _heard(client, "bookingAnswered") == {"id": booking["_id"], "was": "seen", "status": "confirmed"}

    def _parts(self) -> dict[str, str]:
        answer: dict[str, Any] = httpx.get(f"{self.node.url}/health/ready").json()
        return dict(answer["parts"])

    def _sign_in(self, name: str) -> str:
        return str(self.post("/api/login", {"name": name, "password": PASSWORD})["token"])

    def order_beside(self, customer: str) -> None:
        known = {"customerId": "c1", "customerName": customer, "items": [], "total": 320, "status": self.is_new}
        self._orders.insert_one(known)

    def move(self, customer: str) -> None:
        self._orders.update_one({"customerName": customer}, {"$set": {"status": self.moved}})

    def committed(self) -> list[str]:
        return [order["customerName"] for order in self._orders.find()]

    def end(self) -> None:
        super().end()
        self._client.close()


def _heard(client: socketio.SimpleClient, event: str) -> Any:
    """What the next event of that name says."""
    while True:
        name, payload, *_ = client.receive(timeout=PATIENCE_S)
        if name == event:
            return payload


@contextmanager
def running_stand_in() -> Iterator[MongoStandIn]:
    """MongoDB's, whose loop runs on a thread, beside a test that has none."""
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
