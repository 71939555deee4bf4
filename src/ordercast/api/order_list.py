"""Lists of orders, and the search among all of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Annotated, Final, NamedTuple

from litestar import Response, get
from litestar.params import QueryParameter
from msgspec import Struct

from ordercast.commerce.errors import InvalidField, NotPermitted
from ordercast.commerce.order_search import DAYS_MAX
from ordercast.commerce.orders import Order
from ordercast.commerce.people import SEES_EVERY_ORDER, Actor, Role
from ordercast.commerce.states import OrderStatus, statuses_called
from ordercast.commerce.text_patterns import with_explanation
from ordercast.commerce.transitions import TERMINAL
from ordercast.db import Transaction, feed
from ordercast.db import orders as units
from ordercast.db.orders import search
from ordercast.db.orders.index_upkeep import index_new_orders
from ordercast.db.orders.search import Paging

from .body import INTEGER_MAX
from .context import AnyRequest, Context
from .order_views import view_for
from .paging import LIMIT_DEFAULT, EitherEnd, JsonPage, Limit, cut
from .responses import REFUSALS, json_response

QUERY_CHARACTERS_MAX: Final = 200
_FIRST_DAY: Final = "The first day, of UTC: `2026-11-30`. One of the two alone is one day."
_LAST_DAY: Final = "The last day, at most a year after the first."
_DAY: Final = with_explanation(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "A day is wanted, such as 2026-12-25")


class Sort(StrEnum):
    NEWEST = "newest"
    OLDEST = "oldest"


class OrderPage(Struct, frozen=True, rename="camel"):
    items: list[Order]
    next_cursor: str | None
    position: str
    """``epoch:seq`` of the feed in the same moment as the list: live events go on from here."""


class _Page(NamedTuple):
    orders: list[tuple[int, str | None]]
    next_cursor: str | None
    seq: int


@get("/api/orders", tags=["orders"], responses=REFUSALS)
async def list_orders(
    request: AnyRequest,
    context: Context,
    *,
    q: Annotated[str, QueryParameter(max_length=QUERY_CHARACTERS_MAX)] = "",
    first_day: Annotated[str | None, QueryParameter(name="from", pattern=_DAY, description=_FIRST_DAY)] = None,
    last_day: Annotated[str | None, QueryParameter(name="to", pattern=_DAY, description=_LAST_DAY)] = None,
    status: Annotated[str | None, QueryParameter(max_length=64)] = None,
    is_open: Annotated[bool | None, QueryParameter(name="open")] = None,
    sort: Annotated[Sort, QueryParameter()] = Sort.NEWEST,
    limit: Limit = LIMIT_DEFAULT,
    cursor: EitherEnd = None,
) -> Response[OrderPage]:
    """List orders, newest first: the shop sees all, a customer their own, a driver those they have or had, and on duty
    those they could take.

    `status` may be a former name. `open=true` lists those that somebody still has to do something about, those on hold
    among them, and `open=false` those that are over. `sort=oldest` begins with the oldest; what is placed meanwhile
    comes on the last page, so that pages read to their end, and live events from the first page's `position` on, are
    all of them.

    `q` and the days `from` and `to` (of UTC, both included) search among all orders, for the shop. Every word of `q`
    must be in an order: in the buyer's name or e-mail address, in an item's name; or be its number (`1150`, `#1150`),
    the end of its telephone number in any writing, its total, its day, or its state. Only where no order has all of
    the words, the last one is the beginning of a longer one. Signs mean nothing. A page of a search may be short, and
    go on behind its `nextCursor`.
    """
    identity = await context.require_identity(request)
    actor = identity.actor
    if actor.role in (Role.GUEST, Role.CARER):
        raise NotPermitted(actor, "list orders")
    oldest_first = sort is Sort.OLDEST
    start = int(cursor) if cursor is not None else 0 if oldest_first else INTEGER_MAX
    paging = Paging(start, limit, _statuses(status, is_open), oldest_first)
    days = _days(first_day, last_day)
    find = _listing(actor, paging)
    if q.strip() or days is not None:
        if actor.role not in SEES_EVERY_ORDER:
            raise NotPermitted(actor, "search in orders")
        await index_new_orders(context.store)
        find = _searching(q, days, paging)
    page = await context.store.read(find)
    documents = [_listed_for(actor, document) for _number, document in page.orders if document is not None]
    position = f"{context.store.epoch}:{page.seq}"
    return json_response(JsonPage(documents, page.next_cursor, position).encode())


def _listing(actor: Actor, paging: Paging) -> Callable[[Transaction], _Page]:
    def query(transaction: Transaction) -> _Page:
        found, seq = units.page(
            transaction,
            actor,
            cursor=paging.cursor,
            limit=paging.limit + 1,
            statuses=paging.statuses,
            oldest_first=paging.oldest_first,
        )
        return _Page(*cut(found, paging.limit, lambda row: row[0]), seq)

    return query


def _searching(q: str, days: tuple[date, date] | None, paging: Paging) -> Callable[[Transaction], _Page]:
    def query(transaction: Transaction) -> _Page:
        found = search.find(transaction, search.read_searches(transaction, q, days), paging)
        orders = units.DOCUMENTS.listed(transaction, found.orders)
        next_cursor = None if found.next_cursor is None else str(found.next_cursor)
        return _Page(orders, next_cursor, feed.newest_seq(transaction))

    return query


def _statuses(status: str | None, is_open: bool | None) -> list[OrderStatus] | None:
    """The statuses that the filters select; None for all."""
    if status is None and is_open is None:
        return None
    called = list(OrderStatus) if status is None else statuses_called(status)
    return [each for each in called if is_open is None or is_open is (each not in TERMINAL)]


def _days(first: str | None, last: str | None) -> tuple[date, date] | None:
    """Both of them; one that is left out is the other. Raises InvalidField."""
    given = {name: _day(name, text) for name, text in (("from", first), ("to", last)) if text is not None}
    if not given:
        return None
    begin, end = given.get("from", given.get("to")), given.get("to", given.get("from"))
    assert begin is not None
    assert end is not None
    if not 0 <= (end - begin).days < DAYS_MAX:
        raise InvalidField("to", f"It is not before `from`, and within {DAYS_MAX} days of it.")
    return begin, end


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidField(name, "There is no such day.") from None


def _listed_for(actor: Actor, document: str) -> str:
    return view_for(document.encode(), actor).decode() if actor.role is Role.DRIVER else document


ROUTES: Final = [list_orders]
