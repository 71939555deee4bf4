"""Money that moved, what providers are still to be asked, what they told us, and where their books differ from ours."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from sqlalchemy import CheckConstraint, Column, Index, Table
from sqlalchemy import text as sql

from ordercast.commerce.payment_books import MismatchKind

from .columns import EXTERNAL_ACTOR, Integer, Text, amount, json_text, metadata, moment, new_id, one_of, partial


class Movement(StrEnum):
    """What happened to a customer's money, other than a refund."""

    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    VOIDED = "voided"
    FAILED = "failed"


class TaskKind(StrEnum):
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    ABANDON = "abandon"
    """Give back what was taken for an order that was never placed."""
    FORGET_CARD = "forget_card"


class TaskState(StrEnum):
    DUE = "due"
    DONE = "done"
    REFUSED = "refused"
    """The provider will not, or it was asked for too long."""


class DisputeState(StrEnum):
    OPEN = "open"
    WON = "won"
    LOST = "lost"


TO_COMPARE_SQL: Final = f"kind = '{Movement.AUTHORIZED}' AND reference IS NOT NULL"

# --- The ledger: only ever added to -----------------------------------------------------------------------------------

payments = Table(
    "payments",
    metadata,
    Column("entry", Integer, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("provider", Text, nullable=False),
    # The provider's name for the payment; cash has none.
    Column("reference", Text),
    Column("kind", Text, nullable=False),
    amount("amount"),
    Column("currency", Text, nullable=False),
    moment("at"),
    one_of("kind", Movement),
    Index("payments_by_order", "order_id", "entry"),
    Index("payments_by_reference", "provider", "reference"),
    # What a provider holds, as the sweeper goes round it.
    partial("payments_to_compare", "at", "entry", where=TO_COMPARE_SQL),
)

refunds = Table(
    "refunds",
    metadata,
    Column("entry", Integer, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("provider", Text, nullable=False),
    # The provider's name for the refund: told twice, it counts once.
    Column("reference", Text, nullable=False),
    amount("amount"),
    Column("currency", Text, nullable=False),
    Column("reason", Text),
    moment("at"),
    Index("refunds_by_reference", "provider", "reference", unique=True),
    Index("refunds_by_order", "order_id"),
)

# --- What providers are to be asked -----------------------------------------------------------------------------------

payment_tasks = Table(
    "payment_tasks",
    metadata,
    Column("entry", Integer, primary_key=True),
    # The key under which the provider is asked: however often, it does it once.
    Column("id", Text, nullable=False, unique=True),
    # No foreign key: what was taken for an order that was never placed is given back too.
    Column("order_id", Text),
    Column("provider", Text, nullable=False),
    Column("reference", Text, nullable=False, server_default=""),
    Column("kind", Text, nullable=False),
    amount("amount"),
    Column("currency", Text, nullable=False, server_default=""),
    Column("reason", Text),
    Column("state", Text, nullable=False, server_default=TaskState.DUE),
    Column("attempts", Integer, nullable=False, server_default=sql("0")),
    Column("due_at", Text, nullable=False),
    Column("problem", Text),
    moment("created_at"),
    one_of("kind", TaskKind),
    one_of("state", TaskState),
    partial("payment_tasks_due", "due_at", where="state = 'due'"),
    Index("payment_tasks_by_order", "order_id", "entry"),
)

# --- What providers told ----------------------------------------------------------------------------------------------

payment_events = Table(
    "payment_events",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("order_id", Text),
    moment("received_at"),
    Index("payment_events_by_age", "received_at"),
    sqlite_with_rowid=False,
)

payment_disputes = Table(
    "payment_disputes",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("reference", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    moment("at"),
    one_of("state", DisputeState),
    Index("payment_disputes_by_order", "order_id"),
    sqlite_with_rowid=False,
)

payment_mismatches = Table(
    "payment_mismatches",
    metadata,
    Column("id", Text, primary_key=True, server_default=new_id("pmm")),
    Column("order_id", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("reference", Text),
    Column("kind", Text, nullable=False),
    json_text("ours"),
    json_text("theirs"),
    Column("sentence", Text, nullable=False),
    moment("created_at"),
    Column("resolved_at", Text),
    Column("resolved_by", Text),
    Column("note", Text),
    Column("actor", Text, nullable=False, server_default=EXTERNAL_ACTOR),
    one_of("kind", MismatchKind),
    CheckConstraint("(resolved_at IS NULL) = (resolved_by IS NULL)", name="resolved_by_somebody"),
    # One card for each thing that differs, however often it is looked at.
    partial("payment_mismatches_open", "order_id", "kind", unique=True, where="resolved_at IS NULL"),
    partial("payment_mismatches_to_see_to", "id", where="resolved_at IS NULL"),
)

# --- Cards that customers keep ----------------------------------------------------------------------------------------

payment_methods = Table(
    "payment_methods",
    metadata,
    Column("id", Text, primary_key=True, server_default=new_id("pm")),
    Column("customer_id", Text, nullable=False),
    Column("provider", Text, nullable=False),
    # The provider's names for the card and for its holder; no more of a card is ever stored.
    Column("reference", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("brand", Text),
    Column("last4", Text),
    moment("created_at"),
    Index("payment_methods_once", "customer_id", "provider", "reference", unique=True),
    Index("payment_methods_by_customer", "customer_id", "id"),
    sqlite_with_rowid=False,
)
