"""Idempotency keys: responses stored with their effect in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from ordercast.commerce.errors import ShopError
from ordercast.commerce.timestamps import Timestamp

from . import domains
from .columns import document, index, line, moment, of, table
from .errors import WriteConflict
from .noun import Copies, Noun
from .statement import BulkStatement, Statement, statements_in
from .transaction import Transaction

KEY_MAX: Final = 255

idempotency = table(
    "idempotency",
    line("scope", primary_key=True),
    line("key", primary_key=True),
    of(domains.DIGEST, "fingerprint"),
    document("answer"),
    moment("created_at"),
    index("idempotency_by_age", "created_at"),
    rowid=False,
    may_be_emptied=True,
)

# --- Statements -------------------------------------------------------------------------------------------------------

EARLIER: Final = Statement("SELECT fingerprint, answer FROM idempotency WHERE scope = :scope AND key = :key")
KEEP: Final = BulkStatement("""
    INSERT INTO idempotency @bulk_values(
      scope ordercast_line, key ordercast_line, fingerprint ordercast_digest, answer ordercast_told,
      created_at ordercast_moment)
    ON CONFLICT DO NOTHING
""")
FORGET_OLD: Final = Statement("""
    DELETE FROM idempotency WHERE (scope, key) IN (
      SELECT scope, key FROM idempotency
      WHERE created_at < :before LIMIT :limit @postgresql(FOR UPDATE SKIP LOCKED))
""")
ANSWER_FOR_UPDATE: Final = Statement(
    "SELECT answer FROM idempotency WHERE scope = :of_scope AND key = :of_key @for_update"
)
REMOVE: Final = Statement("DELETE FROM idempotency WHERE scope = :of_scope AND key = :of_key")
REWRITE: Final = Statement("UPDATE idempotency SET answer = :new_answer WHERE scope = :of_scope AND key = :of_key")

NOUN: Final = Noun(
    name="idempotency",
    tables=(idempotency,),
    statements=statements_in(globals()),
    personal={
        "idempotency": Copies("answers to their requests: removed; to those of others about their orders: rewritten")
    },
)

# --- Units of work ----------------------------------------------------------------------------------------------------


class KeyReused(ShopError):
    """The key was used with another request."""

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key, or clientId, was used before with a different request; take a new one.")


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A repeatable request: the client (`scope`), its key, and a digest of the request."""

    scope: str
    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    answer: bytes
    replayed: bool


def once(
    transaction: Transaction, request: RequestKey | None, now: Timestamp, effect: Callable[[Transaction], bytes]
) -> Outcome:
    """Run `effect` and store its response, or return the stored one. Raises KeyReused, and the errors of `effect`;
    errors are not stored, so the key may be retried.
    """
    if request is None:
        return Outcome(effect(transaction), replayed=False)
    if (earlier := earlier_outcome(transaction, request)) is not None:
        return earlier
    outcome = Outcome(effect(transaction), replayed=False)
    keep_outcomes(transaction, [(request, outcome, now)])
    return outcome


def keep_outcomes(transaction: Transaction, new: Collection[tuple[RequestKey, Outcome, Timestamp]]) -> None:
    """Store first responses. Raises WriteConflict if another node just stored one."""
    if not new:
        return
    kept = transaction.many(
        KEEP,
        [
            {
                "scope": request.scope,
                "key": request.key,
                "fingerprint": request.fingerprint,
                "answer": outcome.answer.decode(),
                "created_at": now,
            }
            for request, outcome, now in new
        ],
    )
    if kept != len(new):
        raise WriteConflict


def earlier_outcome(transaction: Transaction, request: RequestKey) -> Outcome | None:
    """The stored response. Raises KeyReused."""
    row = transaction.one(EARLIER, scope=request.scope, key=request.key)
    if row is None:
        return None
    fingerprint, answer = row
    if fingerprint != request.fingerprint:
        raise KeyReused
    key = f"{request.scope} {request.key}"
    return Outcome(transaction.decoded((answer,), _answer, "idempotency", key), replayed=True)


def _answer(row: tuple[Any, ...]) -> bytes:
    answer: bytes = row[0].encode()
    msgspec.json.decode(answer, type=dict[str, msgspec.Raw])
    return answer
