"""COMMIT: the decision and its feed rows, in one transaction.

Upstream: ``api`` submits units of work; ``feed`` reads what was committed. Downstream: ``commerce`` decides, the
database keeps.
Stays true: triggers alone fill the feed, so a change made by another program is heard like ours.
"""

from .sqlite import SqliteStore
from .transaction import Transaction
from .types import (
    Change,
    NotCommitted,
    OutcomeUnknown,
    Overloaded,
    SessionRow,
    Store,
    StoreClosed,
    StoreError,
    StoreUnavailable,
    Unstorable,
    Unusable,
)

__all__ = [
    "Change",
    "NotCommitted",
    "OutcomeUnknown",
    "Overloaded",
    "SessionRow",
    "SqliteStore",
    "Store",
    "StoreClosed",
    "StoreError",
    "StoreUnavailable",
    "Transaction",
    "Unstorable",
    "Unusable",
]
