from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ordercast.db import Change
from ordercast.feed import AUDIENCE
from ordercast.feed.audience import RoutedEvent, route

ORDER: dict[str, Any] = {
    "id": "ord_1",
    "number": 7,
    "status": "pending",
    "paymentStatus": "unpaid",
    "fulfilment": "delivery",
    "version": 1,
    "total": 24000,
    "currency": "BDT",
    "amountPaid": 0,
    "amountRefunded": 0,
    "amountRefunding": 0,
    "customerInfo": {"name": "Asha Rahman", "email": "asha@example.com", "mobile": "+8801700000000"},
    "customerId": "cus_1",
    "createdAt": "2026-01-01T00:00:00.000Z",
}


def change(kind: str, before: dict[str, Any] | None, after: dict[str, Any]) -> Change:
    raw = None if before is None else msgspec.Raw(msgspec.json.encode(before))
    return Change(
        9,
        kind,
        "ord_1",
        2,
        "store:usr_1",
        "why",
        "2026-01-01T00:01:00.000Z",
        raw,
        msgspec.Raw(msgspec.json.encode(after)),
    )


def told(kind: str, before: dict[str, Any] | None, after: dict[str, Any]) -> dict[str, RoutedEvent]:
    """What is told, by event: the shop's form of one that has two."""
    events: dict[str, RoutedEvent] = {}
    for routed in all_told(kind, before, after):
        events.setdefault(routed.name, routed)
    return events


def all_told(kind: str, before: dict[str, Any] | None, after: dict[str, Any]) -> list[RoutedEvent]:
    return list(route(change(kind, before, after), lambda index: f"e:9.{index}"))


def test_a_placed_order_is_told_to_the_store_and_to_its_customer() -> None:
    events = told("order.placed", None, ORDER)

    assert {name: event.rooms for name, event in events.items()} == {
        "new_order": ("store-owners",),
        "newOrder": ("store-owners",),
        "customer_order_update": ("customer_cus_1", "order_ord_1"),
    }


def test_a_guests_order_that_becomes_a_customers_is_told_to_them_as_it_stands() -> None:
    events = told("order.changed", {**ORDER, "customerId": "cus_guest"}, {**ORDER, "status": "pending"})

    assert events["order_update"].rooms == ("store-owners", "watch_order_ord_1")
    assert events["customer_order_update"].rooms == ("customer_cus_1", "order_ord_1")
    assert events["customer_order_update"].args[0]["title"] == "Order received"


def test_new_order_says_exactly_what_the_admin_pages_of_web_shops_read() -> None:
    (payload,) = told("order.placed", None, {**ORDER, "paymentStatus": "paid"})["new_order"].args

    assert payload == {
        "type": "new_order",
        "order": {
            "id": "ord_1",
            "status": "paid",
            "total": 24000,
            "customerName": "Asha Rahman",
            "createdAt": "2026-01-01T00:00:00.000Z",
            "mobile": "+8801700000000",
            "customer_email": "asha@example.com",
        },
    }


def test_a_status_change_names_both_states_the_version_the_actor_and_the_event() -> None:
    events = told("order.status_changed", ORDER, {**ORDER, "status": "processing", "version": 2})

    assert events["orderStatusUpdated"].rooms == ("store-owners", "watch_order_ord_1")
    assert events["orderStatusUpdated"].args == [
        {
            "id": "e:9.0",
            "seq": 9,
            "orderId": "ord_1",
            "number": 7,
            "version": 2,
            "at": "2026-01-01T00:01:00.000Z",
            "oldStatus": "pending",
            "newStatus": "processing",
            "paymentStatus": "unpaid",
            "promisedAt": None,
            "actor": "store:usr_1",
            "reason": "why",
        }
    ]


def test_another_promised_time_is_told_whole_to_the_shop_and_in_a_sentence_to_the_buyer() -> None:
    later = {**ORDER, "status": "processing", "promisedAt": "2026-01-01T00:40:00.000Z"}
    events = told("order.changed", {**later, "promisedAt": "2026-01-01T00:20:00.000Z"}, later)

    assert events.keys() == {"order_update", "customer_order_update"}
    assert events["order_update"].args[0]["promisedAt"] == "2026-01-01T00:40:00.000Z"
    (payload,) = events["customer_order_update"].args
    assert (payload["title"], payload["promisedAt"]) == ("Another time", "2026-01-01T00:40:00.000Z")


def test_a_buyer_hears_of_a_status_change_neither_who_of_the_staff_made_it_nor_why() -> None:
    after = {**ORDER, "status": "processing", "version": 2}
    shop, buyer = (a for a in all_told("order.status_changed", ORDER, after) if a.name == "orderStatusUpdated")

    assert buyer.rooms == ("customer_cus_1",)
    assert buyer.args == [{**shop.args[0], "id": "e:9.1", "actor": "store", "reason": None}]


def test_a_customer_is_told_a_sentence_and_neither_actor_nor_reason() -> None:
    after = {**ORDER, "status": "delivered", "fulfilment": "pickup", "version": 2}
    (payload,) = told("order.status_changed", ORDER, after)["customer_order_update"].args

    assert payload["title"] == "Collected"
    assert "7" in payload["text"]
    assert "actor" not in payload
    assert "reason" not in payload


def test_one_change_of_both_states_tells_both() -> None:
    after = {**ORDER, "status": "cancelled", "paymentStatus": "refunded"}
    events = told("order.status_changed", {**ORDER, "paymentStatus": "paid"}, after)

    assert list(events) == ["orderStatusUpdated", "payment_update", "customer_order_update"]


def test_an_edit_is_told_to_the_shop_alone() -> None:
    events = told("order.changed", ORDER, {**ORDER, "customerInfo": {**ORDER["customerInfo"], "name": "Asha R."}})

    assert {name: event.rooms for name, event in events.items()} == {
        "order_update": ("store-owners", "watch_order_ord_1")
    }


def test_an_order_of_nobody_known_is_told_to_no_customer_room() -> None:
    events = told(
        "order.status_changed", {**ORDER, "customerId": None}, {**ORDER, "customerId": None, "status": "rejected"}
    )

    assert events["orderStatusUpdated"].rooms == ("store-owners", "watch_order_ord_1")
    assert events["customer_order_update"].rooms == ("order_ord_1",)


def test_a_published_event_goes_where_its_publisher_said() -> None:
    events = told(
        "event.published", None, {"event": "new_booking", "rooms": ["user_1"], "args": [{"bookingId": "b"}, 2]}
    )

    assert events == {"new_booking": RoutedEvent("new_booking", ("user_1",), [{"bookingId": "b"}, 2])}


def test_a_row_of_a_kind_that_nobody_knows_tells_nothing() -> None:
    assert told("weather.changed", None, {}) == {}


def test_each_event_of_the_table_has_one_line_for_each_who_hears_it() -> None:
    heard = [(rule.event, room) for rule in AUDIENCE for room in rule.rooms]

    assert len(heard) == len(set(heard))


def test_an_order_taken_in_from_another_system_is_no_new_order() -> None:
    events = told("order.imported", None, {**ORDER, "status": "delivered"})

    assert {name: event.rooms for name, event in events.items()} == {
        "order_update": ("store-owners", "watch_order_ord_1")
    }


def test_an_edit_of_the_catalogue_is_told_to_the_store() -> None:
    events = told("product.changed", {"id": "prd_1", "stock": 4, "price": 5}, {"id": "prd_1", "stock": 4, "price": 6})

    (payload,) = events["product_update"].args
    assert events["product_update"].rooms == ("store-owners",)
    assert (payload["seq"], payload["actor"], payload["reason"]) == (9, "store:usr_1", "why")
    assert (payload["before"]["price"], payload["product"]["price"]) == (5, 6)


@pytest.mark.parametrize(
    ("product", "availability"),
    [
        ({"stock": 11, "active": True}, "in_stock"),
        ({"stock": 10, "active": True}, "few_left"),
        ({"stock": 0, "active": True}, "sold_out"),
        ({"stock": 5, "active": True, "soldOutUntil": "2099-01-01T00:00:00.000Z"}, "sold_out"),
        ({"stock": 50, "active": True, "soldOutUntil": "2020-01-01T00:00:00.000Z"}, "in_stock"),
        ({"stock": 5, "active": False}, "withdrawn"),
    ],
    ids=["many", "few", "none", "none today", "again", "withdrawn"],
)
def test_who_is_in_the_shop_is_told_in_words_what_can_be_had(product: dict[str, Any], availability: str) -> None:
    told_to_them = told("product.changed", {"stock": 3, "active": True}, product)["availability_update"]

    assert told_to_them.rooms == ("shoppers",)
    (payload,) = told_to_them.args
    assert (payload["availability"], payload["soldOutUntil"]) == (availability, product.get("soldOutUntil"))
    assert not {"stock", "actor", "reason", "product", "before"} & payload.keys()


def test_of_a_product_that_was_not_for_sale_the_shop_hears_alone() -> None:
    assert list(told("product.added", None, {"stock": 3, "active": False})) == ["product_update"]
    assert list(told("product.changed", {"active": False}, {"stock": 3, "active": False})) == ["product_update"]


def test_who_paused_the_shop_its_buyers_do_not_learn() -> None:
    paused = {"hours": None, "paused": True, "pausedUntil": None, "pauseReason": "Too many orders"}
    events = told("shop.opening_changed", None, paused)

    assert events["shop_update"].rooms == ("store-owners",)
    assert events["opening_update"].rooms == ("shoppers",)
    assert events["opening_update"].args[0].keys() == events["shop_update"].args[0].keys() - {"actor"}


def test_a_refund_on_its_way_is_told_to_the_shop_and_to_the_customer_as_sums() -> None:
    paid = {**ORDER, "paymentStatus": "paid", "amountPaid": 24000}
    events = told("order.payment_changed", paid, {**paid, "amountRefunding": 500})

    assert list(events) == ["payment_update"]
    (payload,) = events["payment_update"].args
    assert (payload["newPaymentStatus"], payload["amountPaid"], payload["amountRefunding"]) == ("paid", 24000, 500)


def test_a_refund_that_was_made_is_told_to_the_buyer_in_a_sentence_about_money() -> None:
    before = {**ORDER, "status": "delivered", "paymentStatus": "partially_refunded", "amountPaid": 24000}
    events = told("order.payment_changed", {**before, "amountRefunded": 1}, {**before, "amountRefunded": 2})

    assert list(events) == ["payment_update", "customer_order_update"]
    assert events["customer_order_update"].args[0]["title"] == "Partly refunded"


def test_a_refund_that_came_back_is_told_as_that_and_not_as_a_payment() -> None:
    before = {**ORDER, "status": "delivered", "paymentStatus": "refunded", "amountPaid": 24000, "amountRefunded": 24000}
    events = told("order.payment_changed", before, {**before, "paymentStatus": "paid", "amountRefunded": 0})

    assert events["payment_update"].args[0]["newPaymentStatus"] == "paid"
    assert events["customer_order_update"].args[0]["title"] == "Refund came back"


def test_a_payment_mismatch_is_told_to_the_shop_alone() -> None:
    card = {"id": "pmm_1", "orderId": "ord_1", "kind": "captured", "ours": 2, "theirs": 1, "text": "We have ..."}
    events = told("payment.mismatch", None, card)

    assert events["payment_mismatch"].rooms == ("store-owners",)
    (payload,) = events["payment_mismatch"].args
    assert (payload["mismatchId"], payload["id"], payload["theirs"]) == ("pmm_1", "e:9.0", 1)


def test_a_source_that_has_lost_history_is_told_to_the_store_alone() -> None:
    (resync,) = all_told("feed.resync", None, {"reason": "source_history_lost"})
    assert (resync.name, resync.rooms) == ("resync", ("store-owners",))
    assert resync.args == [{"reason": "source_history_lost"}]
