"""Money over a `kill -9`: what was owed to the provider when the process died is done after the restart, and once."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import httpx

from .shop import Shop

PATIENCE_S = 60.0


def by(token: str) -> dict[str, Any]:
    return {"paymentInfo": {"method": "card", "token": token}}


def cancel(shop: Shop, order: dict[str, Any], token: str) -> None:
    answer = httpx.post(
        f"{shop.url}/api/orders/{order['id']}/cancel",
        json={"reason": "sold out"},
        headers={"authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 200, answer.text


def wait_for(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up_at, "it never came to be"
        time.sleep(0.1)


def asked(shop: Shop, question: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(f"file:{shop.database}?mode=ro", uri=True)
    try:
        return connection.execute(question).fetchall()
    finally:
        connection.close()


def test_refunds_owed_at_the_kill_are_made_once_after_the_restart(shop: Shop, chance: random.Random) -> None:
    """Killed at whatever moment between the commit of a cancellation and the record of its refund."""
    token, placed = shop.token(), []
    for _ in range(4):
        orders = [shop.place(**by("tok_visa")) for _ in range(3)]
        placed += [order["id"] for order in orders]
        for order in orders:
            cancel(shop, order, token)
        time.sleep(chance.uniform(0, 0.04))
        shop.kill()
        shop.start()

    wait_for(lambda: all(shop.get_order(order, token)["paymentStatus"] == "refunded" for order in placed))
    assert asked(shop, "SELECT DISTINCT captured - refunded FROM sandbox_payments") == [(0,)]
    assert asked(shop, "SELECT count(*), count(DISTINCT order_id) FROM refunds") == [(len(placed), len(placed))]
    assert asked(shop, "SELECT DISTINCT state FROM payment_tasks") == [("done",)]


def test_a_release_that_the_provider_has_not_answered_yet_outlives_the_process(shop: Shop) -> None:
    token = shop.token()
    order = shop.place(**by("tok_flaky"))
    cancel(shop, order, token)
    wait_for(lambda: asked(shop, "SELECT attempts FROM payment_tasks") == [(1,)])  # it did not answer
    shop.kill()
    assert asked(shop, "SELECT state FROM payment_tasks") == [("due",)]
    shop.start()
    wait_for(lambda: shop.get_order(order["id"], token)["paymentStatus"] == "voided")
    assert asked(shop, "SELECT held, captured FROM sandbox_payments") == [(0, 0)]


def test_an_order_cancelled_by_another_program_while_nobody_serves_is_given_back(shop: Shop) -> None:
    token = shop.token()
    order = shop.place(**by("tok_visa"))
    shop.kill()
    with sqlite3.connect(shop.database) as outside:
        outside.execute("UPDATE orders SET status = 'cancelled' WHERE id = ?", (order["id"],))
    outside.close()
    shop.start()
    wait_for(lambda: shop.get_order(order["id"], token)["paymentStatus"] == "refunded")


def test_a_chargeback_is_told_by_the_provider_some_moments_after_the_capture(shop: Shop) -> None:
    token = shop.token()
    order = shop.place(**by("tok_chargeback"))
    assert order["paymentStatus"] == "paid"
    wait_for(lambda: shop.get_order(order["id"], token)["paymentStatus"] == "disputed")
