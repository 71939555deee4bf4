"""Money over a `kill -9`: what was owed to the provider when the process died is done after the restart, and once."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from tests.payments.relay import Relay
from tests.payments.services import SECRET, python_service
from tests.payments.signed import SANDBOX_PATH, STANDARD, standard_body, standard_headers
from tests.ports import free_port
from tests.waiting import eventually

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


def asked(shop: Shop | Path, question: str) -> list[tuple[Any, ...]]:
    database = shop.database if isinstance(shop, Shop) else shop
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
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

    eventually(lambda: all(shop.get_order(order, token)["paymentStatus"] == "refunded" for order in placed))
    assert asked(shop, "SELECT DISTINCT captured - refunded FROM sandbox_payments") == [(0,)]
    assert asked(shop, "SELECT count(*), count(DISTINCT payable_id) FROM refunds") == [(len(placed), len(placed))]
    assert asked(shop, "SELECT DISTINCT state FROM payment_tasks") == [("done",)]


def test_a_release_that_the_provider_has_not_answered_yet_outlives_the_process(shop: Shop) -> None:
    token = shop.token()
    order = shop.place(**by("tok_flaky"))
    cancel(shop, order, token)
    eventually(lambda: asked(shop, "SELECT attempts FROM payment_tasks") == [(1,)])  # it did not answer
    shop.kill()
    assert asked(shop, "SELECT state FROM payment_tasks") == [("due",)]
    shop.start()
    eventually(lambda: shop.get_order(order["id"], token)["paymentStatus"] == "voided")
    assert asked(shop, "SELECT held, captured FROM sandbox_payments") == [(0, 0)]


def test_an_order_cancelled_by_another_program_while_nobody_serves_is_given_back(shop: Shop) -> None:
    token = shop.token()
    order = shop.place(**by("tok_visa"))
    shop.kill()
    with sqlite3.connect(shop.database) as outside:
        outside.execute("UPDATE orders SET status = 'cancelled' WHERE id = ?", (order["id"],))
    outside.close()
    shop.start()
    eventually(lambda: shop.get_order(order["id"], token)["paymentStatus"] == "refunded")


def test_a_chargeback_is_told_by_the_provider_some_moments_after_the_capture(shop: Shop) -> None:
    token = shop.token()
    order = shop.place(**by("tok_chargeback"))
    assert order["paymentStatus"] == "paid"
    eventually(lambda: shop.get_order(order["id"], token)["paymentStatus"] == "disputed")


def test_a_webhook_whose_effect_the_kill_prevented_has_it_once_after_the_restart(tmp_path: Path) -> None:
    """Killed between the receipt, which was answered, and the effect."""
    shop = Shop(tmp_path, {"ORDERCAST_SANDBOX_WEBHOOK_SECRET": STANDARD})
    shop.start()
    try:
        token = shop.token()
        order = shop.place(**by("tok_visa"))
        ((payment,),) = asked(shop, "SELECT reference FROM sandbox_payments")
        told(shop, "CREATE TRIGGER trouble BEFORE UPDATE ON orders BEGIN SELECT RAISE(ABORT, 'trouble'); END")
        body = standard_body("payment.refunded", payment=payment, id="re_1", amount=400)
        for _ in range(2):
            answer = httpx.post(shop.url + SANDBOX_PATH, content=body, headers=standard_headers(body))
            assert answer.status_code == 200, answer.text
        assert asked(shop, "SELECT state FROM payment_webhooks") == [("due",)]
        shop.kill()
        told(shop, "DROP TRIGGER trouble")
        shop.start()
        eventually(lambda: shop.get_order(order["id"], token)["amountRefunded"] == 400)
        assert asked(shop, "SELECT state FROM payment_webhooks") == [("applied",)]
        assert asked(shop, "SELECT amount FROM refunds") == [(400,)]
    finally:
        shop.kill()


def told(shop: Shop, statement: str) -> None:
    """Another program has written."""
    with sqlite3.connect(shop.database, timeout=PATIENCE_S) as outside:
        outside.execute(statement)
    outside.close()


def test_what_a_service_did_and_the_killed_process_never_heard_of_is_done_once(tmp_path: Path) -> None:
    """Killed between our commit and the answer of a provider over HTTP: to an authorization, a capture, a refund."""
    service_port, payments = free_port(), tmp_path / "payments.db"
    relay = Relay(f"http://127.0.0.1:{service_port}")
    environ = {"PAYMENTS": "http", "PAYMENTS_HTTP_URL": relay.url, "PAYMENTS_HTTP_SECRET": SECRET}
    shop = Shop(tmp_path, {f"ORDERCAST_{name}": value for name, value in environ.items()})

    def kill_unheard(answers: int, deed: Callable[[], object]) -> None:
        """Kill the shop once the service has done so many things, of which no answer came."""
        relay.let_go.clear()
        relay.losing = answers
        deed()
        eventually(lambda: relay.losing == 0)
        shop.kill()
        relay.let_go.set()
        shop.start()

    with relay.running(), python_service(tmp_path, shop.url, service_port):
        shop.start()
        try:
            token = shop.token()
            paid = by("tok_redirect")
            paid["paymentInfo"]["returnUrl"] = f"{shop.url}/track/{{orderId}}"
            order = shop.place(**paid)
            httpx.post(order["paymentAction"]["url"], data={"answer": "yes"})
            # By the service's own message.
            eventually(lambda: shop.get_order(order["id"], token)["paymentStatus"] == "authorized")
            wanted = shop.order(**by("tok_visa"))
            buyer = threading.Thread(target=_post_unheard, args=(f"{shop.url}/api/orders", wanted))

            def authorize_and_capture() -> None:
                buyer.start()
                assert shop.move(shop.get_order(order["id"], token), "processing", token).status_code == 200

            kill_unheard(2, authorize_and_capture)
            buyer.join()
            eventually(lambda: shop.get_order(order["id"], token)["paymentStatus"] == "paid")
            # Five minutes later the payment is given back that no order came of.
            with sqlite3.connect(shop.database, timeout=PATIENCE_S) as time_passes:
                time_passes.execute("UPDATE payment_tasks SET due_at = created_at WHERE kind = 'abandon'")
            time_passes.close()
            eventually(lambda: ("voided",) in asked(payments, "SELECT status FROM payments"))

            kill_unheard(1, lambda: cancel(shop, order, token))
            eventually(lambda: shop.get_order(order["id"], token)["paymentStatus"] == "refunded")
        finally:
            shop.kill()
    total = order["total"]
    sums = asked(payments, "SELECT status, captured, refunded FROM payments ORDER BY captured")
    assert sums == [("voided", 0, 0), ("captured", total, total)]
    assert asked(payments, "SELECT count(*) FROM answers WHERE question LIKE '%\"refund\"%'") == [(1,)]


def _post_unheard(url: str, body: dict[str, Any]) -> None:
    with suppress(httpx.HTTPError):
        httpx.post(url, json=body, timeout=PATIENCE_S)
