"""Statistics of a day."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import date as Date  # noqa: N812 - the parameter is called date
from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.params import QueryParameter

from ordercast.commerce.errors import InvalidField
from ordercast.commerce.stats import Stats, day_of, zone
from ordercast.db import stats

from .context import AnyRequest, Context
from .responses import REFUSALS, json_response


@get("/api/stats", tags=["operation"], responses=REFUSALS)
async def get_stats(
    request: AnyRequest,
    context: Context,
    date: Annotated[str | None, QueryParameter(max_length=10, description="YYYY-MM-DD; today if left out")] = None,
    tz: Annotated[str | None, QueryParameter(max_length=64, description="IANA name; the shop's if left out")] = None,
) -> Response[Stats]:
    """Get one day's statistics: orders, sums, states, hours, times and ages. For staff."""
    await context.authorize(request, "see the shop's figures")
    name, now, latency = tz or context.timezone, context.now(), context.latency()
    where = zone(name)
    of = day_of(now, where) if date is None else _day(date)

    def count() -> Awaitable[Stats]:
        return context.store.read(
            lambda transaction: stats.day(transaction, of, where, tz_name=name, now=now, latency=latency)
        )

    found = await context.stats_cache.of(of.isoformat(), name, count)
    return json_response(msgspec.json.encode(found))


def _day(text: str) -> Date:
    try:
        return Date.fromisoformat(text)
    except ValueError:
        raise InvalidField("date", "A date is written YYYY-MM-DD.") from None


ROUTES = [get_stats]
