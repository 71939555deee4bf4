"""Webhooks of a running shop: a node is killed between making a delivery and noting it, and nothing is lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from tests.outgoing.places import Reply, Request, serving
from tests.postgres import Postgres
from tests.waiting import eventually

from .nodes import site_of
from .shop import Shop

ENVIRON = {"ORDERCAST_OUTGOING_NETWORKS": "127.0.0.1"}


@dataclass
class Erp:
    """Two systems behind one port: `/slow` keeps its first request until it is let go, `/quick` answers at once."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    let_go: threading.Event = field(default_factory=threading.Event)

    def answer(self, request: Request) -> Reply:
        self.requests.append(request)
        if request.path == "/slow":
            self.let_go.wait()
        return Reply(204)

    def of(self, path: str) -> list[dict[str, Any]]:
        """What one of them was sent, in the order in which it came."""
        return [json.loads(request.body) for request in list(self.requests) if request.path == path]

    def has(self, path: str, count: int) -> bool:
        return len({event["id"] for event in self.of(path)}) >= count


@contextmanager
def erp() -> Iterator[Erp]:
    found = Erp()
    with serving(found.answer) as port:
        found.port = port
        try:
            yield found
        finally:
            found.let_go.set()


def subscribe(shop: Shop, erp: Erp, path: str) -> str:
    """Have it sent what becomes of orders; gives its secret."""
    body = {"url": f"http://127.0.0.1:{erp.port}{path}", "events": ["order.*"]}
    headers = {"authorization": f"Bearer {shop.token('admin')}"}
    answer = httpx.post(f"{shop.url}/api/webhook-endpoints", json=body, headers=headers)
    secret: str = answer.raise_for_status().json()["secret"]
    return secret


def trade(shop: Shop) -> dict[str, Any]:
    """An order that is placed and accepted."""
    order = shop.place()
    assert shop.move(order, "processing", shop.token()).status_code == 200
    return order


def check(erp: Erp, path: str, secret: str, orders: list[dict[str, Any]]) -> None:
    """Each event at least once, each order's in turn, and what came twice is the same."""
    seen = erp.of(path)
    firsts = {event["id"]: event for event in reversed(seen)}
    assert all(event == firsts[event["id"]] for event in seen)
    for order in orders:
        told = [event for event in firsts.values() if event["data"]["order"]["id"] == order["id"]]
        assert sorted(event["type"] for event in told) == ["order.placed", "order.status_changed"]
        placed, moved = sorted(told, key=lambda event: int(event["seq"]))
        assert placed["type"] == "order.placed"
        ids = [event["id"] for event in seen]
        assert ids.index(placed["id"]) < ids.index(moved["id"])
        assert max(place for place, id_ in enumerate(ids) if id_ == placed["id"]) < ids.index(moved["id"])
    for request in erp.requests:
        if request.path == path:
            Webhook(secret).verify(request.body, dict(request.headers))


def test_a_kill_between_sending_and_noting_loses_nothing_and_doubles_under_the_same_id(tmp_path: Path) -> None:
    shop = Shop(tmp_path, ENVIRON)
    with erp() as systems:
        shop.start()
        try:
            secret = subscribe(shop, systems, "/slow")
            orders = [trade(shop)]
            eventually(lambda: systems.of("/slow"))
            orders.append(trade(shop))  # made, perhaps, and not sent
            shop.kill()
            systems.let_go.set()
            shop.start()
            orders.append(trade(shop))
            eventually(lambda: systems.has("/slow", 6))
        finally:
            shop.kill()
        ids = [event["id"] for event in systems.of("/slow")]
        assert ids.count(ids[0]) >= 2
        check(systems, "/slow", secret, orders)


@pytest.mark.xdist_group("nodes")
def test_another_node_goes_on_where_the_killed_one_was(
    tmp_path: Path, postgres_server: Postgres, demo_template: str
) -> None:
    with (
        erp() as systems,
        site_of(tmp_path, postgres_server, demo_template, "one", "two", environ=ENVIRON) as site,
    ):
        leader, other = site.leader_and_other()
        secrets = {path: subscribe(other.shop, systems, path) for path in ("/slow", "/quick")}
        orders = [trade(other.shop)]
        eventually(lambda: systems.of("/slow") and systems.has("/quick", 2))
        leader.shop.kill()
        systems.let_go.set()
        orders.append(trade(other.shop))
        eventually(lambda: systems.has("/slow", 4) and systems.has("/quick", 4))
        for path, secret in secrets.items():
            check(systems, path, secret, orders)
