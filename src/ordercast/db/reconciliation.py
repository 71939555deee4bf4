"""Units of work of the reconciler: payments to compare, and the result of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec

from ordercast.commerce.reconciliation import COMPARED, Discrepancy, MismatchKind
from ordercast.commerce.states import PaymentState, PaymentStatus
from ordercast.commerce.timestamps import Timestamp

from . import ledger, mismatches, payables
from .payables import PAYMENTS
from .transaction import Transaction

_AGREED: Final = "The books agree again."


@dataclass(frozen=True, slots=True)
class ComparedPayment:
    """Our record of a payment without open tasks."""

    place: tuple[Timestamp, int]
    """Its time and entry in the ledger."""
    payable_id: str
    provider: str
    reference: str
    version: int
    payment: PaymentState
    currency: str
    open_mismatches: dict[MismatchKind, str]
    """The order's open mismatches: ids by kind."""


def to_compare(transaction: Transaction, after: tuple[Timestamp, int], limit: int) -> list[ComparedPayment]:
    """The next payments after a time and entry of the ledger."""
    at, entry = after
    record_discrepancies: list[ComparedPayment] = []
    while True:
        wanted = limit - len(record_discrepancies)
        rows = transaction.all(ledger.TO_COMPARE, after_at=at, after_entry=entry, limit=wanted)
        record_discrepancies += transaction.readable(
            rows, lambda row: _compared_payment(row, mismatches.open_of(transaction, row[2])), "payments"
        )
        if len(rows) < wanted or len(record_discrepancies) == limit or rows[-1][:2] == (at, entry):
            return record_discrepancies
        at, entry = rows[-1][:2]


def _compared_payment(row: tuple[Any, ...], open_mismatches: dict[MismatchKind, str]) -> ComparedPayment:
    at, entry, payable_id, provider, reference, version, status, *sums = msgspec.convert(row, _Row)
    total, captured, refunded, refunding, currency = sums
    payment = PaymentState(status, total, captured, refunded, refunding)
    return ComparedPayment(
        (cast(Timestamp, at), entry), payable_id, provider, reference, version, payment, currency, open_mismatches
    )


_Row = tuple[str, int, str, str, str, int, PaymentStatus, int, int, int, int, str]


def record_discrepancies(
    transaction: Transaction, compared: ComparedPayment, discrepancies: Sequence[Discrepancy], now: Timestamp
) -> int:
    """Raise a mismatch for each discrepancy, and resolve those that are gone; return how many are new.

    A payment that changed since it was read is left for the next round.
    """
    if (
        payables.find(transaction, compared.payable_id) is None
        or payables.load(transaction, compared.payable_id).version != compared.version
    ):
        return 0
    differing = {discrepancy.kind for discrepancy in discrepancies}
    for kind, mismatch_id in compared.open_mismatches.items():
        if kind in COMPARED and kind not in differing:
            mismatches.resolve(transaction, mismatch_id, PAYMENTS, _AGREED, now)
    return sum(
        mismatches.raise_discrepancy(
            transaction,
            compared.payable_id,
            discrepancy.kind,
            discrepancy.sentence,
            provider=compared.provider,
            reference=compared.reference,
            actor=PAYMENTS,
            now=now,
            ours=discrepancy.ours,
            theirs=discrepancy.theirs,
        )
        for discrepancy in discrepancies
    )
