"""A conversation of stock clients on real sockets: one order for all, and a page that live events join exactly."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from tests.api.bookings_at_work import CARER, at, book, hire_carers, offer
from tests.api.client import CUSTOMER, token
from tests.waiting import until

from .listener import Listener
from .stage import SHOP_ROOMS, Stage

EACH = 25


def heard(listener: Listener) -> list[int]:
    return [args[0]["position"] for name, args in listener.heard if name == "message"]


def has_heard(listener: Listener, count: int) -> bool:
    return len(heard(listener)) >= count


async def test_all_hear_one_order_and_who_joins_by_a_page_misses_and_doubles_nothing(stage: Stage) -> None:
    await hire_carers(stage.client, stage.store, "car_1")
    await book(stage.client, await offer(stage.client, "car_1"), at(10))
    first: dict[str, Any] = (await stage.client.get("/api/chat/user/booking", CARER)).json()
    conversation = first["conversation"]["id"]
    carer = await stage.connect(token("carer", "car_1"), "carer_{id}", "user_{id}", offset=first["position"])

    async def write(listener: Listener, name: str) -> None:
        for number in range(EACH):
            message = {"conversationId": conversation, "text": f"{name} {number}", "clientId": f"{name}-{number}"}
            answers = await asyncio.gather(*(listener.ask("send_message", message) for _ in range(2)))
            assert answers[0] == answers[1]

    async def join_late(after: int) -> list[int]:
        await until(partial(has_heard, stage.buyer, after))
        path = f"/api/conversations/{conversation}/messages?limit=5"
        page = (await stage.client.get(path, CUSTOMER)).json()
        late = await stage.connect(token("store", f"usr_{after}"), *SHOP_ROOMS, offset=page["position"])
        in_page = [each["position"] for each in page["items"]]
        await until(lambda: [*in_page, *heard(late)][-1] == 3 * EACH)
        return [*in_page, *heard(late)]

    joined = asyncio.gather(*(join_late(after) for after in (5, 20, 50)))
    await asyncio.gather(*(write(each, name) for each, name in ((stage.buyer, "b"), (stage.clerk, "s"), (carer, "c"))))
    for each in await joined:
        assert each == list(range(each[0], 3 * EACH + 1))
    for listener in (stage.buyer, stage.clerk, carer):
        await until(partial(has_heard, listener, 3 * EACH))
        assert heard(listener) == list(range(1, 3 * EACH + 1))
        assert listener.problems == []
