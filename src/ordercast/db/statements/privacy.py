"""Finding, showing and erasing what is known of one customer: made from the table of holdings."""

from __future__ import annotations

from typing import Final

from ordercast.commerce.transitions import TERMINAL
from ordercast.db.personal import HOLDINGS, Holding
from ordercast.db.schema.columns import names


def _show(table: str, holding: Holding) -> str:
    return f"SELECT {', '.join(holding.shown)} FROM {table} WHERE {holding.whose}"  # noqa: S608 - names of ours


def _erase(table: str, holding: Holding) -> str | None:
    which = f"WHERE {holding.whose} AND {holding.touched}"
    if holding.left is None:
        return f"DELETE FROM {table} {which}"  # noqa: S608 - names of ours
    if not holding.left:
        return None
    left = ", ".join(f"{column} = {value}" for column, value in holding.left.items())
    return f"UPDATE {table} SET {left} {which}"  # noqa: S608 - names of ours


# Every document with the customer's id in it, or with that of an order of theirs.
def _mentions(column: str) -> str:
    theirs = f"SELECT 1 FROM orders WHERE customer_id = :customer_id AND instr({column}, orders.id)"  # noqa: S608 - a name of ours
    return f"(instr({column}, :customer_id) OR EXISTS ({theirs}))"


SHOW: Final = {table: _show(table, holding) for table, holding in HOLDINGS.items()}
ERASE: Final = [text for table, holding in HOLDINGS.items() if (text := _erase(table, holding)) is not None]

OPEN_ORDERS: Final = (
    f"SELECT count(*) FROM orders WHERE customer_id = :customer_id AND status NOT IN ({names(TERMINAL)})"  # noqa: S608 - names of ours
)
IS_KNOWN: Final = (
    "SELECT EXISTS (SELECT 1 FROM customers WHERE id = :customer_id)"
    " OR EXISTS (SELECT 1 FROM orders WHERE customer_id = :customer_id)"
)
TRACKED: Final = "SELECT id FROM orders WHERE customer_id = :customer_id AND tracking_hash IS NOT NULL"
RECORD: Final = "INSERT INTO erasures (id, customer_id, actor, at) VALUES (:id, :customer_id, :actor, :at)"

# The indexed question first: an order's own rows are most of them.
FEED_SEQS: Final = f"""
SELECT seq FROM feed
WHERE seq > :after AND (
  entity_id IN (SELECT id FROM orders WHERE customer_id = :customer_id)
  OR {_mentions("after")} OR {_mentions("before")} OR instr(actor, :customer_id))
"""  # noqa: S608 - names of ours
FEED_ROW: Final = "SELECT kind, entity_id, actor, reason, before, after FROM feed WHERE seq = :seq"
REWRITE_FEED: Final = (
    "UPDATE feed SET actor = :actor, reason = :reason, before = :before, after = :after WHERE seq = :seq"
)
REMOVE_EVENT: Final = "DELETE FROM published_events WHERE id = :id"

ANSWERS: Final = f"""
SELECT scope, key FROM idempotency
WHERE created_at >= :since AND ({_mentions("answer")} OR instr(scope, :customer_id))
"""  # noqa: S608 - names of ours
ANSWER: Final = "SELECT answer FROM idempotency WHERE scope = :scope AND key = :key"
REMOVE_ANSWER: Final = "DELETE FROM idempotency WHERE scope = :scope AND key = :key"
REWRITE_ANSWER: Final = "UPDATE idempotency SET answer = :answer WHERE scope = :scope AND key = :key"

# A socket's identity is `customer:<id>`, or `guest:<order's id>`.
SESSIONS: Final = f"SELECT pid FROM sessions WHERE {_mentions('CAST(identity AS TEXT)')}"  # noqa: S608 - names of ours
