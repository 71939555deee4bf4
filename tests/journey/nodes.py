"""One shop on PostgreSQL that several nodes serve, each on ways of its own, which may be cut."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.forked import run
from tests.postgres import Postgres
from tests.valkey import Valkey
from tests.waiting import eventually

from .cutting_proxy import CuttingProxy
from .shop import Shop

SECRET = secrets.token_hex(32)
PATIENCE_S = 60.0
_LEADS = re.compile(r"^ordercast_feed_leading 1", re.MULTILINE)


class Node:
    """One `ordercast serve`. `to_postgres` and `to_valkey` are its ways to them."""

    def __init__(
        self,
        name: str,
        folder: Path,
        environ: Mapping[str, str],
        to_postgres: CuttingProxy,
        to_valkey: CuttingProxy | None,
    ) -> None:
        self.name = name
        self.to_postgres = to_postgres
        self.to_valkey = to_valkey
        folder.mkdir()
        self.shop = Shop(folder, {"ORDERCAST_NODE": name, "ORDERCAST_SECRET": SECRET, **environ})

    def __repr__(self) -> str:
        return f"<Node {self.name}>"

    @property
    def url(self) -> str:
        return self.shop.url

    @property
    def leads(self) -> bool:
        """Whether it numbers the feed."""
        return self.shop.is_up and bool(_LEADS.search(httpx.get(f"{self.url}/metrics").text))


class Site:
    """A database of `postgres`, and the nodes that serve it."""

    def __init__(self, postgres: Postgres, database: str, nodes: list[Node]) -> None:
        self.postgres = postgres
        self.database = database
        self.nodes = nodes

    def start(self) -> None:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda node: node.shop.start(), self.nodes))

    def leader_and_other(self) -> tuple[Node, Node]:
        """Who numbers the feed, and one who does not; waits until somebody does."""
        leader = eventually(lambda: next((node for node in self.nodes if node.leads), None))
        return leader, next(node for node in self.nodes if node is not leader)

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        return self.postgres.execute(statement, self.database)


@contextmanager
def site_of(
    folder: Path,
    postgres: Postgres,
    template: str,
    *names: str,
    valkey: Valkey | None = None,
    environ: Mapping[str, str] | None = None,
) -> Iterator[Site]:
    """Nodes with these names on a copy of `template`, started; they are killed when the block ends."""
    with ExitStack() as ways:
        database = postgres.new_database(template)
        nodes = []
        for name in names:
            to_postgres = ways.enter_context(CuttingProxy(postgres.port))
            to_valkey = ways.enter_context(CuttingProxy(valkey.port)) if valkey else None
            ours = {"ORDERCAST_DATABASE_URL": postgres.url(database, port=to_postgres.port), **(environ or {})}
            if to_valkey is not None:
                ours["ORDERCAST_REDIS_URL"] = f"redis://127.0.0.1:{to_valkey.port}"
            nodes.append(Node(name, folder / name, ours, to_postgres, to_valkey))
        site = Site(postgres, database, nodes)
        try:
            site.start()
            yield site
        finally:
            for node in nodes:
                node.shop.kill()
            postgres.drop(database)


def seed_demo(database_url: str) -> None:
    """Fill a migrated database, as an operator does."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ORDERCAST_")}
    environ |= {"ORDERCAST_DATABASE_URL": database_url, "ORDERCAST_SECRET": SECRET}
    run(["demo"], cwd=Path(), env=environ).check_returncode()
