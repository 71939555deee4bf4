"""``ordercast webhook send``: a payment reaches the screens without a provider, and what is missing is said."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.forked import run
from tests.journey.listener import Listener
from tests.journey.shop import Shop
from tests.payments.signed import STANDARD


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("webhook"))
    shop.start()
    yield shop
    shop.kill()


def send(shop: Shop, *arguments: str, **environ: str) -> tuple[int, str]:
    """Its exit code, and all that it said."""
    env = {"PATH": os.environ["PATH"], "ORDERCAST_DATABASE_URL": f"sqlite:///{shop.database}"}
    env |= {f"ORDERCAST_{name}": value for name, value in environ.items()}
    if "--url" not in arguments:
        arguments = (*arguments, "--url", shop.url)
    done = run(["webhook", "send", *arguments], cwd=shop.database.parent, env=env)
    return done.returncode, done.stdout + done.stderr


def kept(shop: Shop) -> dict[str, str]:
    """The last state of each type."""
    connection = sqlite3.connect(f"file:{shop.database}?mode=ro", uri=True)
    try:
        return dict(connection.execute("SELECT kind, state FROM payment_webhooks ORDER BY id").fetchall())
    finally:
        connection.close()


def test_a_sample_makes_a_held_order_paid_and_gives_it_back(shop: Shop) -> None:
    token = shop.token()
    order = shop.place(paymentInfo={"method": "card", "token": "tok_authorize_only"})
    code, said = send(shop, "--order", order["id"])
    assert code == 0, said
    assert f"(order {order['number']})" in said
    assert '200 {"received":true}' in said
    assert shop.get_order(order["id"], token)["paymentStatus"] == "paid"
    assert send(shop, "--order", order["id"], "--event", "payment.refunded", "--amount", "400")[0] == 0
    assert shop.get_order(order["id"], token)["amountRefunded"] == 400


def test_a_webhook_makes_a_booking_paid_on_a_stock_clients_screen_without_a_reload(shop: Shop) -> None:
    """The whole way: a booking, a dashboard that looks on, a signed webhook, the dashboard again."""
    service = httpx.get(f"{shop.url}/api/services").raise_for_status().json()["items"][0]
    today = datetime.now(UTC).date()
    days = {"from": str(today + timedelta(days=1)), "to": str(today + timedelta(days=8))}
    slots = httpx.get(f"{shop.url}/api/services/{service['id']}/slots", params=days).raise_for_status().json()
    customer = {"authorization": f"Bearer {shop.token('customer', 'cus_7')}"}
    wanted = {
        "serviceId": service["id"],
        "startsAt": slots["items"][0]["startsAt"],
        "customerInfo": {"name": "Asha Rahman", "email": "asha@example.com", "mobile": "+8801700000000"},
        "paymentInfo": {"method": "card", "token": "tok_authorize_only"},
    }
    screens = [
        Listener(shop.url, auth={"token": shop.token()}),
        Listener(shop.url, auth={"token": shop.token("customer", "cus_7")}),
    ]
    try:
        for screen in screens:
            screen.wait_for_connection()
        made = httpx.post(f"{shop.url}/api/bookings", json=wanted, headers=customer)
        assert made.status_code == 201, made.text
        booking = made.json()
        for screen in screens:
            (told,) = screen.wait_for_event("new_booking")
            assert told["args"][0]["paymentStatus"] == "authorized"

        code, said = send(shop, "--booking", booking["id"])
        assert code == 0, said
        assert f"(booking {booking['number']})" in said

        for screen in screens:
            (updated,), (paid,) = screen.wait_for_event("booking_update"), screen.wait_for_event("payment_update")
            assert (updated["args"][0]["bookingId"], updated["args"][0]["paymentStatus"]) == (booking["id"], "paid")
            assert (paid["args"][0]["bookingId"], paid["args"][0]["amountPaid"]) == (booking["id"], booking["total"])
            assert "orderId" not in paid["args"][0]
    finally:
        for screen in screens:
            screen.stop()


def test_what_is_to_be_paid_in_cash_is_paid_by_a_payment_that_names_it(shop: Shop) -> None:
    order = shop.place()
    assert send(shop, "--order", order["id"])[0] == 0
    paid = shop.get_order(order["id"], shop.token())
    assert (paid["paymentStatus"], paid["paymentInfo"]) == ("paid", {"method": "card"})


def test_what_nobody_knows_is_taken_all_the_same(shop: Shop) -> None:
    assert send(shop, "--event", "invoice.blessed")[0] == 0
    assert send(shop, "--provider", "standard", "--payment", "sbx_none")[0] == 0
    assert kept(shop) | {"invoice.blessed": "ignored"} == kept(shop)


@pytest.fixture
def nobody() -> Iterator[str]:
    """Where nobody listens, and nobody else can."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def test_what_is_wrong_is_said_in_a_sentence_with_its_exit_code(shop: Shop, nobody: str) -> None:
    order = shop.place(paymentInfo={"method": "card", "token": "tok_visa"})["id"]
    stripe = {"STRIPE_SECRET_KEY": "sk_test", "STRIPE_WEBHOOK_SECRET": "whsec_x", "PAYMENTS": "stripe"}
    for arguments, environ, code, sentence in (
        (("--url", nobody), {}, 3, f"no server answers at {nobody}"),
        (("--url", "ftp://shop"), {}, 1, "begins with http:// or https://"),
        (("--url", "http://[::1"), {}, 1, "is no address"),
        (("--provider", "stripe"), {}, 2, "ORDERCAST_STRIPE_SECRET_KEY: must be set"),
        (("--provider", "stripe"), {**stripe, "STRIPE_WEBHOOK_SECRET": ""}, 2, "ORDERCAST_STRIPE_WEBHOOK_SECRET"),
        (("--provider", "http"), {}, 2, "ORDERCAST_PAYMENTS_HTTP_URL: must be set"),
        ((), {"PAYMENTS": "cash"}, 2, "ORDERCAST_SANDBOX_WEBHOOK_SECRET: must be set"),
        (("--provider", "stripe"), stripe, 1, "does not know the provider stripe"),
        ((), {"SANDBOX_WEBHOOK_SECRET": STANDARD}, 1, "does not believe it"),
        (("--order", "ord_none"), {}, 1, "there is no order ord_none"),
        (("--booking", order), {}, 1, f"there is no booking {order}"),
        (("--order", order, "--booking", "b"), {}, 1, "not both"),
        (("--order", order, "--provider", "stripe"), stripe, 1, "is paid by sandbox"),
        (("--currency", "DOLLARS"), {}, 1, "DOLLARS is no currency"),
    ):
        given: dict[str, str] = dict(environ)
        ended = send(shop, *arguments, **given)
        assert ended[0] == code, (arguments, ended)
        assert sentence in ended[1], (arguments, ended)
        assert "Traceback" not in ended[1]
