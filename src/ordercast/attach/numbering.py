"""Waits for the feed to have numbered what a snapshot of the shop's tables shows."""

from __future__ import annotations

import asyncio
from typing import Final

from ordercast.db import Store, feed

# A change is numbered within milliseconds of its commit.
LOOK_S: Final = 0.005
# Where no node numbers, as while another takes over: what is told twice then is told right.
WAIT_S_MAX: Final = 5.0


async def newest_when_numbered(store: Store, through: int) -> int:
    """The feed's newest number, once each row of it up to the key `through` has one."""
    give_up_at = asyncio.get_running_loop().time() + WAIT_S_MAX
    while True:
        newest, is_numbered = await store.read(lambda transaction: feed.is_numbered(transaction, through))
        if is_numbered or asyncio.get_running_loop().time() >= give_up_at:
            return newest
        await asyncio.sleep(LOOK_S)
