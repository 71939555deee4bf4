"""Fills a database with the demo shop, whose people sign in with a password derived from the secret."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time

from ordercast.config import Settings
from ordercast.db import Store
from ordercast.db.seed import CHANCE_BYTES, is_seeded, seed_demo


async def seed_at_start(settings: Settings, store: Store) -> list[str]:
    """A new embedded database is filled with the demo shop; that of a server only by ``ordercast demo``."""
    if settings.demo and settings.built_in and (settings.sqlite_path is not None or await store.read(is_seeded)):
        return await seed(settings, store)
    return []


async def seed(settings: Settings, store: Store, *, again: bool = False) -> list[str]:
    """Seed the demo shop, or with `again` what is missing of it; return the addresses that sign in with the demo
    password.
    """
    chance = secrets.token_bytes(CHANCE_BYTES)
    password, mark = demo_password(settings), _from_secret(settings, b"demo mark")
    now_ms = time.time_ns() // 1_000_000
    return await seed_demo(store, password, mark=mark, now_ms=now_ms, random_bytes=chance, again=again)


def demo_password(settings: Settings) -> str:
    """The demo password: derived from the secret, so it is stable and stored nowhere."""
    return f"demo-{_from_secret(settings, b'demo password')[:10]}"


def _from_secret(settings: Settings, purpose: bytes) -> str:
    return hmac.new(settings.secret.encode(), purpose, hashlib.sha256).hexdigest()
