"""DB: the database: a decision and its feed rows in one transaction.

Upstream: ``api`` submits units of work; ``feed`` reads what was committed. Downstream: ``commerce`` decides, the
database stores. Stays true: only triggers fill the feed, so another program's changes are delivered like ours.
"""

from ordercast.db.sqlite.store import SqliteStore

from .damage import DamagedRow, DamagedRows
from .errors import (
    LockedElsewhere,
    NotCommitted,
    OutcomeUnknown,
    Overloaded,
    ReadLockedElsewhere,
    RuleBroken,
    StoreClosed,
    StoreError,
    StoreUnavailable,
    Unstorable,
    Unusable,
    is_database_error,
)
from .lenient_json import is_moment, read_json
from .transaction import Transaction
from .types import Change, ChangeKind, GapReason, Row, SessionRow, Store, UnitOfWork, rows_of_booking, rows_of_order

__all__ = [
    "Change",
    "ChangeKind",
    "DamagedRow",
    "DamagedRows",
    "GapReason",
    "LockedElsewhere",
    "NotCommitted",
    "OutcomeUnknown",
    "Overloaded",
    "ReadLockedElsewhere",
    "Row",
    "RuleBroken",
    "SessionRow",
    "SqliteStore",
    "Store",
    "StoreClosed",
    "StoreError",
    "StoreUnavailable",
    "Transaction",
    "UnitOfWork",
    "Unstorable",
    "Unusable",
    "is_database_error",
    "is_moment",
    "read_json",
    "rows_of_booking",
    "rows_of_order",
]
