"""The tables of a shop that is there already, on PostgreSQL: stock clients hear what is committed to them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.attach.conftest import PRISMA
from tests.attach.test_postgresql import NEW_ORDER
from tests.forked import run
from tests.postgres import Postgres
from tests.waiting import eventually

from .listener import Listener
from .nodes import SECRET
from .shop import Shop

Listen = Callable[..., Listener]
pytestmark = [pytest.mark.node, pytest.mark.xdist_group("attach")]

RENAMED = """
[[emit]]
name = "renamed"
table = "Customer"
on = ["update"]
event = "customer_renamed"
rooms = ["store-owners"]
payload = { id = "{id}", from = "{old.name}", to = "{name}", half = "{half}" }
[emit.sql]
half = "1 / (length(NEW.name) - 5)"
"""


class AttachedSite:
    """An operator at a database of another program, and the node that serves it."""

    def __init__(self, folder: Path, postgres: Postgres, database: str) -> None:
        self.postgres = postgres
        self.database = database
        self.folder = folder
        (folder / "ordercast.toml").write_text(NEW_ORDER + RENAMED)
        self.environ = {"ORDERCAST_DATABASE_URL": postgres.url(database), "ORDERCAST_DEMO": "false"}
        self.shop = Shop(folder, {**self.environ, "ORDERCAST_SECRET": SECRET})

    def command(self, *words: str) -> Any:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("ORDERCAST_")}
        return run([*words], cwd=self.folder, env={**environ, **self.environ})

    def do(self, statement: str) -> list[tuple[Any, ...]]:
        return self.postgres.execute(statement, self.database)

    def order(self, total: int) -> None:
        self.do(f"""INSERT INTO "Order" ("customerId", "total") VALUES ('c1', {total})""")

    def health(self) -> dict[str, Any]:
        return {"warnings": [], **httpx.get(f"{self.shop.url}/health/ready").json()}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, postgres_server: Postgres) -> Iterator[AttachedSite]:
    database = postgres_server.new_database()
    for statement in PRISMA.split(";\n"):
        if statement.strip():
            postgres_server.execute(statement, database)
    site = AttachedSite(tmp_path_factory.mktemp("attached"), postgres_server, database)
    done = site.command("attach", "--apply")
    assert done.returncode == 0, done.stderr
    site.shop.start()
    yield site
    site.shop.kill()
    postgres_server.drop(database)


def totals(client: Listener) -> list[int]:
    return [event["args"][0]["order"]["total"] for event in client.events("new_order")]


def test_a_stock_client_hears_the_exact_new_order_of_a_prisma_shop(site: AttachedSite, listen: Listen) -> None:
    store = listen(site.shop.url, auth={"token": site.shop.token()})
    buyer, other = (
        listen(site.shop.url, auth={"token": site.shop.token("customer", sub=name)}) for name in ("c1", "c2")
    )
    for client in (store, buyer, other):
        client.wait_for_connection()

    site.order(24_000)

    for client in (store, buyer):
        (event,) = client.wait_for_event("new_order")
        told, offset = event["args"]
        assert told["type"] == "new_order"
        assert {**told["order"], "id": "", "createdAt": ""} == {
            "id": "", "status": "unpaid", "total": 24_000, "customerName": "Asha Rahman", "createdAt": "",
            "mobile": "+8801700000000", "customer_email": "asha@example.com",
        }  # fmt: skip
        assert told["order"]["createdAt"].endswith("Z")
        assert ":" in offset
    assert other.events("new_order") == []
    assert site.health()["status"] == "ready"
    assert "as ordercast.toml says, 2 events are told" in site.shop.output
    assert site.command("attach", "--check").stdout.startswith("All is as ordercast.toml says: 2 events are told.")


def test_nothing_is_missed_or_told_twice_over_a_kill(site: AttachedSite, listen: Listen) -> None:
    client = listen(site.shop.url, auth={"token": site.shop.token()})
    client.wait_for_connection()
    site.order(1)
    client.wait_for_event("new_order")
    site.shop.kill()
    site.order(2)
    site.shop.start()
    site.order(3)
    client.wait_for(lambda listener: len(totals(listener)) >= 3)
    assert totals(client) == [1, 2, 3]
    assert client.events("resync") == []


def test_what_a_mapping_cannot_tell_is_a_gap_and_readiness_says_so(site: AttachedSite, listen: Listen) -> None:
    client = listen(site.shop.url, auth={"token": site.shop.token()})
    client.wait_for_connection()
    site.do("""UPDATE "Customer" SET "name" = 'Zoe A' WHERE "id" = 'c2'""")
    (event,) = client.wait_for_event("resync")
    assert event["args"][0] == {"reason": "mapping_failed"}
    (warning,) = eventually(lambda: [each for each in site.health()["warnings"] if "division by zero" in each])
    assert warning.startswith("ordercast.toml:22: a change was not told, last of Customer c2 at ")
    assert site.health()["status"] == "degraded"
    assert 'ordercast_attach_errors{mapping="renamed"} 1' in httpx.get(f"{site.shop.url}/metrics").text

    site.do("""ALTER TABLE "Order" DISABLE TRIGGER USER""")
    eventually(lambda: any("is disabled, and no new_order is told" in each for each in site.health()["warnings"]))
    done = site.command("attach", "--check")
    assert (done.returncode, "ordercast.toml:4: the trigger on public.Order is disabled" in done.stderr) == (1, True)
    assert site.command("attach", "--apply").returncode == 0
    eventually(lambda: site.health()["status"] == "ready")


def test_without_the_shop_of_ours_there_is_the_live_server_alone(site: AttachedSite, listen: Listen) -> None:
    url, token = site.shop.url, site.shop.token("service")
    for path in ("/api/orders", "/api/products", "/shop", "/admin", "/"):
        assert httpx.get(f"{url}{path}", headers={"accept": "text/html"}).status_code == 404, path
    for path in ("/test-socket", "/health/live", "/metrics", "/openapi.json", "/docs", "/asyncapi.json"):
        assert httpx.get(f"{url}{path}").status_code == 200, path
    client = listen(url, auth={"token": site.shop.token()})
    client.wait_for_connection()
    body = {"event": "newOrder", "rooms": ["store-owners"], "args": [{"anything": 1}]}
    answer = httpx.post(f"{url}/api/emit", json=body, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 202, answer.text
    (event,) = client.wait_for_event("newOrder")
    assert event["args"][0] == {"anything": 1}
    site.do("""SELECT ordercast.publish('new_order', ARRAY['store-owners'], '[{"theirs": true}]')""")
    client.wait_for(lambda listener: listener.events("new_order"))
    assert client.events("new_order")[-1]["args"][0] == {"theirs": True}
    client.emit("watch_order", {"orderId": "x"})
    client.wait_for(lambda listener: listener.of_kind("ack"))
    assert client.of_kind("ack")[0]["args"][0]["error"]["code"] == "unknown_event"


def test_the_sql_is_printed_for_an_administrator(site: AttachedSite) -> None:
    printed = site.command("attach", "--print").stdout
    assert printed.startswith("BEGIN;\n")
    assert 'CREATE TRIGGER "00_ordercast_' in printed
    assert 'AFTER INSERT ON "public"."Order" FOR EACH ROW EXECUTE FUNCTION "ordercast".emit_' in printed


def test_a_fault_of_the_file_keeps_a_node_from_starting_and_names_its_line(site: AttachedSite, tmp_path: Path) -> None:
    (tmp_path / "ordercast.toml").write_text('[[emit]]\ntable = "Order"\non = "insert"\nevent = "e"\nrooms = "a"\n')
    environ = {**site.environ, "ORDERCAST_SECRET": SECRET, "PATH": os.environ["PATH"]}
    done = run(["serve"], cwd=tmp_path, env=environ)
    assert done.returncode == 2
    assert "ordercast.toml:5: rooms: expected a list, got a text" in done.stderr + done.stdout


def test_detach_leaves_a_shop_that_was_never_attached(site: AttachedSite) -> None:
    before = json.dumps(site.do('SELECT count(*) FROM "Order"'))
    site.shop.kill()
    assert site.command("detach").returncode == 0
    names = "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal"
    assert site.do(names) == [(0,)]
    assert site.do("SELECT count(*) FROM pg_namespace WHERE nspname = 'ordercast'") == [(0,)]
    assert json.dumps(site.do('SELECT count(*) FROM "Order"')) == before
