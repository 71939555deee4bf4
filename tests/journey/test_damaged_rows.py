"""A row that another program damaged, from its writing to its repair: the shop goes on, says so, and is whole again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.db.forced import force, lawless_sqlite
from tests.waiting import eventually

from .browsers import open_page, page_errors
from .listener import Listener
from .shop import Shop
from .test_pages import log_in
from .test_start import ordercast

# Seconds where nothing else runs. Each of the tables waits a hundred times what it took.
INSPECTED_S_MAX = 600.0


def readiness(shop: Shop) -> tuple[str, list[str]]:
    health: dict[str, Any] = httpx.get(f"{shop.url}/health/ready").json()
    return health["status"], health.get("damaged", [])


def repair(shop: Shop, *options: str) -> tuple[int, str]:
    done = ordercast(
        Path(shop.database.parent), "repair", *options, ORDERCAST_DATABASE_URL=f"sqlite:///{shop.database}"
    )
    return done.returncode, done.stdout


def heard(listener: Listener) -> list[str]:
    return [event["args"][0]["id"] for event in listener.events("newOrder")]


def test_a_latin_1_name_is_told_named_and_repaired_beside_the_running_shop(
    shop: Shop, listen: Callable[..., Listener]
) -> None:
    admin = listen(shop.url, auth={"token": shop.token()})
    admin.wait_for_event("ready")
    first = shop.place()
    force(shop.database, "orders", "UPDATE orders SET customer_name = CAST(? AS TEXT)", [b"Jos\xe9"])
    # Touched by an ordinary program, it is told as it is.
    with lawless_sqlite(shop.database, "feed") as connection:
        connection.execute(
            "INSERT INTO feed (kind, entity_id, version, actor, at, after)"
            " VALUES ('order.placed', ?, 1, 'a', '2026-11-30T00:00:00.000Z', CAST(? AS TEXT))",
            (first["id"], b'{"id":"\xff"'),
        )
    second = shop.place()
    eventually(lambda: heard(admin) == [first["id"], second["id"]])
    assert [event["args"][0]["reason"] for event in admin.events("resync")] == ["unreadable_row"]
    orders = httpx.get(f"{shop.url}/api/orders", headers={"Authorization": f"Bearer {shop.token()}"})
    assert [order["customerInfo"]["name"] for order in orders.json()["items"]] == ["Asha Rahman", "Jos\ufffd"]
    eventually(lambda: readiness(shop)[0] == "degraded" and len(readiness(shop)[1]) >= 2, INSPECTED_S_MAX)
    assert any(first["id"] in sentence for sentence in readiness(shop)[1])

    shop.kill()
    shop.start()
    third = shop.place()
    eventually(lambda: heard(admin) == [first["id"], second["id"], third["id"]])

    status, shown = repair(shop, "--dry-run")
    assert (status, f"orders {first['id']}: customer_name is not UTF-8" in shown) == (0, True)
    status, shown = repair(shop)
    assert (status, "(mended)" in shown) == (0, True)
    eventually(lambda: readiness(shop) == ("ready", []))
    assert repair(shop) == (0, "Every row can be read.\n")
    assert shop.output.count(f"The row {first['id']} of orders") <= 2  # once in each life of the server


@pytest.mark.browser
def test_no_page_stops_working_for_a_payload(shop: Shop, chromium: Browser) -> None:
    admin = open_page(chromium, f"{shop.url}/admin")
    log_in(admin, shop)
    said: list[str] = []
    admin.on("console", lambda message: said.append(message.text))

    payloads = ['{"_id":"665f","items":[]}', "null", '{"id":1}', '"x"', "[]"]
    with lawless_sqlite(shop.database, "feed") as connection:
        for event in ("newOrder", "orderStatusUpdated", "payment_update", "order_update", "stats", "notification"):
            for payload in payloads:
                connection.execute(
                    "INSERT INTO feed (kind, entity_id, version, actor, at, after)"
                    " VALUES ('event.published', 'evt_1', 1, 'a', '2026-11-30T00:00:00.000Z', ?)",
                    (f'{{"event":"{event}","rooms":["store-owners"],"args":[{payload}]}}',),
                )
    order = shop.place()

    expect(admin.get_by_test_id("order-card")).to_have_count(1)
    expect(admin.get_by_test_id("order-card").get_by_test_id("order-name")).to_have_text("Asha Rahman")
    assert "stopped working" not in admin.content()
    assert page_errors(admin) == []
    assert sum("is left out" in sentence for sentence in said) == 6 * len(payloads)
    assert order["status"] == "pending"
