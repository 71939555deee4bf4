"""Who hears of attached tables: stock clients on two nodes, with rooms from claims and rooms that a question allows."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from tests.attach.conftest import PRISMA
from tests.forked import run
from tests.postgres import Postgres
from tests.waiting import eventually

from .listener import Listener
from .nodes import SECRET
from .shop import Shop

Listen = Callable[..., Listener]
pytestmark = [pytest.mark.node, pytest.mark.xdist_group("attach")]

MAPPING = """
[shop]
built_in = false

[rooms]
vendor = ["city_{cities}"]

[[room]]
name = "order_{id}"
sql = 'SELECT 1 FROM "Order" WHERE id = :id AND "customerId" = :sub'
roles = ["customer"]
tables = ["Order"]

[[emit]]
table = "Order"
on = ["insert", "update"]
event = "order_changed"
rooms = ["order_{id}", "city_{shipping.city}"]
payload = "{total}"

[[watch]]
table = "Order"
rooms = ["order_{id}", "city_{shipping.city}"]
columns = ["total", "customerId"]
"""


class TwoNodes:
    def __init__(self, folder: Path, postgres: Postgres, database: str) -> None:
        self.postgres, self.database = postgres, database
        environ = {"ORDERCAST_DATABASE_URL": postgres.url(database), "ORDERCAST_DEMO": "false"}
        self.nodes = []
        for name in ("a", "b"):
            (folder / name).mkdir()
            (folder / name / "ordercast.toml").write_text(MAPPING)
            self.nodes.append(Shop(folder / name, {**environ, "ORDERCAST_SECRET": SECRET, "ORDERCAST_NODE": name}))
        outer = {name: value for name, value in os.environ.items() if not name.startswith("ORDERCAST_")}
        done = run(["attach", "--apply"], cwd=folder / "a", env={**outer, **environ})
        assert done.returncode == 0, done.stdout + done.stderr
        for node in self.nodes:
            node.start()

    def do(self, statement: str) -> list[tuple[Any, ...]]:
        return self.postgres.execute(statement, self.database)

    def order(self, customer: str, city: str = "Dhaka") -> str:
        ((id_,),) = self.do(
            f"""INSERT INTO "Order" ("customerId", total, shipping)
            VALUES ('{customer}', 1, '{{"city": "{city}"}}') RETURNING id"""
        )
        return str(id_)

    def change(self, order: str, total: int) -> None:
        self.do(f"""UPDATE "Order" SET total = {total} WHERE id = '{order}'""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, postgres_server: Postgres) -> Iterator[TwoNodes]:
    database = postgres_server.new_database()
    for statement in PRISMA.split(";\n"):
        if statement.strip():
            postgres_server.execute(statement, database)
    site = TwoNodes(tmp_path_factory.mktemp("who"), postgres_server, database)
    yield site
    for node in site.nodes:
        node.kill()
    postgres_server.drop(database)


def token(sub: str, role: str, **claims: Any) -> str:
    return jwt.encode({"sub": sub, "role": role, "exp": int(time.time()) + 3600, **claims}, SECRET, "HS256")


def totals(client: Listener) -> list[int]:
    return [event["args"][0] for event in client.events("order_changed")]


def asked(client: Listener, event: str, *args: Any) -> dict[str, Any]:
    """Send a command; gives its ack."""
    before = len(client.of_kind("ack"))
    client.emit(event, *args)
    client.wait_for(lambda listener: len(listener.of_kind("ack")) > before)
    ack: dict[str, Any] = client.of_kind("ack")[before]["args"][0]
    return ack


def test_a_room_is_heard_for_as_long_as_its_question_is_answered_by_yes(site: TwoNodes, listen: Listen) -> None:
    order, other = site.order("c1"), site.order("c2")
    buyers = [listen(node.url, auth={"token": token("c1", "customer")}) for node in site.nodes]
    polling = listen(site.nodes[0].url, auth={"token": token("c1", "customer")}, transports=["polling"])
    for buyer in (*buyers, polling):
        buyer.wait_for_connection()
        assert asked(buyer, "join_room", {"room": f"order_{other}"})["error"]["code"] == "not_permitted"
        assert asked(buyer, "join_room", {"room": "order_4711"})["error"]["code"] == "not_permitted"
        assert asked(buyer, "join_room", {"room": f"order_{order}"})["data"]["room"] == f"order_{order}"

    site.change(order, 2)
    site.change(other, 3)
    for buyer in (*buyers, polling):
        buyer.wait_for_event("order_changed")

    site.do(f"""UPDATE "Order" SET "customerId" = 'c2' WHERE id = '{order}'""")
    for buyer in (*buyers, polling):
        (left,) = buyer.wait_for_event("room_left")
        assert (left["args"][0]["room"], left["args"][0]["reason"]) == (f"order_{order}", "not_allowed")
    # What was told up to that moment may have been heard; nothing behind it is.
    site.change(order, 99)
    for node in site.nodes:
        httpx.post(
            f"{node.url}/api/emit",
            json={"event": "mark", "rooms": ["user_c1"], "args": []},
            headers={"Authorization": f"Bearer {token('backend', 'service')}"},
        ).raise_for_status()
    for buyer in (*buyers, polling):
        buyer.wait_for_event("mark", 2)
        assert 99 not in totals(buyer)
        assert totals(buyer)[0] == 2


def test_a_claims_rooms_are_heard_by_a_stock_client_in_python(site: TwoNodes, listen: Listen) -> None:
    vendor = listen(
        site.nodes[1].url,
        script="listener.py",
        auth={"token": token("v9", "vendor", cities=["Sylhet", "Khulna"])},
        transports=["websocket"],
    )
    vendor.wait_for_connection()
    vendor.wait_for_event("ready")
    for city, total in (("Dhaka", 10), ("Sylhet", 11), ("Khulna", 12)):
        site.change(site.order("c1", city), total)
    vendor.wait_for(lambda client: 12 in totals(client))
    assert totals(vendor) == [1, 11, 1, 12]
    polling = listen(site.nodes[0].url, auth={"token": token("v9", "vendor", cities="Bogra")}, transports=["polling"])
    polling.wait_for_connection()
    # Asked of one node, it ends what the person has on every one.
    httpx.post(
        f"{site.nodes[0].url}/api/auth/revoke",
        json={"name": "v9"},
        headers={"Authorization": f"Bearer {token('usr_1', 'admin')}"},
    ).raise_for_status()
    for client in (vendor, polling):
        (revoked,) = client.wait_for_event("auth_revoked")
        assert revoked["args"][0]["code"] == "token_revoked"
        client.wait_for(lambda listener: listener.of_kind("disconnect"))
    site.change(site.order("c1", "Sylhet"), 13)
    assert totals(vendor) == [1, 11, 1, 12]


def test_what_is_asked_for_is_had_again_after_a_kill_if_it_is_still_allowed(site: TwoNodes, listen: Listen) -> None:
    node = site.nodes[0]
    kept, lost = site.order("c1"), site.order("c1")
    buyer = listen(node.url, auth={"token": token("c1", "customer")})
    buyer.wait_for_connection()
    for order in (kept, lost):
        asked(buyer, "join_room", {"room": f"order_{order}"})
    sessions = "SELECT count(*) FROM ordercast.sessions WHERE strpos(CAST(rooms AS text), '{}') > 0"
    eventually(lambda: site.do(sessions.format(lost)) == [(1,)])
    node.kill()
    site.do(f"""UPDATE "Order" SET "customerId" = 'c2' WHERE id = '{lost}'""")
    site.change(lost, 20)
    site.change(kept, 21)
    node.start()
    (left,) = buyer.wait_for_event("room_left")
    assert left["args"][0]["room"] == f"order_{lost}"
    buyer.wait_for_event("order_changed")
    site.change(kept, 22)
    buyer.wait_for_event("order_changed", 2)
    assert totals(buyer) == [21, 22]
    me = asked(buyer, "whoami", {})["data"]
    assert [(each["room"], each["reason"]) for each in me["rooms"]] == [
        ("customer_c1", "role"), ("user_c1", "role"), (f"order_{kept}", "rule"),
    ]  # fmt: skip
    answer = httpx.get(f"{node.url}/api/whoami", headers={"Authorization": f"Bearer {token('v2', 'vendor', cities=1)}"})
    assert answer.json()["rooms"] == [{"room": "city_1", "reason": "claim", "by": "vendor: city_{cities}"}]
    eventually(lambda: httpx.get(f"{node.url}/health/ready").json()["status"] == "ready")


def of_rows(client: Listener) -> list[tuple[str, Any]]:
    """What was told of rows: the event, and the total."""
    names = ("row_entered", "row_changed", "row_left")
    told = [(entry["event"], entry["args"][0]) for entry in client.of_kind("event") if entry["event"] in names]
    return [(event, payload.get("row", {}).get("total")) for event, payload in told]


def test_rows_are_watched_on_any_node_by_claims_and_for_as_long_as_a_rule_allows(
    site: TwoNodes, listen: Listen
) -> None:
    order = site.order("c1", "Sylhet")
    vendors = [
        listen(node.url, auth={"token": token("v1", "vendor", cities=["Sylhet", "Khulna"])}) for node in site.nodes
    ]
    buyer = listen(site.nodes[1].url, auth={"token": token("c1", "customer")})
    for client in (*vendors, buyer):
        client.wait_for_connection()
        assert (asked(client, "watch", {"table": "Order"})["data"]["rows"] != []) == (client is not buyer)
    assert asked(buyer, "join_room", {"room": f"order_{order}"})["error"] is None
    # Other rows may be seen now: who watches is told to ask again.
    (resync,) = buyer.wait_for_event("resync")
    assert resync["args"][0] == {"reason": "rights_changed"}
    (row,) = asked(buyer, "watch", {"table": "Order"})["data"]["rows"]
    assert row["row"] == {"total": 1, "customerId": "c1"}

    site.change(order, 2)
    for client in (*vendors, buyer):
        client.wait_for(lambda listener: of_rows(listener) == [("row_changed", 2)])
    site.do(f"""UPDATE "Order" SET "customerId" = 'c2', total = 50 WHERE id = '{order}'""")
    buyer.wait_for_event("room_left")
    buyer.wait_for_event("resync", 2)
    assert asked(buyer, "watch", {"table": "Order"})["data"]["rows"] == []
    site.change(order, 99)
    for vendor in vendors:
        vendor.wait_for(lambda listener: of_rows(listener)[-1] == ("row_changed", 99))
    assert asked(buyer, "echo", {"n": 1}) == {"n": 1}
    assert ("row_changed", 99) not in of_rows(buyer)
    site.do(f"""UPDATE "Order" SET shipping = '{{"city": "Rajshahi"}}' WHERE id = '{order}'""")
    for vendor in vendors:
        vendor.wait_for(lambda listener: of_rows(listener)[-1] == ("row_left", None))
