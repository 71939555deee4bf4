"""Several nodes serve one shop: what is committed on any of them is heard on all, also when one of them, or the
database, is killed, silent or out of reach.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.postgres import Postgres
from tests.waiting import eventually

from .cutting_proxy import CuttingProxy
from .listener import Listener
from .nodes import Node, Site, site_of

Listen = Callable[..., Listener]
pytestmark = [pytest.mark.node, pytest.mark.xdist_group("nodes")]
figures = logging.getLogger("tests.figures")

# Another node numbers the feed within LEASE_MS and a look, and a busy machine has a second more.
TAKEN_OVER_S_MAX = 60.0
# No request waits longer for a database that refuses.
REFUSED_S_MAX = 60.0
CHANGES = {"orderStatusUpdated", "order_update"}
WAYS = {"websocket": ["websocket"], "polling": ["polling"], "upgrade": ["polling", "websocket"]}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, postgres_server: Postgres, demo_template: str) -> Iterator[Site]:
    """Two nodes for all tests of the file; each leaves them as it found them."""
    folder: Path = tmp_path_factory.mktemp("site")
    with site_of(folder, postgres_server, demo_template, "one", "two") as site:
        yield site


def staff(listen: Listen, node: Node | CuttingProxy, **options: Any) -> Listener:
    token = options.pop("token")
    client = listen(node.url, auth={"token": token}, **options)
    client.wait_for_connection()
    return client


def heard(client: Listener, name: str = "newOrder") -> list[str]:
    return [event["args"][0]["id"] for event in client.events(name)]


def hears(client: Listener, *orders: dict[str, Any], timeout_s: float = 60.0) -> None:
    """Each of the orders, once, in order, and no others."""
    wanted = [order["id"] for order in orders]
    client.wait_for(lambda listener: len(heard(listener)) >= len(wanted), timeout_s)
    assert heard(client) == heard_short(client) == wanted
    assert client.events("resync") == []


def heard_short(client: Listener) -> list[str]:
    return [event["args"][0]["order"]["id"] for event in client.events("new_order")]


# --- Both well --------------------------------------------------------------------------------------------------------


def test_what_is_ordered_on_either_node_is_heard_once_on_both(site: Site, listen: Listen) -> None:
    one, two = site.nodes
    clients = [staff(listen, node, token=one.shop.token()) for node in (one, two)]

    orders = [one.shop.place(), two.shop.place(), one.shop.place()]

    for client in clients:
        hears(client, *orders)


def test_what_a_screen_of_one_node_has_painted_is_known_on_the_other_though_the_first_is_killed(
    site: Site, listen: Listen
) -> None:
    one, two = site.nodes
    clients = [staff(listen, node, token=node.shop.token(sub=f"usr_{node.name}")) for node in (one, two)]
    order = one.shop.place()
    for client in clients:
        client.wait_for_event("newOrder")
        client.emit("notice_received", {"orderIds": [order["id"]]})
        (ack,) = client.wait_for(lambda listener: listener.of_kind("ack"))
        assert ack["args"] == [{"data": {"unknown": []}, "error": None}]
    one.shop.kill()

    answer = httpx.get(
        f"{two.url}/api/orders/{order['id']}/notice", headers={"authorization": f"Bearer {two.shop.token()}"}
    )
    received = answer.raise_for_status().json()["received"]
    assert (received["by"], received["screens"]) == ("store:usr_one", 2)
    one.shop.start()


@pytest.mark.parametrize("lost", [CuttingProxy.cut, CuttingProxy.abandon])
@pytest.mark.parametrize("way", WAYS)
def test_who_comes_back_to_another_node_hears_what_it_missed(
    site: Site, listen: Listen, way: str, lost: Callable[[CuttingProxy], None]
) -> None:
    one, two = site.nodes
    with CuttingProxy(one.shop.port) as road:
        client = staff(listen, road, token=one.shop.token(), transports=WAYS[way])
        before = one.shop.place()
        client.wait_for_event("newOrder")

        with road.outage():
            lost(road)
            client.wait_for(lambda listener: listener.of_kind("disconnect"))
            missed = [one.shop.place(), two.shop.place()]
            road.server_port = two.shop.port
        again = client.wait_for_connection(count=2)
        after = one.shop.place()

        hears(client, before, *missed, after)
        assert again["recovered"]
        assert again["id"] == client.of_kind("connect")[0]["id"]


def test_who_watches_on_one_node_misses_no_change_made_elsewhere(site: Site, listen: Listen) -> None:
    """Changes go on before, while and after the watch begins: by the other node, and by psql."""
    one, two = site.nodes
    order = one.shop.place()
    client = staff(listen, two, token=one.shop.token())
    last = 41
    changing = threading.Thread(target=_change, args=(site, one, order, last))
    changing.start()
    eventually(lambda: site.execute(f"SELECT version > 8 FROM orders WHERE id = '{order['id']}'")[0][0])

    client.emit("watch_order", {"orderId": order["id"]})
    (ack,) = client.wait_for(lambda listener: listener.of_kind("ack"))
    changing.join()

    snapshot = ack["args"][0]["data"]
    versions = client.wait_for(lambda listener: (found := _versions(listener, order)) and last in found and found)
    later = [version for version in versions if version > snapshot["order"]["version"]]
    assert later == list(range(snapshot["order"]["version"] + 1, last + 1))
    assert len(later) > 5
    assert versions == sorted(set(versions))


def _change(site: Site, node: Node, order: dict[str, Any], last: int) -> None:
    headers = _bearer(node)
    for version in range(1, last, 2):
        status = ["on_hold", "pending"][version // 2 % 2]
        move = {"status": status, "version": version, "reason": "a customer who cannot decide"}
        httpx.post(f"{node.url}/api/orders/{order['id']}/status", json=move, headers=headers).raise_for_status()
        site.postgres.psql(site.database, f"UPDATE orders SET customer_name = 'V{version}' WHERE id = '{order['id']}'")


def _versions(client: Listener, order: dict[str, Any]) -> list[int]:
    """Of the order's changes, as they came."""
    changes = [each["args"][0] for each in client.of_kind("event") if each["event"] in CHANGES]
    return [change["version"] for change in changes if order["id"] in {change.get("orderId"), change["id"]}]


def test_a_token_revoked_on_one_node_ends_its_sockets_on_the_other(site: Site, listen: Listen) -> None:
    one, two = site.nodes
    client = staff(listen, two, token=one.shop.token(sub="usr_leaver"))
    stays = staff(listen, two, token=one.shop.token(sub="usr_stayer"))

    headers = {"authorization": f"Bearer {one.shop.token('admin')}"}
    httpx.post(f"{one.url}/api/auth/revoke", json={"name": "usr_leaver"}, headers=headers).raise_for_status()

    client.wait_for(lambda listener: listener.of_kind("disconnect"))
    assert client.of_kind("disconnect")[0]["reason"] == "io server disconnect"
    order = one.shop.place()
    hears(stays, order)
    assert heard(client) == []


# --- The one that numbers the feed ------------------------------------------------------------------------------------


def test_when_the_leading_node_is_killed_the_other_tells_what_is_ordered(site: Site, listen: Listen) -> None:
    leader, other = site.leader_and_other()
    client = staff(listen, other, token=other.shop.token())

    leader.shop.kill()
    order = _heard_soon(client, other, "the leading node was killed")

    leader.shop.start()
    back = staff(listen, leader, token=other.shop.token())
    later = leader.shop.place()
    hears(client, order, later)
    hears(back, later)


def test_when_the_leading_node_is_silent_the_other_tells_what_is_ordered(site: Site, listen: Listen) -> None:
    leader, other = site.leader_and_other()
    clients = [staff(listen, node, token=other.shop.token()) for node in (leader, other)]

    with leader.shop.stopped():
        order = _heard_soon(clients[1], other, "the leading node was stopped")
        assert eventually(lambda: other.leads)

    later = leader.shop.place()
    for client in clients:
        hears(client, order, later)
    assert not leader.leads


@pytest.mark.parametrize("lost", [CuttingProxy.cut, CuttingProxy.abandon, CuttingProxy.blackhole])
def test_a_leading_node_that_loses_the_database_comes_back_to_it(
    site: Site, listen: Listen, lost: Callable[[CuttingProxy], None]
) -> None:
    leader, other = site.leader_and_other()
    clients = [staff(listen, node, token=other.shop.token()) for node in (leader, other)]

    with leader.to_postgres.outage():
        lost(leader.to_postgres)
        order = _heard_soon(clients[1], other, f"the leading node lost the database ({lost.__name__})")
        assert eventually(lambda: _readiness(leader)[1])
    leader.to_postgres.cut()  # as TCP does, of a peer that answers to nothing

    hears(clients[0], order)
    eventually(partial(_is_ready, leader))
    later = leader.shop.place()
    for client in clients:
        hears(client, order, later)


def _heard_soon(client: Listener, node: Node, after: str) -> dict[str, Any]:
    began = time.monotonic()
    order = node.shop.place()
    hears(client, order)
    took_s = client.events("newOrder")[-1]["at"] - began
    figures.info("%s: an order was heard %.2f s later", after, took_s)
    assert took_s < TAKEN_OVER_S_MAX
    return order


def _readiness(node: Node) -> tuple[int, list[str]]:
    answer = httpx.get(f"{node.url}/health/ready", timeout=REFUSED_S_MAX)
    return answer.status_code, answer.json().get("faults", [])


def _is_ready(node: Node) -> bool:
    return _readiness(node) == (200, [])


# --- The database -----------------------------------------------------------------------------------------------------


def test_while_the_database_is_killed_requests_are_refused_and_then_all_goes_on(site: Site, listen: Listen) -> None:
    one, two = site.nodes
    clients = [staff(listen, node, token=one.shop.token(), transports=WAYS["websocket"]) for node in (one, two)]
    before = one.shop.place()
    body = one.shop.order()
    site.postgres.kill()
    try:
        for node in (one, two):
            for answer in (
                httpx.post(f"{node.url}/api/orders", json=body, timeout=REFUSED_S_MAX),
                httpx.get(f"{node.url}/api/orders/{before['id']}", headers=_bearer(one), timeout=REFUSED_S_MAX),
            ):
                assert answer.status_code == 503, answer.text
                assert answer.headers["content-type"].startswith("application/problem+json")
                assert answer.json()["type"] == "/problems/store-unavailable"
            status, faults = _readiness(node)
            assert status == 503
            assert faults
            assert httpx.get(f"{node.url}/health/live").status_code == 200
    finally:
        site.postgres.start()

    for node in (one, two):
        eventually(partial(_is_ready, node))
    after = [one.shop.place(), two.shop.place()]
    for client in clients:
        hears(client, before, *after)
        assert len(client.of_kind("connect")) == 1


def _bearer(node: Node) -> dict[str, str]:
    return {"authorization": f"Bearer {node.shop.token()}"}


def test_while_the_database_is_silent_requests_wait_and_none_is_lost(site: Site, listen: Listen) -> None:
    """Stopped for 8 s, it keeps its connections and answers nothing."""
    one, two = site.nodes
    clients = [staff(listen, node, token=one.shop.token()) for node in (one, two)]
    body = one.shop.order()
    with ThreadPoolExecutor() as pool, site.postgres.stopped():
        # An answer is a second old at most.
        eventually(lambda: [_readiness(node)[0] for node in (one, two)] == [503, 503])
        began = time.monotonic()
        asked = [pool.submit(httpx.post, f"{node.url}/api/orders", json=body, timeout=60) for node in (one, two)]
        for node, client in zip((one, two), clients, strict=True):
            assert httpx.get(f"{node.url}/health/live", timeout=20).status_code == 200
            client.emit("echo", "still there")
            client.wait_for(lambda listener: listener.of_kind("ack"), timeout_s=2)
        time.sleep(8 - (time.monotonic() - began))
    answers = [each.result() for each in asked]
    figures.info(
        "the database was silent for 8 s: orders %s, answered after %.1f s",
        [answer.status_code for answer in answers], time.monotonic() - began,
    )  # fmt: skip

    assert {answer.status_code for answer in answers} <= {201, 503}
    last = one.shop.place()
    committed = site.execute(f"SELECT id FROM orders WHERE number <= {last['number']} ORDER BY number DESC LIMIT 3")
    kept = {row[0] for row in committed} & {order["id"] for order in map(httpx.Response.json, answers) if "id" in order}
    assert kept == {answer.json()["id"] for answer in answers if answer.status_code == 201}
    for client in clients:
        client.wait_for(lambda listener: last["id"] in heard(listener))
        assert kept <= set(heard(client))
        assert len(heard(client)) == len(set(heard(client)))
        assert client.events("resync") == []
