"""What other programs do to the shop's file: rows added, and history forgotten, behind the server's back."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence

from ordercast.db import SqliteStore

from .shop import Shop


def publish(shop: Shop, numbers: Sequence[int], room: str = "store-owners", text: str = "") -> None:
    """Add events `n` in one transaction, with a number and `text` in each."""
    rows = [("n", json.dumps([room]), json.dumps([{"n": number, "text": text}])) for number in numbers]
    connection = sqlite3.connect(shop.database, timeout=60)
    with connection:
        connection.executemany("INSERT INTO published_events (event, rooms, args) VALUES (?, ?, ?)", rows)
    connection.close()


def copy_order(shop: Shop, order_id: str, copies: int) -> None:
    """Add orders like this one, in one transaction."""
    columns = "customer_id, customer_name, customer_email, customer_mobile, total, cart_items, billing_info"
    count = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {copies})"
    connection = sqlite3.connect(shop.database, timeout=60)
    with connection:
        connection.execute(
            f"INSERT INTO orders ({columns}) {count} SELECT {columns} FROM orders, n WHERE id = ?", [order_id]
        )
    connection.close()


async def prune(shop: Shop, *, rows_max: int) -> None:
    """Forget all but the newest rows of the feed."""
    store = SqliteStore(shop.database)
    await store.start()
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    await store.prune(feed_rows_max=rows_max, sessions_age_s_max=3600, now=now)
    await store.close()
