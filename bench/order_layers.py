"""Where the CPU of an order goes: each layer alone, in one process, without a socket.

``python -m bench.order_layers`` prints microseconds of CPU an order. The store is asked by 64 buyers as in
``feed_cost``; the application is called as uvicorn calls it, over a store whose answer is there already.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import Litestar, Request, Response, post
from tests.commerce.orders import PRODUCTS

from ordercast.api.application import create_api
from ordercast.api.responses import json_response
from ordercast.commerce.orders import PlaceOrder
from ordercast.commerce.text_rules import check_texts
from ordercast.config import Settings
from ordercast.db import SqliteStore
from ordercast.db.idempotency import Outcome

from .buyers import ADDRESS
from .feed_cost import SLUGS, by_store

TIMES: Final = 3_000
ROUNDS: Final = 5
BODY: Final = msgspec.json.encode(
    {
        "cartItems": [{"productId": PRODUCTS[slug].id, "quantity": 1} for slug in SLUGS],
        "customerInfo": {"name": "Asha Rahman", "email": "buyer1@example.com", "mobile": "+8801700000000"},
        "shippingInfo": ADDRESS,
        "paymentInfo": {"method": "cash"},
    }
)
# As long as the document of such an order.
ANSWER: Final = msgspec.json.encode({"id": "ord_01kbbpq6d8zz6c8g0v6g3x1y2z", "number": 1, "rest": "-" * 1_200})


class _Answered(SqliteStore):
    """A store in which every order is committed at once."""

    async def write(self, _unit: Any) -> Any:
        return Outcome(ANSWER, replayed=False)


async def _one(application: Any) -> None:
    """A request as uvicorn makes it of a buyer's."""
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 3_000),
        "client": ("127.0.0.1", 40_000),
        "scheme": "http",
        "method": "POST",
        "root_path": "",
        "path": "/api/orders",
        "raw_path": b"/api/orders",
        "query_string": b"",
        "headers": [
            (b"host", b"127.0.0.1:3000"),
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(BODY)),
        ],
        "state": {},
    }
    statuses = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await application(scope, receive, send)
    if statuses != [201]:
        raise AssertionError(f"the order was answered with {statuses}")


@post("/api/orders")
async def _answered(request: Request[Any, Any, Any]) -> Response[Any]:
    """The least that a route of the framework does: read the body, answer."""
    await request.body()
    return json_response(ANSWER)


async def _cost_of(work: Callable[[], Coroutine[Any, Any, object]]) -> float:
    costs = []
    for _ in range(ROUNDS):
        began_s = time.thread_time()
        for _ in range(TIMES):
            await work()
        costs.append((time.thread_time() - began_s) / TIMES * 1e6)
    return statistics.median(costs)


async def _read() -> None:
    msgspec.json.decode(BODY, type=PlaceOrder)


async def _read_and_checked() -> None:
    check_texts(msgspec.json.decode(BODY, type=PlaceOrder))


async def measure(folder: Path) -> dict[str, float]:
    """Each layer with what is within it."""
    settings = Settings(secret="-" * 32, budgets="off")
    bare = Litestar([_answered], openapi_config=None, logging_config=None)
    api = create_api(settings, _Answered(folder / "not-opened.db"))
    store = SqliteStore(folder / "shop.db")
    store.migrate()
    return {
        "application, without the store": await _cost_of(lambda: _one(api)),
        "a route of Litestar that only answers": await _cost_of(lambda: _one(bare)),
        "the body decoded": await _cost_of(_read),
        "the body decoded, its texts checked": await _cost_of(_read_and_checked),
        "the store, in groups of 64": (await by_store(store, 0))["server_us"],
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for layer, us in asyncio.run(measure(Path(folder))).items():
            print(f"{layer:40} {us:6.1f}")
