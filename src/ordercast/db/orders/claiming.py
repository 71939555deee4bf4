"""Claims guests' orders for a customer who verified the address."""

from __future__ import annotations

from typing import Final

from ordercast.commerce.people import Actor
from ordercast.commerce.timestamps import Timestamp
from ordercast.db.accounts import Account
from ordercast.db.promotions import Promotions
from ordercast.db.transaction import Transaction

from . import statements

# Each writes history and feed, while other units wait.
AT_ONCE_MAX: Final = 50
REASON: Final = "The buyer confirmed the address that it was ordered with."


def claim(transaction: Transaction, account: Account, actor: Actor, now: Timestamp) -> list[str]:
    """Assign the next of the guests' orders with the account's address; return their ids, oldest first, none at the
    end.
    """
    found = transaction.all(statements.UNCLAIMED, email=account.email, limit=AT_ONCE_MAX)
    # Same lock order as placing, which counts the customer's uses of a code.
    Promotions(transaction).hold(code for _, code in found)
    return [
        order_id
        for order_id, _ in found
        if transaction.run(
            statements.CLAIM,
            order_id=order_id,
            new_customer_id=account.id,
            new_actor=str(actor),
            new_reason=REASON,
            new_updated_at=now,
        )
    ]
