"""The node's jobs for payments: run tasks, retry webhooks, reconcile, deliver the sandbox's events."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final

from ordercast.commerce.payments import ProviderEvent
from ordercast.commerce.timestamps import timestamp
from ordercast.db import Store, StoreError, Transaction, payment_webhooks

from .payment_worker import PaymentWorker
from .providers.sandbox import SandboxProvider
from .reconciler import Reconciler
from .registry import Providers
from .webhook_inbox import WebhookInbox, WebhookWorker

log = logging.getLogger("ordercast.payments")

DELIVER_EVERY_S: Final = 0.5


def payment_jobs(store: Store, providers: Providers) -> list[Callable[[], Coroutine[Any, Any, None]]]:
    """The jobs, each to be run as a task while the node leads."""
    sandboxes = [provider for provider in providers.all if isinstance(provider, SandboxProvider)]
    delivering = [partial(_deliver_webhooks_forever, sandbox) for sandbox in sandboxes]
    webhooks = WebhookWorker(store, WebhookInbox(store, providers, _now_ms), _now_ms)
    return [PaymentWorker(store, providers).run, Reconciler(store, providers).run, webhooks.run, *delivering]


def apply_sandbox_event(transaction: Transaction, event: ProviderEvent, body: bytes) -> None:
    """Apply an event of the sandbox, which is delivered without HTTP, as a webhook's."""
    payment_webhooks.receive(transaction, SandboxProvider.name, event, body, timestamp(_now_ms()))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


async def _deliver_webhooks_forever(sandbox: SandboxProvider) -> None:
    while True:
        try:
            await sandbox.deliver_webhooks(apply_sandbox_event)
        except StoreError as error:
            log.warning("the sandbox could not deliver its events; retrying: %s", error)
        except Exception:
            log.exception("the sandbox could not deliver its events; retrying")
        await asyncio.sleep(DELIVER_EVERY_S)
