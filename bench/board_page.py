"""What the board costs the browser's main thread: 500 open orders, changed 20 times a second, and searched.

``python -m bench.board_page`` starts a shop on SQLite, opens ``/admin`` in Chromium, changes orders by SQL and reads
Chromium's own figures (CDP ``Performance.getMetrics``: CPU of scripts, style, layout and of all tasks) over the same
time with and without changes. It says how many nodes there are, and how many bytes of heap before and after.
"""

from __future__ import annotations

import itertools
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import CDPSession, Page, expect, sync_playwright
from tests.journey.browsers import browser, open_page
from tests.journey.shop import Shop
from tests.journey.test_pages import log_in

ORDERS: Final = 500
CHANGES_PER_S: Final = 20
SECONDS: Final = 20
WORDS: Final = "masala chai"
# In seconds of the main thread. `ThreadTime` is its CPU; the others are the clock's, as Chromium measures them.
FIGURES: Final = ("ThreadTime", "TaskDuration", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration")


def figures(cdp: CDPSession) -> dict[str, float]:
    found: dict[str, Any] = cdp.send("Performance.getMetrics")
    return {metric["name"]: metric["value"] for metric in found["metrics"]}


def spent(before: dict[str, float], after: dict[str, float], idle: dict[str, float]) -> dict[str, float]:
    return {name: (after[name] - before[name] - idle[name]) * 1000 for name in FIGURES}


def place_all(shop: Shop, orders: int) -> None:
    first = shop.place()
    with closing(sqlite3.connect(shop.database, timeout=30)) as database:
        columns = [name for _, name, *_ in database.execute("PRAGMA table_info(orders)")]
        copied = [name for name in columns if name not in {"number", "id", "tracking_hash", "version"}]
        names = ", ".join(copied)
        for _ in range(orders - 1):
            database.execute(f"INSERT INTO orders ({names}) SELECT {names} FROM orders WHERE id = ?", [first["id"]])  # noqa: S608
        database.execute("UPDATE orders SET status = 'processing' WHERE number % 3 = 1")
        database.execute("UPDATE orders SET status = 'processing' WHERE number % 9 = 2")
        database.execute("UPDATE orders SET status = 'ready_for_delivery' WHERE number % 9 = 2")
        database.commit()


def moves(shop: Shop) -> Iterator[None]:
    """One change with each step: what is new is accepted, what is accepted becomes ready."""
    with closing(sqlite3.connect(shop.database, timeout=30)) as database:
        for before, after in (("pending", "processing"), ("processing", "ready_for_delivery")):
            found = database.execute("SELECT number FROM orders WHERE status = ? ORDER BY number", [before]).fetchall()
            for (number,) in found:
                database.execute("UPDATE orders SET status = ? WHERE number = ?", [after, number])
                database.commit()
                yield


# As a shop has them: orders come, are accepted, made, held and resumed, paid, mended, and promised anew.
MIX: Final = (
    "INSERT INTO orders ({copied}) SELECT {copied} FROM orders WHERE number = (SELECT min(number) FROM orders)",
    "UPDATE orders SET status = 'processing' WHERE number = (SELECT min(number) FROM orders WHERE status = 'pending')",
    """UPDATE orders SET payment_status = 'paid', captured = total
       WHERE number = (SELECT min(number) FROM orders WHERE payment_status = 'unpaid' AND status <> 'pending')""",
    """UPDATE orders SET customer_mobile = '+88017' || (10000000 + {step})
       WHERE number = (SELECT min(number) + {step} % 20 FROM orders WHERE status = 'processing')""",
    """UPDATE orders SET promised_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+{step} seconds')
       WHERE number = (SELECT min(number) + {step} % 20 FROM orders WHERE status = 'processing')""",
    """UPDATE orders SET status = 'on_hold', held_from = 'processing'
       WHERE number = (SELECT max(number) FROM orders WHERE status = 'processing')""",
    """UPDATE orders SET status = 'processing', held_from = NULL
       WHERE number = (SELECT min(number) FROM orders WHERE status = 'on_hold')""",
    """UPDATE orders SET status = 'ready_for_delivery'
       WHERE number = (SELECT min(number) FROM orders WHERE status = 'processing')""",
)


def mixed(shop: Shop) -> Iterator[None]:
    """One change with each step, of all kinds in turn."""
    with closing(sqlite3.connect(shop.database, timeout=30)) as database:
        columns = [name for _, name, *_ in database.execute("PRAGMA table_info(orders)")]
        left_out = {"number", "id", "tracking_hash", "version", "status", "held_from", "promised_at", "status_since"}
        copied = ", ".join(name for name in columns if name not in left_out)
        for step in itertools.count():
            database.execute(MIX[step % len(MIX)].format(copied=copied, step=step))
            database.commit()
            yield


def changes(page: Page, cdp: CDPSession, change: Iterator[None], idle: dict[str, float]) -> dict[str, float]:
    before, begun = figures(cdp), time.monotonic()
    for done in range(CHANGES_PER_S * SECONDS):
        next(change)
        page.wait_for_timeout(max(0.0, (begun + (done + 1) / CHANGES_PER_S - time.monotonic()) * 1000))
    costs = spent(before, figures(cdp), {name: value * (time.monotonic() - begun) for name, value in idle.items()})
    return {name: value / (CHANGES_PER_S * SECONDS) for name, value in costs.items()}


def keys(page: Page, cdp: CDPSession, idle: dict[str, float]) -> dict[str, float]:
    page.keyboard.press("/")
    before, begun = figures(cdp), time.monotonic()
    for key in WORDS:
        page.keyboard.type(key)
        page.wait_for_timeout(200)
    costs = spent(before, figures(cdp), {name: value * (time.monotonic() - begun) for name, value in idle.items()})
    return {name: value / len(WORDS) for name, value in costs.items()}


def heap_mb(cdp: CDPSession) -> float:
    cdp.send("HeapProfiler.collectGarbage")
    return figures(cdp)["JSHeapUsedSize"] / 1e6


def main() -> None:
    shop = Shop(Path(tempfile.mkdtemp()))
    shop.start()
    try:
        place_all(shop, ORDERS)
        with sync_playwright() as playwright, browser(playwright) as chromium:
            page = open_page(chromium, f"{shop.url}/admin", viewport={"width": 1440, "height": 900})
            log_in(page, shop)
            expect(page.get_by_role("button", name=f"All {ORDERS}")).to_be_visible()
            cdp = page.context.new_cdp_session(page)
            cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
            page.wait_for_timeout(5_000)
            before = figures(cdp)
            page.wait_for_timeout(SECONDS * 1000)
            idle = {name: (figures(cdp)[name] - before[name]) / SECONDS for name in FIGURES}
            heap = heap_mb(cdp)
            say("a second without changes, ms", {name: value * 1000 for name, value in idle.items()})
            say("a change of all kinds, ms", changes(page, cdp, mixed(shop), idle))
            say("a move between columns, ms", changes(page, cdp, moves(shop), idle))
            say("a key of the search, ms", keys(page, cdp, idle))
            nodes = page.evaluate("document.querySelectorAll('*').length")
            all_nodes = figures(cdp)["Nodes"]
            print(f"elements {nodes}, nodes of all kinds {all_nodes:.0f}; heap {heap:.1f} MB, then {heap_mb(cdp):.1f}")
    finally:
        shop.kill()


def say(what: str, costs: dict[str, float]) -> None:
    print(what.ljust(30), ", ".join(f"{name} {value:.2f}" for name, value in costs.items()))


if __name__ == "__main__":
    main()
