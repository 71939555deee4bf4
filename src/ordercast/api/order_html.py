"""Renders an order's page: the HTML that is read while, or where, the pages' scripts do not come.

It says what the pages say (`web/src/features/track`), in the same words and under the same classes, until they take
over. Whatever somebody typed is escaped by MarkupSafe, which every text here passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from markupsafe import Markup
from msgspec import Struct

from ordercast.commerce.deliveries import CARRYING
from ordercast.commerce.letters import dialled
from ordercast.commerce.orders import OrderLine, PaymentInfo
from ordercast.commerce.states import Fulfilment, OrderStatus, PaymentMethod, PaymentStatus
from ordercast.commerce.states import OrderStatus as S
from ordercast.commerce.transitions import TERMINAL
from ordercast.db.deliveries import Delivery

from .page_translations import Translations

# The way of an order when all goes well.
_WAYS: Final = {
    Fulfilment.DELIVERY: (
        S.PENDING, S.PROCESSING, S.READY_FOR_DELIVERY, S.DRIVER_ASSIGNED, S.PICKED_UP, S.IN_TRANSIT, S.DELIVERED,
    ),
    Fulfilment.PICKUP: (S.PENDING, S.PROCESSING, S.READY_FOR_PICKUP, S.DELIVERED),
}  # fmt: skip


class DisplayedOrder(Struct, frozen=True, kw_only=True, rename="camel"):
    """As much of an order's document as is rendered."""

    number: int
    status: OrderStatus
    payment_status: PaymentStatus
    fulfilment: Fulfilment
    subtotal: int
    tax: int
    shipping_fee: int
    discount: int
    total: int
    currency: str
    amount_paid: int
    amount_refunded: int
    amount_refunding: int
    prices_include_tax: bool
    promo_code: str | None
    shipping_info: dict[str, Any] | None
    billing_info: dict[str, Any] | None
    cart_items: list[OrderLine]
    payment_info: PaymentInfo
    held_from: OrderStatus | None
    promised_at: str | None = None
    requested_time: str | None = None


class HistoryStep(Struct, frozen=True, rename="camel"):
    """A line of its history."""

    from_status: OrderStatus | None
    to_status: OrderStatus
    at: str


class OrderRenderer:
    """Of one order, at one moment."""

    def __init__(
        self,
        words: Translations,
        order: DisplayedOrder,
        history: Sequence[HistoryStep],
        delivery: Delivery,
        now: str,
        *,
        telephone: str | None,
    ) -> None:
        """`telephone` is the shop's."""
        self._words = words
        self._order = order
        self._history = history
        self._delivery = delivery
        self._now = now
        self._telephone = telephone

    @property
    def title(self) -> str:
        return self._words.t("track.order", number=str(self._order.number))

    def page(self, names: dict[str, str]) -> Markup:
        """`names` are those of products in the words' language, by id."""
        return framed(
            self.title,
            Markup('<div class="track"><div class="track-main">{}{}{}</div>{}</div>').format(
                self._standing(), self._brought_by(), self._receipt(names), self._call()
            ),
        )

    def _call(self) -> Markup:
        if self._telephone is None:
            return Markup()
        return Markup(
            '<div class="track-side"><div class="track-actions">'
            '<a class="button" href="tel:{}" data-testid="call-shop">{}</a></div></div>'
        ).format(dialled(self._telephone), self._words.t("shop.call"))

    # --- Where it is --------------------------------------------------------------------------------------------------

    def _standing(self) -> Markup:
        status, t = self._order.status, self._words.t
        collected = status is S.DELIVERED and self._order.fulfilment is Fulfilment.PICKUP
        sentence = "sentence.collected" if collected else f"sentence.{status}"
        return Markup(
            '<section class="card now">{}{}<h2 data-testid="track-status" data-status="{}">{}</h2>'
            '<p class="sentence">{}</p><ol class="timeline" data-testid="timeline">{}</ol></section>'
        ).format(self._arrival(), self._promised(), status, self._label(status), t(sentence), self._steps())

    def _arrival(self) -> Markup:
        eta = self._delivery.eta
        if eta is None or self._order.status in TERMINAL:
            return Markup()
        left_s = (datetime.fromisoformat(eta) - datetime.fromisoformat(self._now)).total_seconds()
        text = self._words.t("delivery.eta", count=max(1, round(left_s / 60)), time=self._words.time(eta))
        return Markup('<p class="arrival" data-testid="delivery-eta">{}</p>').format(text)

    def _promised(self) -> Markup:
        """When the shop has said it would be ready, or the buyer wants it, until it is."""
        order = self._order
        if order.requested_time is not None and self._is_for_then():
            text = self._words.t("track.wanted", time=self._words.moment(order.requested_time, self._now))
            return Markup('<p class="arrival" data-testid="wanted-time">{}</p>').format(text)
        if order.promised_at is None or (order.held_from or order.status) is not S.PROCESSING:
            return Markup()
        text = self._words.t("track.promised", time=self._words.moment(order.promised_at, self._now))
        return Markup('<p class="arrival" data-testid="promised-time">{}</p>').format(text)

    def _is_for_then(self) -> bool:
        """What is wanted for a time and promised for another says the promise."""
        order = self._order
        status = order.held_from or order.status
        is_promised = order.promised_at not in {None, order.requested_time}
        return status is S.PENDING or (status is S.PROCESSING and not is_promised)

    def _steps(self) -> Markup:
        way = _WAYS[self._order.fulfilment]
        now = way.index(self._order.status) if self._order.status in way else -1
        reached = now if now >= 0 else self._furthest(way)
        return _joined(self._step(status, index, now, reached, len(way)) for index, status in enumerate(way))

    def _step(self, status: OrderStatus, index: int, now: int, reached: int, steps: int) -> Markup:
        state = "ahead" if index > reached else "now" if index == now and index < steps - 1 else "done"
        at = self._reached_at(status) if index <= reached else None
        hint = self._words.t(f"step.{'next' if index == now + 1 and now >= 0 else state}")
        time = Markup()
        if at is not None:
            shown = self._words.moment(at, self._now)
            time = Markup('<time class="step-time" datetime="{}">{}</time>').format(at, shown)
        return Markup(
            '<li class="step" data-state="{}" data-status="{}"><span class="step-mark"></span>'
            '<span class="step-label">{}<span class="visually-hidden"> — {}</span></span>{}</li>'
        ).format(state, status, self._label(status), hint, time)

    def _furthest(self, way: Sequence[OrderStatus]) -> int:
        """How far an order had come that has left its way."""
        visited = [self._order.held_from, *(entry.to_status for entry in self._history)]
        return max((way.index(status) for status in visited if status in way), default=0)

    def _reached_at(self, status: OrderStatus) -> str | None:
        moves = (entry for entry in reversed(self._history) if entry.from_status is not status)
        return next((move.at for move in moves if move.to_status is status), None)

    def _label(self, status: OrderStatus) -> str:
        collected = status is S.DELIVERED and self._order.fulfilment is Fulfilment.PICKUP
        return self._words.t("status.collected" if collected else f"status.{status}")

    # --- Who brings it ------------------------------------------------------------------------------------------------

    def _brought_by(self) -> Markup:
        driver, position, t = self._delivery.driver, self._delivery.position, self._words.t
        if driver is None or self._order.status in TERMINAL:
            return Markup()
        lines = [t("delivery.driver", name=driver.name or t("delivery.somebody"))]
        if position is not None and self._order.status in CARRYING:
            lines.append(t("delivery.position", time=self._words.moment(position.at, self._now)))
        paragraphs = _joined(Markup("<p>{}</p>").format(line) for line in lines)
        return Markup('<section class="card"><h2>{}</h2>{}</section>').format(t("delivery.title"), paragraphs)

    # --- What it is ---------------------------------------------------------------------------------------------------

    def _receipt(self, names: dict[str, str]) -> Markup:
        t = self._words.t
        lines = _joined(
            Markup("<li><span><bdi>{}</bdi>{}</span><span>{}</span></li>").format(
                t("order.line", count=line.quantity, name=names.get(line.product_id) or line.name),
                Markup('<bdi class="line-note">{}</bdi>').format(line.note) if line.note else Markup(),
                self._money(line.line_total),
            )
            for line in self._order.cart_items
        )
        return Markup(
            '<section class="card summary"><h2>{}</h2><ul class="order-lines">{}</ul><dl class="sums">{}</dl>'
            '<section class="payment-words"><h3>{}</h3>{}</section><h3>{}</h3><address>{}</address></section>'
        ).format(
            t("track.summary"),
            lines,
            self._sums(),
            t("checkout.payment"),
            self._paid(),
            t(f"fulfilment.{self._order.fulfilment}"),
            self._goes_to(),
        )

    def _sums(self) -> Markup:
        order, t = self._order, self._words.t
        discount = t("sum.discount") if order.promo_code is None else t("sum.promotion", code=order.promo_code)
        sums = (
            (t("sum.subtotal"), order.subtotal),
            (discount, -order.discount),
            (t("sum.taxIncluded" if order.prices_include_tax else "sum.tax"), order.tax),
            (t("sum.shipping"), order.shipping_fee),
        )
        row = Markup("<div><dt>{}</dt><dd>{}</dd></div>")
        rows = _joined(row.format(name, self._money(minor)) for name, minor in sums if minor)
        total = Markup('<div class="sums-total"><dt>{}</dt><dd data-testid="track-total">{}</dd></div>')
        return rows + total.format(t("sum.total"), self._money(order.total))

    def _paid(self) -> Markup:
        order, t = self._order, self._words.t
        lines = [self._payment()]
        if order.amount_refunded > 0:
            lines.append(t("paid.refunded", amount=self._money(order.amount_refunded)))
        if order.amount_refunding > 0:
            lines.append(t("paid.refunding", amount=self._money(order.amount_refunding)))
        return _joined(Markup("<p>{}</p>").format(line) for line in lines)

    def _payment(self) -> str:
        order, t = self._order, self._words.t
        in_cash = order.payment_info.method is PaymentMethod.CASH
        by = t("paid.inCash") if in_cash else t("paid.byCard", card=_card(order.payment_info) or t("payment.card"))
        if order.payment_status is PaymentStatus.UNPAID and in_cash:
            return t("paid.cashToCome", amount=self._money(order.total))
        amount = self._money(order.amount_paid if order.amount_paid > 0 else order.total)
        # Refunds have sentences of their own.
        refunded = order.payment_status is PaymentStatus.REFUNDED
        return t("paid.paid" if refunded else f"paid.{order.payment_status}", amount=amount, by=by)

    def _goes_to(self) -> Markup:
        address = self._order.shipping_info or self._order.billing_info or {}
        names = ("name",) if self._order.fulfilment is Fulfilment.PICKUP else ("name", "line1", "city")
        return Markup("<br>").join(Markup("<bdi>{}</bdi>").format(address[name]) for name in names if address.get(name))

    def _money(self, minor: int) -> str:
        return self._words.money(minor, self._order.currency)


def framed(title: str, content: Markup) -> Markup:
    """What stands in the application's place until it comes."""
    return Markup(
        '<header class="masthead"><a class="brand" href="/">Ordercast</a></header>'
        '<main id="main" class="page"><div class="page-head"><h1>{}</h1></div>{}</main>'
    ).format(title, content)


def refused(words: Translations, sentence: str) -> Markup:
    """Why no order is shown."""
    note = Markup('<div class="note note--bad" role="alert"><p>{}</p></div>').format(sentence)
    return framed(words.t("track.title"), note)


def _joined(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(parts)


def _card(card: PaymentInfo) -> str:
    parts = [card.brand.capitalize() if card.brand else "", f"•••• {card.last4}" if card.last4 else ""]
    return " ".join(filter(None, parts))
