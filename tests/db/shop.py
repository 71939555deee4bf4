"""What the tests of this room do with a store: place, move, look, and what another program does to it."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from ordercast.commerce.ids import CustomerId, OrderId, new_id
from ordercast.commerce.orders import Order
from ordercast.commerce.people import GUEST, Actor, Role
from ordercast.commerce.timestamps import Timestamp, timestamp
from ordercast.db import Store, Transaction
from ordercast.db.orders import change_status
from ordercast.db.orders.placing import NewOrder, Placing
from tests.commerce.orders import command, taken

STORE = Actor(Role.STORE, "usr_1")
_ticks = itertools.count(1_795_241_719_000)


def now() -> Timestamp:
    return timestamp(next(_ticks))


def new_order(actor: Actor = GUEST, **changes: Any) -> NewOrder:
    wanted = command(**changes)
    tick = next(_ticks)
    return NewOrder(
        command=wanted,
        order_id=OrderId(new_id("ord", tick, tick.to_bytes(10, "big"))),
        customer_id=CustomerId(actor.id or new_id("cus", tick, tick.to_bytes(10, "big"))),
        tracking_hash=tick.to_bytes(32, "big"),
        actor=actor,
        payment=taken(wanted),
        now=timestamp(tick),
    )


async def place_one(store: Store, actor: Actor = GUEST, **changes: Any) -> Order:
    outcome = await store.write(Placing(new_order(actor, **changes)))
    return msgspec.json.decode(outcome.answer, type=Order)


@asynccontextmanager
async def busy_writer(store: Store) -> AsyncIterator[None]:
    """While the block lasts the writer is at work: what is submitted meanwhile waits, and is its next group."""
    inside, leave = threading.Event(), threading.Event()

    def waits(_: Transaction) -> None:
        inside.set()
        leave.wait(10)

    at_work = asyncio.create_task(store.write(waits))
    await asyncio.to_thread(inside.wait, 10)
    yield
    await asyncio.sleep(0)  # for who was only just asked to submit something
    leave.set()
    await at_work


async def move(store: Store, order_id: str, status: str, actor: Actor = STORE, reason: str | None = "because") -> Order:
    def unit(transaction: Transaction) -> bytes:
        return change_status(transaction, order_id, status, actor, reason=reason, expected_version=None, now=now())

    return msgspec.json.decode(await store.write(unit), type=Order)


async def ask(store: Store, question: str, **values: Any) -> list[tuple[Any, ...]]:
    return await store.read(lambda transaction: transaction.all(question, **values))


async def stock_of(store: Store, slug: str) -> int:
    ((stock,),) = await ask(store, "SELECT stock FROM products WHERE slug = :slug", slug=slug)
    assert isinstance(stock, int)
    return stock


def by_another_program(path: Path, statement: str) -> str:
    """Run `statement` with the `sqlite3` program, as an operator or a cron job would. Raises on its errors."""
    command_line = ["sqlite3", "-cmd", ".timeout 5000", str(path), statement]
    done = subprocess.run(command_line, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout
