"""Eight people chat while their connections are cut and nodes killed: each message once, in one order that all agree
on; receipts never go back; what is unread is what a count gives.

A short form stands in the suite; the whole is a command of its own::

    ORDERCAST_TEST_CHAT=2000 pytest tests/journey/test_chat_crashes.py

and ``ORDERCAST_TEST_SEED`` chooses what befalls whom.
"""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.postgres import Postgres

from .chats import PEOPLE, Conversation
from .listener import Listener
from .nodes import site_of
from .shop import Shop

Listen = Callable[..., Listener]
pytestmark = [pytest.mark.node, pytest.mark.xdist_group("nodes")]

MESSAGES = int(os.environ.get("ORDERCAST_TEST_CHAT", "96"))
DISASTERS = max(4, MESSAGES // 60)
HEARTBEAT = {"ORDERCAST_PING_INTERVAL_MS": "2000", "ORDERCAST_PING_TIMEOUT_MS": "2000"}


def test_a_chat_on_sqlite_is_whole_whatever_befalls_it(tmp_path: Path, listen: Listen, chance: random.Random) -> None:
    shop = Shop(tmp_path, HEARTBEAT)
    shop.start()

    def query(statement: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(shop.database, timeout=60)) as connection:
            return connection.execute(statement).fetchall()

    try:
        chat = Conversation([shop], query, chance, MESSAGES // PEOPLE)
        with chat.talking(listen) as crowd:
            chat.befall(crowd, [chat.cut, chat.cut, chat.kill], DISASTERS)
    finally:
        shop.kill()


def test_a_chat_of_two_nodes_on_postgresql_is_whole_whatever_befalls_it(
    tmp_path: Path, listen: Listen, postgres_server: Postgres, demo_template: str, chance: random.Random
) -> None:
    with site_of(tmp_path, postgres_server, demo_template, "one", "two", environ=HEARTBEAT) as site:
        chat = Conversation([node.shop for node in site.nodes], site.execute, chance, MESSAGES // PEOPLE)
        with chat.talking(listen) as crowd:
            chat.befall(crowd, [chat.cut, chat.cut, chat.kill], DISASTERS)
