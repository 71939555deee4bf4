"""Answers kept with the effect they tell of, in one transaction, so that a repeated request does nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from ordercast.commerce.errors import ShopError
from ordercast.commerce.moments import Moment

from .transaction import Transaction
from .types import Conflict

KEY_MAX: Final = 255


class KeyReused(ShopError):
    """The key came before with another request."""

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used before with a different request.")


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A request that may be repeated: who asked (`scope`), their key, and a digest of what was asked."""

    scope: str
    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    answer: bytes
    replayed: bool


def once(
    transaction: Transaction, request: RequestKey | None, now: Moment, effect: Callable[[Transaction], bytes]
) -> Outcome:
    """Run `effect` and keep its answer, or give the answer it had before. Raises KeyReused, and what `effect` does;
    a refusal is not kept, so the same key may be tried again.
    """
    if request is None:
        return Outcome(effect(transaction), replayed=False)
    if (earlier := earlier_outcome(transaction, request)) is not None:
        return earlier
    outcome = Outcome(effect(transaction), replayed=False)
    keep_outcomes(transaction, [(request, outcome, now)])
    return outcome


def keep_outcomes(transaction: Transaction, new: Collection[tuple[RequestKey, Outcome, Moment]]) -> None:
    """Keep answers that requests had for the first time. Raises Conflict where another node has just answered one."""
    if not new:
        return
    kept = transaction.many(
        transaction.sql.answers.keep,
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
        raise Conflict


def earlier_outcome(transaction: Transaction, request: RequestKey) -> Outcome | None:
    """The answer that the request had before. Raises KeyReused."""
    row = transaction.one(transaction.sql.answers.earlier, scope=request.scope, key=request.key)
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
