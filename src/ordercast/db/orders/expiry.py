"""Expires orders that the shop has not answered."""

from __future__ import annotations

from typing import Final

from ordercast.commerce.states import OrderStatus
from ordercast.commerce.timestamps import Timestamp
from ordercast.db.expiry import TIMER, Expiry
from ordercast.db.transaction import Transaction

from . import change_status, statements


def _expire(transaction: Transaction, order_id: str, now: Timestamp) -> None:
    reason = "The shop did not answer in time."
    change_status(transaction, order_id, OrderStatus.EXPIRED, TIMER, reason=reason, expected_version=None, now=now)


# What is wanted later is waited for until then.
# Counted from the last change: an order back from `on_hold` has its full time again.
ORDER_EXPIRY: Final = Expiry("order", statements.PENDING_SINCE, statements.PENDING_SINCE_FOR_UPDATE, _expire)
