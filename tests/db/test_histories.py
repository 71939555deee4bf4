"""Whatever anybody tries, in whatever order: the shop in the database is the shop that the rules alone make in memory.

The model is nothing but the decisions of `commerce`, folded over plain values. Each command goes to both; both must
take it, or both refuse it with the same sentence; and after each the two must stand alike.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, precondition, rule

from ordercast.commerce.catalogue import DEMO_CATALOGUE
from ordercast.commerce.deliveries import check_handover
from ordercast.commerce.errors import ShopError
from ordercast.commerce.people import GUEST, Actor, Role
from ordercast.commerce.placing import place_order, take_stock
from ordercast.commerce.promotions import Offer, Promotion, PromotionKind
from ordercast.commerce.shop import DEMO_SHOP
from ordercast.commerce.states import OrderState, OrderStatus, PaymentStatus
from ordercast.commerce.status_flow import StatusChanged, decide_status_change
from ordercast.commerce.transitions import MOVES, RESTOCKING
from ordercast.db import SqliteStore, Transaction, products, promotions
from ordercast.db.idempotency import RequestKey
from ordercast.db.orders import NO_HANDOVER, change_status, may_know
from ordercast.db.orders.placing import NewOrder, Placing
from tests.chance import examples
from tests.commerce.orders import PRODUCTS

from .shop import STORE, ask, new_order, now

SCARCE = {"samosa": 7, "jilapi": 2, "dal-fry": 50}
SLUGS = sorted(SCARCE)
CATALOGUE = [msgspec.structs.replace(p, stock=SCARCE[p.slug]) for p in DEMO_CATALOGUE if p.slug in SCARCE]
OPENED = now()
TWICE = Promotion(
    code="TWICE",
    kind=PromotionKind.PERCENT,
    value=1_250,
    currency="BDT",
    min_subtotal=0,
    starts_at=None,
    ends_at=None,
    uses=0,
    uses_max=2,
    uses_per_customer_max=1,
    active=True,
    version=1,
    created_at=OPENED,
    updated_at=OPENED,
)

ADMIN = Actor(Role.ADMIN, "usr_admin")
TIMER = Actor(Role.SERVICE, "timer")
CUSTOMERS = [Actor(Role.CUSTOMER, "cus_1"), Actor(Role.CUSTOMER, "cus_2")]
DRIVERS = [Actor(Role.DRIVER, "drv_1"), Actor(Role.DRIVER, "drv_2")]
NAMES = [*OrderStatus, "new", "accepted", "packing", "ready", "out_for_delivery", "completed"]

ASIDE = RESTOCKING | {OrderStatus.ON_HOLD}

buyers = st.sampled_from([GUEST, STORE, *CUSTOMERS])
actors = st.sampled_from([STORE, STORE, ADMIN, TIMER, *CUSTOMERS, *DRIVERS])
carts = st.lists(
    st.builds(
        lambda slug, quantity: {"productId": PRODUCTS[slug].id, "quantity": quantity},
        st.sampled_from(SLUGS),
        st.integers(1, 3),
    ),
    min_size=1,
    max_size=3,
)


# --- The model --------------------------------------------------------------------------------------------------------


@dataclass
class Model:
    """The shop, folded in memory from what the rules decide."""

    stock: dict[str, int] = field(default_factory=lambda: {product.id: product.stock for product in CATALOGUE})
    orders: dict[str, OrderState] = field(default_factory=dict)
    lines: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    codes: dict[str, str | None] = field(default_factory=dict)
    history: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)

    def place(self, new: NewOrder) -> None:
        placed = place_order(
            new.command,
            {product.id: product for product in CATALOGUE},
            DEMO_SHOP,
            new.payment,
            order_id=new.order_id,
            customer_id=new.customer_id,
            actor=new.actor,
            now=new.now,
            offer=self._offer(new, new.customer_id),
        )
        take_stock(self.stock, placed.priced.lines)
        is_paid = new.payment.status is PaymentStatus.PAID
        self.orders[new.order_id] = OrderState(
            new.order_id,
            OrderStatus.PENDING,
            new.payment.status,
            new.payment.info.method,
            new.command.fulfilment,
            1,
            customer_id=new.customer_id,
            changed_by=str(new.actor),
            changed_at=new.now,
            total=placed.priced.total,
            captured=placed.priced.total if is_paid else 0,
            currency="BDT",
        )
        self.lines[new.order_id] = [(line.product_id, line.quantity) for line in placed.priced.lines]
        self.codes[new.order_id] = placed.priced.promo_code
        self._note(new.order_id, None)

    def move(self, order_id: str, target: OrderStatus, actor: Actor, reason: str | None, version: int | None) -> None:
        before = self.orders[order_id]
        at = now()
        decision = decide_status_change(before, target, actor, reason=reason, expected_version=version, now=at)
        if not isinstance(decision, StatusChanged):
            return
        check_handover(decision, NO_HANDOVER)
        self.orders[order_id] = replace(
            before,
            status=decision.status,
            payment_status=decision.payment.status,
            captured=decision.payment.captured,
            refunded=decision.payment.refunded,
            refunding=decision.payment.refunding,
            held_from=decision.held_from,
            driver_id=decision.driver_id,
            attempts=decision.attempts,
            version=before.version + 1,
            changed_by=str(actor),
        )
        if decision.releases_stock:
            for product_id, quantity in self.lines[order_id]:
                self.stock[product_id] += quantity
        self._note(order_id, before)

    def standing(self, code: str) -> list[OrderState]:
        return [
            order
            for order_id, order in self.orders.items()
            if self.codes[order_id] == code and order.status not in RESTOCKING
        ]

    def _offer(self, new: NewOrder, customer_id: str) -> Offer | None:
        if new.command.promo_code is None:
            return None
        uses = self.standing(TWICE.code)
        mine = [order for order in uses if order.customer_id == customer_id]
        return Offer(TWICE.code, msgspec.structs.replace(TWICE, uses=len(uses)), len(mine), new.now)

    def _note(self, order_id: str, before: OrderState | None) -> None:
        order = self.orders[order_id]
        was = (None, None) if before is None else (before.status, before.payment_status)
        entry = (order.version, was[0], order.status, was[1], order.payment_status, order.changed_by)
        self.history.setdefault(order_id, []).append(entry)


# --- The two, side by side --------------------------------------------------------------------------------------------


class Histories(RuleBasedStateMachine):
    placed = Bundle("placed")

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(tempfile.mkdtemp(dir=_FOLDER.name))
        self._runner = asyncio.Runner()
        self._store = self._runner.run(_opened(self._folder / "shop.db"))
        self._model = Model()
        self._sent: list[tuple[Placing, Any]] = []

    def teardown(self) -> None:
        self._runner.run(self._store.close())
        self._runner.close()
        shutil.rmtree(self._folder)

    # Commands

    @rule(
        target=placed,
        buyer=buyers,
        cart=carts,
        how=st.tuples(st.sampled_from(["delivery", "pickup"]), st.booleans()),
        code=st.sampled_from([None, None, "twice"]),
        keyed=st.booleans(),
    )
    def place(self, buyer: Actor, cart: list[Any], how: tuple[str, bool], code: str | None, keyed: bool) -> Any:
        fulfilment, by_card = how
        payment = {"method": "card", "token": "tok_visa"} if by_card else {"method": "cash"}
        new = new_order(buyer, cartItems=cart, fulfilment=fulfilment, paymentInfo=payment, promoCode=code)
        if buyer is STORE:
            new = replace(new, customer_id=new_order().customer_id)
        unit = Placing(new, RequestKey(str(buyer), new.order_id, b"1") if keyed else None)
        refusal = _refusal(lambda: self._model.place(new))
        outcome = self._write(unit)
        assert refusal == _sentence(outcome)
        if refusal is not None:
            return multiple()
        if keyed:
            self._sent.append((unit, outcome))
        return new.order_id

    @rule(
        order_id=placed,
        name=st.sampled_from(NAMES),
        actor=actors,
        reason=st.sampled_from(["because", "because", None]),
        seen=st.sampled_from([0, 0, 0, None, -1, 1]),
    )
    def move(self, order_id: str, name: str, actor: Actor, reason: str | None, seen: int | None) -> None:
        self._move(order_id, name, actor, reason, seen)

    @rule(order_id=placed, choices=st.lists(st.integers(0, 99), min_size=1, max_size=6))
    def move_on(self, order_id: str, choices: list[int]) -> None:
        """Moves of the table by those who may make them, mostly onward: few random ones would come far."""
        for choice in choices:
            order = self._model.orders[order_id]
            moves = [move for move in MOVES.values() if move.source is order.status]
            onward = [
                move for move in moves if move.target not in ASIDE and move.fulfilment in {None, order.fulfilment}
            ]
            if choice % 5 and onward:
                moves = onward
            if moves:
                move = moves[choice % len(moves)]
                role = sorted(move.roles)[choice % len(move.roles)]
                ids = {Role.CUSTOMER: order.customer_id, Role.DRIVER: order.driver_id or "drv_1"}
                self._move(order_id, move.target, Actor(role, ids.get(role) or "usr_1"), "because", 0)

    @rule(order_id=placed, actor=actors)
    def move_to_where_it_is(self, order_id: str, actor: Actor) -> None:
        seq = self._store.last_seq
        self._move(order_id, self._model.orders[order_id].status, actor, None, -1)
        assert self._store.last_seq == seq

    @precondition(lambda self: self._sent)
    @rule(choice=st.integers(0, 99))
    def send_again(self, choice: int) -> None:
        unit, outcome = self._sent[choice % len(self._sent)]
        seq = self._store.last_seq
        again = self._write(unit)
        assert (again.answer, again.replayed) == (outcome.answer, True)
        assert self._store.last_seq == seq

    def _move(self, order_id: str, name: str, actor: Actor, reason: str | None, seen: int | None) -> None:
        order = self._model.orders[order_id]
        version = None if seen is None else order.version + seen
        target = OrderStatus(name) if name in set(OrderStatus) else _former(name, order)

        def unit(transaction: Transaction) -> bytes:
            at = now()
            return change_status(transaction, order_id, name, actor, reason=reason, expected_version=version, now=at)

        # What the actor may not know of is refused before anything is decided.
        hidden = not may_know(actor, order.customer_id, order.driver_id, order.status)
        refusal = "There is no such order."
        if not hidden:
            self._learn_time(order_id)
            refusal_ = _refusal(lambda: self._model.move(order_id, target, actor, reason, version))
        outcome = self._write(unit)
        assert _sentence(outcome) == (refusal if hidden else refusal_)

    def _learn_time(self, order_id: str) -> None:
        """The clock is no part of the comparison: a refusal tells the time of the change that came before."""
        ((at,),) = self._ask("SELECT updated_at FROM orders WHERE id = :id", id=order_id)
        self._model.orders[order_id] = replace(self._model.orders[order_id], changed_at=at)

    def _write(self, unit: Any) -> Any:
        async def attempt() -> Any:
            try:
                return await self._store.write(unit)
            except ShopError as refusal:
                return refusal

        return self._runner.run(attempt())

    def _ask(self, question: str, **values: Any) -> list[tuple[Any, ...]]:
        return self._runner.run(ask(self._store, question, **values))

    # What always holds

    @invariant()
    def stock_is_what_the_orders_that_stand_have_left(self) -> None:
        rows = self._ask("SELECT id, stock, stock + sold FROM products")
        assert {id_: stock for id_, stock, _whole in rows} == self._model.stock
        assert {id_: whole for id_, _stock, whole in rows} == {p.id: p.stock for p in CATALOGUE}
        assert all(stock >= 0 for _id, stock, _whole in rows)

    @invariant()
    def orders_stand_as_in_the_model(self) -> None:
        rows = self._ask(
            "SELECT id, status, payment_status, version, held_from, driver_id, attempts, total, captured, refunded,"
            " refunding FROM orders"
        )
        assert {row[0]: row[1:] for row in rows} == {
            order.id: (
                order.status, order.payment_status, order.version, order.held_from, order.driver_id, order.attempts,
                order.total, order.captured, order.refunded, order.refunding,
            )
            for order in self._model.orders.values()
        }  # fmt: skip
        for *_, total, captured, refunded, refunding in rows:
            assert 0 <= refunded + refunding <= captured <= total

    @invariant()
    def history_tells_how_each_came_to_stand(self) -> None:
        rows = self._ask(
            "SELECT order_id, version, from_status, to_status, from_payment_status, to_payment_status, actor"
            " FROM order_history ORDER BY entry"
        )
        told: dict[str, list[tuple[Any, ...]]] = {}
        for order_id, *entry in rows:
            told.setdefault(order_id, []).append(tuple(entry))
        assert told == self._model.history
        for entries in told.values():
            steps = [(before, after) for _, before, after, *_ in entries[1:] if before != after]
            assert all((OrderStatus(before), OrderStatus(after)) in MOVES for before, after in steps)

    @invariant()
    def a_promotion_counts_the_orders_that_stand(self) -> None:
        ((uses,),) = self._ask("SELECT uses FROM promotions")
        assert uses == len(self._model.standing("TWICE")) <= 2


async def _opened(path: Path) -> SqliteStore:
    if not _TEMPLATE:
        _TEMPLATE.append(await _filled(Path(_FOLDER.name) / "shop.db"))
    await asyncio.to_thread(shutil.copy, _TEMPLATE[0], path)
    store = SqliteStore(path)
    await store.start()
    return store


async def _filled(path: Path) -> Path:
    """A migrated shop with its catalogue, made once."""
    store = SqliteStore(path)
    await asyncio.to_thread(store.migrate)
    await store.start()
    await store.write(lambda transaction: products.seed(transaction, CATALOGUE, STORE, OPENED))
    await store.write(lambda transaction: promotions.add(transaction, TWICE, STORE))
    await store.close()
    return path


_TEMPLATE: list[Path] = []
# Removed with the process.
_FOLDER = tempfile.TemporaryDirectory(prefix="ordercast-histories-", ignore_cleanup_errors=True)


def _former(name: str, order: OrderState) -> OrderStatus:
    from ordercast.commerce.states import resolve_status

    return resolve_status(name, order.fulfilment)


def _refusal(deed: Any) -> str | None:
    try:
        deed()
    except ShopError as refusal:
        return str(refusal)
    return None


def _sentence(outcome: Any) -> str | None:
    return str(outcome) if isinstance(outcome, ShopError) else None


TestHistories = Histories.TestCase
TestHistories.settings = examples(40, stateful_step_count=30)
