"""Places orders in batches: decided in memory, then written with one statement per table.

Refusals are found before anything is written, so they cost the batch's other orders nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any, Final

import msgspec

from ordercast.commerce.errors import ShopError
from ordercast.commerce.ids import CustomerId, OrderId
from ordercast.commerce.letters import Language
from ordercast.commerce.opening import check_open
from ordercast.commerce.orders import PlaceOrder
from ordercast.commerce.payments import PaymentTaken
from ordercast.commerce.people import Actor
from ordercast.commerce.placing import OrderPlaced, check_sold_out, place_order, take_stock, wanted_at
from ordercast.commerce.promotions import as_code
from ordercast.commerce.states import PaymentStatus
from ordercast.commerce.timestamps import Timestamp
from ordercast.commerce.unpaid_limits import UNBOUNDED, UnpaidHoldings, UnpaidLimits
from ordercast.db import feed, ledger, mails, opening, products, promotions
from ordercast.db.errors import FeedRowMissing
from ordercast.db.idempotency import Outcome, RequestKey, earlier_outcome, keep_outcomes
from ordercast.db.products import product_of
from ordercast.db.promotions import Promotions
from ordercast.db.transaction import Transaction
from ordercast.db.types import Batchable, Row

from . import statements

_PRODUCT: Final = "products"
_PROMOTION: Final = "promotions"
_ENCODE: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class NewOrder:
    """A request, with the server's part."""

    command: PlaceOrder
    order_id: OrderId
    customer_id: CustomerId
    """The signed-in customer's id; a new one for a guest, as a typed address proves nothing."""
    tracking_hash: bytes | None
    actor: Actor
    payment: PaymentTaken
    now: Timestamp
    placed_from: str | None = None
    """The hashed address of a guest who pays later, for the limits."""
    waiting: UnpaidLimits = UNBOUNDED
    zone: tzinfo = UTC
    """The shop's time zone, for its hours."""
    confirmed_in: Language | None = None
    """The language of the confirmation mail; None if mail is off."""


@dataclass(frozen=True, slots=True)
class Placing(Batchable[Outcome]):
    """Places one order, once per `key`, and returns it as JSON.

    Raises as ``commerce.placing``, KeyReused, and ProviderUnavailable for a payment that took too long.
    """

    new: NewOrder
    key: RequestKey | None = None

    def __call__(self, transaction: Transaction) -> Outcome:
        (outcome,) = _place_all(transaction, [self])
        if isinstance(outcome, ShopError):
            raise outcome
        return outcome

    @staticmethod
    def run_batch(transaction: Transaction, units: Sequence[Placing]) -> Sequence[Outcome | ShopError]:
        return _place_all(transaction, units)

    @property
    def rows(self) -> frozenset[Row]:
        """The products and the promotion that it locks."""
        rows = {(_PRODUCT, item.product_id) for item in self.new.command.cart_items}
        if self.new.command.promo_code is not None:
            rows.add((_PROMOTION, as_code(self.new.command.promo_code)))
        return frozenset(rows)

    @staticmethod
    def find_held(transaction: Transaction, units: Sequence[Placing]) -> frozenset[Row]:
        ids = {table: _array(names) for table, names in _by_table(row for unit in units for row in unit.rows).items()}
        held = set()
        for table, of, every, free in (
            (_PRODUCT, "ids", products.BY_IDS, products.UNLOCKED),
            (_PROMOTION, "codes", promotions.BY_CODES, promotions.UNLOCKED),
        ):
            if table in ids:
                values = {of: ids[table]}
                known = {row[0] for row in transaction.all(every, **values)}
                held |= {(table, name) for name in known - {row[0] for row in transaction.all(free, **values)}}
        return frozenset(held)

    @staticmethod
    def hold(transaction: Transaction, rows: frozenset[Row]) -> None:
        names = _by_table(rows)
        if ids := names.get(_PRODUCT):
            transaction.all(products.BY_IDS_FOR_UPDATE, ids=_array(ids))
        Promotions(transaction).hold(names.get(_PROMOTION, ()))


def _by_table(rows: Iterable[Row]) -> dict[str, set[str]]:
    names: dict[str, set[str]] = {}
    for table, name in rows:
        names.setdefault(table, set()).add(name)
    return names


class _SameKeyTwiceError(Exception):
    """Two requests with one key in a batch: the later one's response is not written yet."""


def _place_all(transaction: Transaction, placings: Sequence[Placing]) -> list[Outcome | ShopError]:
    keys = [placing.key for placing in placings if placing.key is not None]
    if len({(key.scope, key.key) for key in keys}) < len(keys):
        raise _SameKeyTwiceError
    counter = OrderBatch(transaction, [placing.new for placing in placings])
    decided = [_decide(transaction, counter, placing) for placing in placings]
    placed = [outcome for outcome in decided if isinstance(outcome, _Placed)]
    documents = _write(transaction, placed) if placed else {}
    outcomes = [
        Outcome(documents[outcome.order.id], replayed=False) if isinstance(outcome, _Placed) else outcome
        for outcome in decided
    ]
    keep_outcomes(
        transaction,
        [
            (placing.key, outcome, placing.new.now)
            for placing, outcome in zip(placings, outcomes, strict=True)
            if placing.key is not None and isinstance(outcome, Outcome) and not outcome.replayed
        ],
    )
    return outcomes


# --- Deciding ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Placed:
    new: NewOrder
    order: OrderPlaced


class OrderBatch:
    """The state for the next order of the batch: products, stock, promotions, callers' unpaid orders."""

    def __init__(self, transaction: Transaction, new: Sequence[NewOrder]) -> None:
        ids = {item.product_id for each in new for item in each.command.cart_items}
        rows = transaction.all(products.BY_IDS_FOR_UPDATE, ids=_array(ids))
        # A damaged product is not for sale, and fails no other order.
        self._products = {product.id: product for product in transaction.readable(rows, product_of, products.TABLE)}
        self._stock = {product.id: product.stock for product in self._products.values()}
        self._shop, self._opening = opening.rules_and_opening(transaction)
        self._promotions = Promotions(transaction)
        self._promotions.hold(each.command.promo_code for each in new)
        callers = {each.placed_from for each in new} - {None}
        self._waiting = _waiting(transaction, callers) if callers else {}

    def place(self, new: NewOrder) -> _Placed:
        """Decide one order; an error changes nothing."""
        check_open(self._opening, new.actor, new.now, new.zone, wanted_at(new.command))
        order = place_order(
            new.command,
            self._products,
            self._shop,
            new.payment,
            order_id=new.order_id,
            customer_id=new.customer_id,
            actor=new.actor,
            now=new.now,
            offer=self._promotions.offer(new.command.promo_code, new.customer_id, new.now),
        )
        check_sold_out(order.priced.lines, self._products, new.now)
        waiting = self._with(new, order)
        take_stock(self._stock, order.priced.lines)
        if new.placed_from is not None:
            self._waiting[new.placed_from] = waiting
        if order.priced.promo_code is not None:
            self._promotions.use(order.priced.promo_code, new.customer_id)
        return _Placed(new, order)

    def _with(self, new: NewOrder, order: OrderPlaced) -> UnpaidHoldings:
        """The caller's unpaid orders including this one. Raises TooManyWaiting."""
        before = (
            UnpaidHoldings(0, 0)
            if new.placed_from is None
            else self._waiting.get(new.placed_from, UnpaidHoldings(0, 0))
        )
        waiting = UnpaidHoldings(before.orders + 1, before.pieces + sum(line.quantity for line in order.priced.lines))
        new.waiting.check(waiting)
        return waiting


def _waiting(transaction: Transaction, callers: Iterable[str | None]) -> dict[str, UnpaidHoldings]:
    rows = transaction.all(statements.WAITING_OF_CALLERS, callers=_array(callers))
    return {caller: UnpaidHoldings(count, int(pieces)) for caller, count, pieces in rows}


def _decide(transaction: Transaction, counter: OrderBatch, placing: Placing) -> _Placed | Outcome | ShopError:
    try:
        if placing.key is not None and (earlier := earlier_outcome(transaction, placing.key)) is not None:
            return earlier
        ledger.check_promise(transaction, placing.new.payment)
        return counter.place(placing.new)
    except ShopError as refusal:
        return refusal


def _array(values: Iterable[str | None]) -> str:
    return _ENCODE(list(values)).decode()


# --- Writing ----------------------------------------------------------------------------------------------------------


class _Numbered(msgspec.Struct):
    number: int


_NUMBER_OF: Final = msgspec.json.Decoder(_Numbered)


def _write(transaction: Transaction, placed: Sequence[_Placed]) -> dict[str, bytes]:
    """Write the orders; return their documents by id, from the feed rows."""
    sold: Counter[str] = Counter()
    for each in placed:
        for line in each.order.priced.lines:
            sold[line.product_id] += line.quantity
    transaction.run(products.RESERVE, rows=_ENCODE(sorted(sold.items())).decode())
    mark = transaction.one(feed.MARK)
    assert mark is not None
    transaction.many(statements.INSERT, [_order_row(each) for each in placed])
    documents = {id_: text.encode() for id_, text in transaction.all(feed.PLACED_AFTER, mark=mark[0])}
    for each in placed:
        if each.order.id not in documents:
            raise FeedRowMissing(each.order.id)
    lines = [
        row for each in placed for row in _line_rows(each.order, _NUMBER_OF.decode(documents[each.order.id]).number)
    ]
    transaction.run(statements.INSERT_LINES, rows=_ENCODE(lines).decode())
    for each in placed:
        ledger.begin(transaction, each.order)
    mails.owe_confirmations(
        transaction,
        [(each.order.id, each.new.confirmed_in, each.new.now) for each in placed if each.new.confirmed_in is not None],
    )
    return documents


def _order_row(placed: _Placed) -> dict[str, Any]:
    order = placed.order
    command, priced, info = order.command, order.priced, order.command.customer_info
    return {
        "id": order.id,
        "payment_status": order.payment.status,
        "fulfilment": command.fulfilment,
        "subtotal": priced.subtotal,
        "tax": priced.tax,
        "shipping_fee": priced.shipping_fee,
        "discount": priced.discount,
        "total": priced.total,
        "captured": priced.total if order.payment.status is PaymentStatus.PAID else 0,
        "currency": priced.currency,
        "prices_include_tax": int(priced.prices_include_tax),
        "promo_code": priced.promo_code,
        "customer_id": order.customer_id,
        "customer_name": info.name,
        "customer_email": info.email,
        "customer_mobile": info.mobile,
        "billing_info": None if command.billing_info is None else _ENCODE(command.billing_info).decode(),
        "shipping_info": None if command.shipping_info is None else _ENCODE(command.shipping_info).decode(),
        "cart_items": _ENCODE(priced.lines).decode(),
        "payment_info": _ENCODE(order.payment.info).decode(),
        "tracking_hash": placed.new.tracking_hash,
        "placed_from": placed.new.placed_from,
        "requested_time": wanted_at(command),
        "actor": str(order.actor),
        "created_at": order.at,
        "updated_at": order.at,
    }


def _line_rows(order: OrderPlaced, number: int) -> list[tuple[Any, ...]]:
    reserved = 1
    return [
        (number, position, line.product_id, line.quantity, line.unit_price, line.line_total, line.tax, reserved)
        for position, line in enumerate(order.priced.lines)
    ]
