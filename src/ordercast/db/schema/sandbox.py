"""The sandbox provider's own books. Nothing of ours reads them but the sandbox; a shop with a real provider leaves them
empty.
"""

from __future__ import annotations

from sqlalchemy import Index, Table

from ordercast.db.columns import (
    amount,
    currency,
    flag,
    given_moment,
    identifier,
    json_array,
    line,
    metadata,
    told,
    word,
)

sandbox_payments = Table(
    "sandbox_payments",
    metadata,
    line("reference", primary_key=True),
    line("key", unique=True),
    # Which card of the sandbox it was: its public name, since a sandbox has no secrets.
    word("card"),
    currency(),
    amount("authorized"),
    amount("captured"),
    amount("refunded"),
    flag("held", False),
    flag("disputed", False),
    # Keys of what was asked for, so that it is done once.
    json_array("asked"),
    given_moment("created_at"),
    sqlite_with_rowid=False,
)

sandbox_notices = Table(
    "sandbox_notices",
    metadata,
    identifier("id", primary_key=True),
    told("body"),
    given_moment("due_at"),
    Index("sandbox_notices_due", "due_at"),
    sqlite_with_rowid=False,
)
