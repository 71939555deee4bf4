from __future__ import annotations

import re
from typing import Any

import pytest

from ordercast.commerce import sentences
from ordercast.commerce.booking_states import BookingStatus
from ordercast.commerce.notifications import NotificationKind, recipients_for, render
from ordercast.commerce.people import GUEST, Actor, Role
from ordercast.commerce.states import Fulfilment, OrderStatus

DATA: dict[NotificationKind, dict[str, Any]] = {
    NotificationKind.ORDER_STATUS: {"number": 7, "status": "delivered", "fulfilment": "pickup"},
    NotificationKind.NEW_ORDERS: {"count": 7, "first": 7, "last": 13},
    NotificationKind.ORDERS_UNSEEN: {"count": 7, "first": 7, "last": 13},
    NotificationKind.BOOKINGS_UNSEEN: {"count": 7, "first": 7, "last": 13},
    NotificationKind.ORDER_CANCELLED: {"number": 7},
    NotificationKind.PAYMENT_TROUBLE: {"number": 7, "paymentStatus": "failed"},
    NotificationKind.DELIVERY_TROUBLE: {"number": 7, "attempts": 2},
    NotificationKind.WEBHOOK_FAILED: {"webhookId": "pwh_1", "provider": "stripe", "type": "x.y", "eventId": "evt_7"},
    NotificationKind.BOOKING_REMINDER: {
        "number": 7, "service": "Home care", "serviceBn": "সেবা", "when": "Monday", "whenBn": "সোমবার",
    },
    NotificationKind.BOOKING_STATUS: {"number": 7, "status": "confirmed"},
    NotificationKind.BOOKING_MOVED: {"number": 7},
    NotificationKind.BOOKING_CANCELLED: {"number": 7},
    NotificationKind.BOOKING_ASSIGNED: {"number": 7},
    NotificationKind.BOOKING_TAKEN_BACK: {"number": 7},
    NotificationKind.ASSIGNED: {"number": 7},
    NotificationKind.UNASSIGNED: {"number": 7},
    NotificationKind.WEBHOOK_DISABLED: {"place": "erp7.example.com", "reason": "failing"},
}  # fmt: skip
BENGALI = re.compile("[\u0980-\u09ff]")


@pytest.mark.parametrize("kind", NotificationKind)
def test_each_kind_is_said_in_both_languages_and_leads_to_a_page(kind: NotificationKind) -> None:
    said = render(kind, DATA[kind], "ord_1")
    for text in (said.text, said.text_bn):
        assert "7" in text
        assert "{" not in text
    assert not BENGALI.search(said.title + said.text)
    assert BENGALI.search(said.title_bn)
    assert BENGALI.search(said.text_bn)
    assert said.link.startswith("/")


def test_one_new_order_is_not_many() -> None:
    said = render(NotificationKind.NEW_ORDERS, {"count": 1, "first": 9, "last": 9}, None)
    assert said.text == "Order 9 waits for an answer."


@pytest.mark.parametrize("status", BookingStatus)
def test_each_status_of_a_booking_is_said_in_both_languages(status: BookingStatus) -> None:
    said = render(NotificationKind.BOOKING_STATUS, {"number": 7, "status": status}, None)
    assert "7" in said.text
    assert "7" in said.text_bn
    assert BENGALI.search(said.text_bn)


@pytest.mark.parametrize("fulfilment", Fulfilment)
@pytest.mark.parametrize("status", OrderStatus)
def test_each_status_has_a_sentence_in_both_languages(status: OrderStatus, fulfilment: Fulfilment) -> None:
    english, bengali = (sentences.for_customer(status, fulfilment, 7, language=language) for language in ("en", "bn"))
    assert BENGALI.search("".join(bengali))
    assert not BENGALI.search("".join(english))
    assert "7" in english[1]
    assert "7" in bengali[1]


def test_the_shops_people_share_what_the_shop_is_told() -> None:
    assert recipients_for(Actor(Role.STORE, "usr_1")) == ("store", "usr_1")
    assert recipients_for(Actor(Role.ADMIN, "usr_2")) == ("store", "usr_2")
    assert recipients_for(Actor(Role.CUSTOMER, "cus_1")) == ("cus_1",)
    assert recipients_for(Actor(Role.SERVICE, "backend")) == recipients_for(GUEST) == ()
