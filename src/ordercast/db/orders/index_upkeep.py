"""Bringing the index of orders up to date: before each search, and by the node that leads."""

from __future__ import annotations

import logging
from typing import Final

from ordercast.db import Store
from ordercast.db.errors import StoreError
from ordercast.db.types import UnitOfWork

from .search import index_next, is_behind

log = logging.getLogger("ordercast.db")

# Of ten thousand orders that another program has just brought in, a search finds those that came first.
UNITS_AT_ONCE_MAX: Final = 10


async def index_new_orders(store: Store) -> bool:
    """Take new orders into the index, in small units between which others run; gives whether it then has all of them.
    Where nothing can be written, it stays as it is.
    """
    try:
        if not await store.read(is_behind):
            return True
        for _ in range(UNITS_AT_ONCE_MAX):
            if not await store.write(UnitOfWork(index_next, waits=False)):
                return True
    except StoreError as error:
        log.warning("new orders could not be taken into the index of words: %s", error)
    return False
