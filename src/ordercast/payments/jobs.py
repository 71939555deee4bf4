"""What a node does about payments by itself, for ever: settle, sweep, and let the sandbox speak."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final

from ordercast.commerce.moments import moment
from ordercast.commerce.payments import Notice
from ordercast.db import Store, StoreError, Transaction
from ordercast.db import payments as units

from .payment_worker import Settling
from .providers.sandbox import SandboxProvider
from .reconciler import Sweeping
from .registry import Providers

log = logging.getLogger("ordercast.payments")

RING_EVERY_S: Final = 0.5


def payment_chores(store: Store, providers: Providers) -> list[Callable[[], Coroutine[Any, Any, None]]]:
    """Each is called to run as a task of its own, for as long as the node leads."""
    sandboxes = [provider for provider in providers.all if isinstance(provider, SandboxProvider)]
    ringing = [partial(_ring_forever, sandbox) for sandbox in sandboxes]
    return [Settling(store, providers).run, Sweeping(store, providers).run, *ringing]


def hear_sandbox(transaction: Transaction, notice: Notice) -> None:
    """What the sandbox tells, it tells in its own process: taken in as a webhook's message would be."""
    units.hear(transaction, SandboxProvider.name, notice, moment(time.time_ns() // 1_000_000))


async def _ring_forever(sandbox: SandboxProvider) -> None:
    while True:
        try:
            await sandbox.ring(hear_sandbox)
        except StoreError as error:
            log.warning("the sandbox could not tell its news; trying again: %s", error)
        except Exception:
            log.exception("the sandbox could not tell its news; trying again")
        await asyncio.sleep(RING_EVERY_S)
