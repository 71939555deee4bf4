"""What is slow and the same for all tests, made quick or made once."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher

# Of its costs in time, memory and threads, the first three: slow on purpose, which proves nothing in most tests.
SLOW_HASHING: Final = PasswordHasher.__init__.__defaults__
assert SLOW_HASHING is not None
QUICK_HASHING: Final = (1, 8, 1, *SLOW_HASHING[3:])


def migrated(path: Path) -> Path:
    """Put a file with the schema of a shop there, and nothing in it."""
    return Path(shutil.copy(_migrated_once(), path))


@cache
def _migrated_once() -> Path:
    from ordercast.db import SqliteStore

    folder = Path(tempfile.mkdtemp(prefix="ordercast-migrated-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    store = SqliteStore(folder / "shop.db")
    store.migrate()
    return store.path
