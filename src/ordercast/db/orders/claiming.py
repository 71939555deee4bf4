"""Orders of guests that become a customer's, who has shown that the address is theirs."""

from __future__ import annotations

from typing import Final

from ordercast.commerce.people import Actor
from ordercast.commerce.timestamps import Timestamp
from ordercast.db.accounts import Account
from ordercast.db.promotions import Promotions
from ordercast.db.transaction import Transaction

from . import statements

# Each writes its history and tells the feed, while others wait.
AT_ONCE_MAX: Final = 50
REASON: Final = "The buyer confirmed the address that it was ordered with."


def claim(transaction: Transaction, account: Account, actor: Actor, now: Timestamp) -> list[str]:
    """Give the customer the next of the orders that guests placed with the address: gives their ids, the oldest first,
    none where there are no more.
    """
    found = transaction.all(statements.UNCLAIMED, email=account.email, limit=AT_ONCE_MAX)
    # The same locks in the same order as placing has: whoever places one with a code counts those that are theirs.
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
