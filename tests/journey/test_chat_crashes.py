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
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.postgres import Postgres

from .chats import PEOPLE, Conversation
from .listener import Listener
from .nodes import Site, site_of
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


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, postgres_server: Postgres, demo_template: str) -> Iterator[Site]:
    """Two nodes that share PostgreSQL and no Redis."""
    folder = tmp_path_factory.mktemp("chat")
    with site_of(folder, postgres_server, demo_template, "one", "two", environ=HEARTBEAT) as site:
        yield site


def test_a_chat_of_two_nodes_on_postgresql_is_whole_whatever_befalls_it(
    site: Site, listen: Listen, chance: random.Random
) -> None:
    chat = Conversation([node.shop for node in site.nodes], site.execute, chance, MESSAGES // PEOPLE)
    with chat.talking(listen) as crowd:
        chat.befall(crowd, [chat.cut, chat.cut, chat.kill], DISASTERS)


def test_who_is_on_another_node_is_present_until_it_dies_and_no_ghost_when_it_is_back(
    site: Site, listen: Listen, chance: random.Random
) -> None:
    chat = Conversation([node.shop for node in site.nodes], site.execute, chance, 0)
    first, second = (node.shop for node in site.nodes)
    tokens = iter(chat.tokens.values())

    def enter(shop: Shop, token: str) -> Listener:
        client = listen(shop.url, auth={"token": token}, transports=["websocket"], reconnection=False)
        client.wait_for_event("ready")
        client.emit("watch_conversation", {"conversationId": chat.id})
        return client

    def people(client: Listener) -> dict[str, int]:
        events = client.events("participants")
        found = events[-1]["args"][0]["participants"] if events else []
        return {each["participant"]: each["people"] for each in found}

    watcher = enter(first, next(tokens))
    buyers = [enter(second, chat.tokens[f"buyer{number}"]) for number in range(2)]
    watcher.wait_for(lambda client: people(client) == {"store": 1, "customer": 1})
    buyers[0].wait_for(lambda client: people(client) == {"store": 1, "customer": 1})

    second.kill()
    watcher.wait_for(lambda client: people(client) == {"store": 1})
    left = [name for each in watcher.events("participants") for name in each["args"][0]["left"]]
    assert left == ["customer"], "two tabs of one person leave once"

    second.start()
    clerk = enter(second, next(tokens))
    watcher.wait_for(lambda client: people(client) == {"store": 2})
    clerk.wait_for(lambda client: people(client) == {"store": 2})
    clerk.emit("typing", {"conversationId": chat.id})
    ((typing),) = watcher.wait_for_event("typing")
    assert (typing["args"][0]["participant"], typing["args"][0]["typing"]) == ("store", True)
