"""``ordercast check``."""

from __future__ import annotations

import sys

import uvloop

from ordercast import checking
from ordercast.checking import Finding, Verdict
from ordercast.config import Settings
from ordercast.demo import demo_password
from ordercast.payments import providers_of

from .process import DatabaseUrl, load_settings, started_store


def check(*, database_url: DatabaseUrl = None) -> None:
    """Print what an operator should know before a shop is opened to the world, by the settings that `serve` would have.

    Ends with 1 where something is unsafe.
    """
    settings = load_settings(make_secret=False, database_url=database_url)
    found = [*checking.check_settings(settings), *uvloop.run(_look_at_store(settings))]
    print("\n".join(map(str, found)))
    unsafe = sum(each.verdict is Verdict.UNSAFE for each in found)
    print(f"\n{unsafe} unsafe." if unsafe else "\nNothing is unsafe.")
    if unsafe:
        sys.exit(1)


async def _look_at_store(settings: Settings) -> list[Finding]:
    async with started_store(settings) as store:
        providers = providers_of(settings, store)
        try:
            found = [*checking.check_payments(settings, providers), *await checking.check_payment_service(providers)]
            found += await checking.check_webhooks(store)
            return [*found, *await checking.check_store(settings, store, demo_password(settings))]
        finally:
            await providers.close()
