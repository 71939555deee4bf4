"""Money that moved, what providers are still to be asked, what they told us, and where their books differ from ours."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from sqlalchemy import CheckConstraint, Index, Table

from ordercast.commerce.payment_flow import RefundState
from ordercast.commerce.reconciliation import MismatchKind
from ordercast.db.columns import (
    actor,
    amount,
    count,
    currency,
    entry,
    given_moment,
    identifier,
    json_value,
    line,
    metadata,
    moment,
    one_of,
    partial,
    reason,
    text,
    word,
)


class Movement(StrEnum):
    """What happened to a customer's money, other than a refund."""

    REQUESTED = "requested"
    """Nothing yet: the customer is to go to their bank first."""
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
    entry(),
    identifier("order_id"),
    word("provider"),
    # The provider's name for the payment; cash has none.
    line("reference", optional=True),
    word("kind"),
    amount("amount"),
    currency(),
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
    entry(),
    identifier("order_id"),
    word("provider"),
    # The provider's name for the refund: each state of it, told twice, counts once.
    line("reference"),
    word("state", default=RefundState.SUCCEEDED),
    amount("amount"),
    currency(),
    reason(),
    # Under which key we asked for it, if we did.
    line("task_id", optional=True),
    moment("at"),
    one_of("state", RefundState),
    Index("refunds_by_reference", "provider", "reference", "state", unique=True),
    Index("refunds_by_order", "order_id"),
)

# --- What providers are to be asked -----------------------------------------------------------------------------------

payment_tasks = Table(
    "payment_tasks",
    metadata,
    entry(),
    # The key under which the provider is asked: however often, it does it once.
    line("id", unique=True),
    # No foreign key: what was taken for an order that was never placed is given back too.
    identifier("order_id", optional=True),
    word("provider"),
    line("reference", default=""),
    word("kind"),
    amount("amount"),
    word("currency", default=""),
    reason(),
    word("state", default=TaskState.DUE),
    count("attempts"),
    given_moment("due_at"),
    text("problem", optional=True),
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
    word("provider", primary_key=True),
    line("event_id", primary_key=True),
    word("kind"),
    identifier("order_id", optional=True),
    moment("received_at"),
    Index("payment_events_by_age", "received_at"),
    sqlite_with_rowid=False,
)

payment_disputes = Table(
    "payment_disputes",
    metadata,
    word("provider", primary_key=True),
    line("reference", primary_key=True),
    identifier("order_id"),
    word("state"),
    moment("at"),
    one_of("state", DisputeState),
    Index("payment_disputes_by_order", "order_id"),
    sqlite_with_rowid=False,
)

payment_mismatches = Table(
    "payment_mismatches",
    metadata,
    identifier("id", prefix="pmm", primary_key=True),
    identifier("order_id"),
    word("provider"),
    line("reference", optional=True),
    word("kind"),
    json_value("ours"),
    json_value("theirs"),
    text("sentence"),
    moment("created_at"),
    given_moment("resolved_at", optional=True),
    line("resolved_by", optional=True),
    text("note", optional=True),
    actor(),
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
    identifier("id", prefix="pm", primary_key=True),
    identifier("customer_id"),
    word("provider"),
    # The provider's names for the card and for its holder; no more of a card is ever stored.
    line("reference"),
    line("owner"),
    line("brand", optional=True),
    word("last4", optional=True),
    moment("created_at"),
    Index("payment_methods_once", "customer_id", "provider", "reference", unique=True),
    Index("payment_methods_by_customer", "customer_id", "id"),
    sqlite_with_rowid=False,
)
