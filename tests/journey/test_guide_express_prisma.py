"""The page on Express and Prisma's tables is followed from an empty folder, and its shop is killed in every way.

Its commands and changes are read from the page; the dashboard is the sample's own, in Chromium.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.postgres import Postgres
from tests.waiting import eventually

from .browsers import open_page, page_errors
from .guide_page import Reader

pytestmark = [pytest.mark.browser, pytest.mark.node]


class PrismaShop(Reader):
    """Who follows the page, with a database of their own."""

    def __init__(self, folder: Path, postgres: Postgres) -> None:
        self._postgres = postgres
        self.database = postgres.new_database()
        url = {"postgresql://shop:secret@localhost:5432/shop": postgres.url(self.database)}
        super().__init__("express-prisma.md", folder, url)

    def order(self, name: str) -> None:
        """By the shop's own HTTP."""
        customer = {"name": name, "email": f"{name}@example.com", "phone": "+8801700000000"}
        body = {
            "customer": customer,
            "items": [{"productId": "tea", "quantity": 1}, {"productId": "rice", "quantity": 1}],
        }
        httpx.post(f"{self.back_end.url}/api/orders", json=body).raise_for_status()

    def order_by_sql(self, name: str) -> None:
        customer = f"""INSERT INTO "Customer" VALUES ('c_{name}', '{name}', '{name}@example.com') RETURNING id"""
        self.run_sql(
            f"""WITH made AS ({customer})
            INSERT INTO "Order" (id, "customerId", total, "updatedAt") SELECT 'o_{name}', id, 36000, now() FROM made"""
        )

    def committed(self) -> list[str]:
        found = self.run_sql('SELECT c.name FROM "Order" o JOIN "Customer" c ON c.id = o."customerId"')
        return sorted(name for (name,) in found)

    def run_sql(self, statement: str) -> list[tuple[Any, ...]]:
        return self._postgres.execute(statement, self.database)

    def has_no_session(self) -> bool:
        left = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'shop'"
        return self.run_sql(left) == [(0,)]

    def open_dashboard(self, chromium: Browser) -> Page:
        page = open_page(chromium, f"{self.back_end.url}/admin.html")
        page.get_by_label("Password").fill("open-sesame")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("status")).to_have_text("live")
        page.evaluate("window.loadedOnce = true")
        return page


def orders(page: Page) -> Locator:
    return page.get_by_role("listitem")


def shown(page: Page) -> list[str]:
    """Whose orders are on the dashboard, each as often as it stands there."""
    return sorted(text.partition(":")[0] for text in orders(page).all_inner_texts())


@pytest.fixture(scope="module")
def shop(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: Postgres, chromium: Browser
) -> Iterator[PrismaShop]:
    """The page is followed to its end; on the way its dashboard is seen at work without Ordercast."""
    shop = PrismaShop(tmp_path_factory.mktemp("express_prisma"), postgres_server)
    try:
        shop.follow("What you have")
        page = shop.open_dashboard(chromium)
        expect(orders(page)).to_have_text(["Asha Rahman: 80.00 NEW"])
        shop.order("emitted")
        expect(orders(page)).to_have_text(["emitted: 360.00 NEW", "Asha Rahman: 80.00 NEW"])
        page.context.close()
        for section in ("The mapping", "What goes from the server", "Start"):
            shop.follow(section)
        yield shop
    finally:
        shop.end()
        postgres_server.drop(shop.database)


def test_every_order_is_on_the_dashboard_once_whatever_is_killed(shop: PrismaShop, chromium: Browser) -> None:
    page = shop.open_dashboard(chromium)
    shop.order("placed")
    expect(orders(page).first).to_have_text("placed: 360.00 NEW")
    shop.run_sql(
        """UPDATE "Order" SET status = 'PACKING' FROM "Customer" c WHERE c.id = "customerId" AND c.name = 'placed'"""
    )
    expect(orders(page).first).to_have_text("placed: 360.00 PACKING")

    shop.node.kill()
    shop.order("while Ordercast was dead")
    shop.order_by_sql("by_psql")
    shop.node.start()
    shop.order("after the kill")
    expect(orders(page).first).to_contain_text("after the kill")
    assert shown(page) == shop.committed()

    answered = shop.crash_under_buyers()
    eventually(shop.has_no_session)  # a commit that was under way has come to its end
    shop.order("after the crash")
    expect(orders(page).first).to_contain_text("after the crash")
    committed = shop.committed()
    assert answered <= {*committed}
    assert shown(page) == committed
    assert page.evaluate("window.loadedOnce") is True
    assert page_errors(page) == []
