"""What a node does about payments by itself, for ever: settle, sweep, and let the sandbox speak."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from typing import Any, Final

from ordercast.commerce.moments import moment
from ordercast.commerce.payments import Notice
from ordercast.db import Store, Transaction
from ordercast.db import payments as units

from .registry import Providers
from .sandbox import SandboxProvider
from .settling import Settling
from .sweeping import Sweeping

log = logging.getLogger("ordercast.payments")

RING_EVERY_S: Final = 0.5


def payment_chores(store: Store, providers: Providers) -> list[Coroutine[Any, Any, None]]:
    """Each is run as a task of its own until the node stops."""
    sandboxes = [provider for provider in providers.all if isinstance(provider, SandboxProvider)]
    return [
        Settling(store, providers).run(),
        Sweeping(store, providers).run(),
        *(_ring_forever(store, sandbox) for sandbox in sandboxes),
    ]


def hear_sandbox(transaction: Transaction, notice: Notice) -> None:
    """What the sandbox tells, it tells in its own process: taken in as a webhook's message would be."""
    units.hear(transaction, SandboxProvider.name, notice, moment(time.time_ns() // 1_000_000))


async def _ring_forever(store: Store, sandbox: SandboxProvider) -> None:
    while True:
        try:
            if store.leads:
                await sandbox.ring(hear_sandbox)
        except Exception:
            log.exception("the sandbox could not tell its news; trying again")
        await asyncio.sleep(RING_EVERY_S)
