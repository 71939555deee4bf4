"""Two nodes of one shop behind a real nginx that runs the configuration of `deploy/`."""

from __future__ import annotations

import json
import logging
import re
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.peers import AT_ONCE_S

from .buyers import Buyers
from .listener import Listener
from .site import Site, running_site

Listen = Callable[..., Listener]
KINDS = ("polling", "upgrade", "websocket")
# Within this, clients of a node that has died are on the other one, whatever the machine has to do: the stock client
# waits 0.5 to 1.5 s by itself, and its ping timeout would take 45.
RECOVERED_WITHIN_S = 30.0
# Bounded per caller: a sixth one who is somebody else still gets 401.
FAILED_SIGN_INS = 10
# None comes back while a machine that is busy counts them.
SLOW = f"{FAILED_SIGN_INS}/10h"

figures = logging.getLogger("tests.figures")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running_site(tmp_path) as site:
        yield site


class Crowd:
    """`count` stock clients of each kind, with every option at its default."""

    def __init__(self, listen: Listen, site: Site, count: int, **options: Any) -> None:
        self.size = count * len(KINDS)
        self.listener = listen(site.url, script="crowd.mjs", counts=dict.fromkeys(KINDS, count), **options)

    def of_client(self, kind: str) -> dict[str, list[dict[str, Any]]]:
        """What each client noted of that kind, in order."""
        noted: dict[str, list[dict[str, Any]]] = {}
        for entry in list(self.listener.heard):
            if entry["kind"] == kind:
                noted.setdefault(entry["client"], []).append(entry)
        return noted

    def where(self) -> dict[str, str]:
        """The node that each client connected to last."""
        return {client: connects[-1]["node"] for client, connects in self.of_client("connect").items()}

    def wait_for_connections(self, count: int = 1) -> None:
        self.listener.wait_for(lambda _: self.connected_times(count), 60)

    def wait_until_nobody_is_on(self, node: str) -> None:
        self.listener.wait_for(lambda _: node not in self.where().values(), 60)

    def connected_times(self, count: int) -> bool:
        connects = self.of_client("connect")
        return len(connects) == self.size and all(len(each) >= count for each in connects.values())

    def heard(self, event: str) -> dict[str, list[dict[str, Any]]]:
        return {
            client: [entry for entry in entries if entry["event"] == event]
            for client, entries in self.of_client("event").items()
        }

    def wait_until_all_heard_of(self, order_id: str) -> None:
        def all_heard(_: Listener) -> bool:
            heard = self.heard("newOrder")
            return len(heard) == self.size and all(
                any(entry["id"] == order_id for entry in entries) for entries in heard.values()
            )

        self.listener.wait_for(all_heard, 60)

    def assert_all_heard_once_and_in_order(self, confirmed: set[str]) -> None:
        for client, entries in self.heard("newOrder").items():
            ids = [entry["id"] for entry in entries]
            assert len(ids) == len(set(ids)), f"{client} was told an order twice"
            assert confirmed <= set(ids), f"{client} was never told of a confirmed order"
            numbers = [entry["number"] for entry in entries]
            assert numbers == sorted(numbers), f"{client} was told out of order"


@pytest.mark.node
def test_every_client_connects_whatever_its_transport_and_both_nodes_have_some(site: Site, listen: Listen) -> None:
    crowd, slashless = Crowd(listen, site, 24), Crowd(listen, site, 2, addTrailingSlash=False)
    crowd.wait_for_connections()
    slashless.wait_for_connections()
    slashless.listener.wait_for(lambda _: len(slashless.of_client("upgrade")) == 2)
    crowd.listener.wait_for(lambda _: len(crowd.of_client("upgrade")) == 24)

    nodes = Counter(crowd.where().values())
    assert set(nodes) == {"n1", "n2"}
    # How evenly depends on how fast either node answers meanwhile.
    assert min(nodes.values()) >= 9, "neither is nearly left alone"
    time.sleep(1)  # a client on the wrong node would have been thrown off by now
    assert not crowd.listener.of_kind("disconnect")
    assert not crowd.listener.of_kind("connect_error")


@pytest.mark.node
def test_a_node_is_killed_and_its_clients_are_on_the_other_and_have_missed_nothing(site: Site, listen: Listen) -> None:
    node = site.any_node
    crowd = Crowd(listen, site, 24, auth={"token": node.login()})
    crowd.wait_for_connections()
    lost = {client for client, where in crowd.where().items() if where == "n1"}
    assert lost
    first = site.nodes["n2"].place()["id"]

    died = time.monotonic()
    site.nodes["n1"].kill()
    meanwhile = [site.nodes["n2"].place()["id"] for _ in range(3)]

    crowd.listener.wait_for(lambda _: all(len(crowd.of_client("connect")[client]) == 2 for client in lost))
    back = {client: crowd.of_client("connect")[client][1] for client in lost}
    crowd.wait_until_all_heard_of(meanwhile[-1])
    took_s = {
        kind: max([entry["at"] - died for client, entry in back.items() if client.startswith(kind)], default=0.0)
        for kind in KINDS
    }
    figures.info("back on the other node after at most %s s", took_s)
    assert {entry["node"] for entry in back.values()} == {"n2"}
    assert all(entry["recovered"] for entry in back.values())
    assert max(took_s.values()) < RECOVERED_WITHIN_S
    crowd.assert_all_heard_once_and_in_order({first, *meanwhile})
    stayed = set(crowd.where()) - lost
    assert not stayed & set(crowd.of_client("disconnect")), "those of the other node noticed nothing"


@pytest.mark.node
def test_a_rolling_restart_loses_nothing_and_takes_every_order_once(site: Site, listen: Listen) -> None:
    node = site.any_node
    crowd = Crowd(listen, site, 8, auth={"token": node.login()})
    crowd.wait_for_connections()
    buyers = Buyers(site.url, node.order(), pause_s=0.1)
    buyers.wait_for_more(20)

    for restarted in site.nodes.values():
        assert restarted.stop() == 0
        crowd.wait_until_nobody_is_on(restarted.node)
        buyers.wait_for_more(10)
        restarted.start()
        buyers.wait_for_more(10)
    confirmed = buyers.stop()
    last = node.place()["id"]
    crowd.wait_until_all_heard_of(last)

    # A POST may meet the very connection that is being closed, and is not repeated by nginx, but by the buyer.
    assert all(refusal.startswith("502") for refusal in buyers.refusals), site.nginx.log
    assert len(buyers.refusals) <= 2, site.nginx.log
    crowd.assert_all_heard_once_and_in_order(confirmed)
    assert {entry["reason"] for entry in crowd.listener.of_kind("disconnect")} <= {"transport close", "transport error"}
    for client, connects in crowd.of_client("connect").items():
        assert len(connects) > 1, f"{client} was on a node that was restarted"
        assert all(entry["recovered"] for entry in connects[1:]), client


def open_session(client: httpx.Client) -> str:
    answer = client.get("/socket.io/?EIO=4&transport=polling")
    sid: str = json.loads(answer.text[1:])["sid"]
    return sid


def test_polls_of_a_node_that_is_gone_are_answered_at_once_so_that_the_client_starts_anew(site: Site) -> None:
    polling = "/socket.io/?EIO=4&transport=polling"
    with httpx.Client(base_url=site.url) as client:
        sids = [open_session(client) for _ in range(12)]
        lost = [sid for sid in sids if sid.startswith("n1.")]
        assert lost
        site.nodes["n1"].kill()

        began = time.monotonic()
        answers = [client.get(f"{polling}&sid={sid}") for sid in lost]
        answers += [client.post(f"{polling}&sid={sid}", content="40") for sid in lost]
        answers.append(client.get(f"{polling}&sid=n7.{lost[0]}"))

        figures.info("%d requests for a lost session answered in %.3f s", len(answers), time.monotonic() - began)
        assert {(answer.status_code, answer.json()["message"]) for answer in answers} == {(400, "Session ID unknown")}
        assert time.monotonic() - began < AT_ONCE_S
        assert open_session(client).startswith("n2.")


def sign_in(url: str, caller: str, claimed: str = "") -> int:
    """A failed sign-in of somebody at that loopback address, who claims to have come from elsewhere."""
    headers = {"x-forwarded-for": claimed} if claimed else {}
    with httpx.Client(transport=httpx.HTTPTransport(local_address=caller), headers=headers) as client:
        person = {"email": "admin@example.com", "password": "wrong"}
        return client.post(f"{url}/api/auth/login", json=person).status_code


@pytest.fixture
def counting_site(tmp_path: Path) -> Iterator[Site]:
    """One whose callers have their budgets."""
    with running_site(tmp_path, ORDERCAST_BUDGETS="on", ORDERCAST_BUDGET_ACCOUNT_GUESSES=SLOW) as site:
        yield site


def test_the_callers_address_is_believed_from_the_proxy_and_from_nobody_else(counting_site: Site) -> None:
    site, node = counting_site, counting_site.nodes["n1"]
    site.nodes["n2"].kill()  # each node counts for itself

    claims = [f"192.0.2.{number}" for number in range(FAILED_SIGN_INS)]
    assert {sign_in(site.url, "127.0.0.2", claim) for claim in claims} == {401}
    assert sign_in(site.url, "127.0.0.2", "192.0.2.99") == 429, "the proxy says who it is, whatever is claimed"
    assert sign_in(site.url, "127.0.0.3") == 401, "somebody else"

    assert {sign_in(node.url, "127.0.0.4", claim) for claim in claims} == {401}
    assert sign_in(node.url, "127.0.0.4", "192.0.2.99") == 429, "no proxy, so nothing that it claims counts"


def test_pages_and_api_are_served_and_figures_are_not(site: Site) -> None:
    assert httpx.get(f"{site.url}/health/ready").json()["status"] == "ready"
    assert httpx.get(f"{site.url}/shop").status_code == 200
    for path in ("/metrics", "/metrics/", "/metrics%2f", "/metrics%2F..%2Fmetrics", "//metrics", "/x/../metrics"):
        assert "ordercast_" not in httpx.get(f"{site.url}{path}").text, path
    too_large = httpx.post(f"{site.url}/api/orders", content=b"x" * 1_040_000)
    assert too_large.status_code == 413
    assert too_large.headers["content-type"].startswith("application/problem+json"), "the node says what is wrong"


def test_nginx_takes_a_flood_of_handshakes_off_the_nodes_and_lets_others_in(site: Site) -> None:
    flood = b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: shop\r\n\r\n"
    answers: Counter[bytes] = Counter()
    for _ in range(6):  # nginx ends a connection after a thousand requests
        with socket.create_connection(("127.0.0.1", site.nginx.port), source_address=("127.0.0.9", 0)) as flooding:
            flooding.settimeout(60)
            flooding.sendall(flood * 900)
            answers += statuses(flooding, 900)
    assert answers[b"200"] >= 1_000
    assert answers[b"429"] > 0
    assert answers.keys() <= {b"200", b"429"}
    assert httpx.get(f"{site.url}/socket.io/?EIO=4&transport=polling").status_code == 200


def statuses(connection: socket.socket, count: int) -> Counter[bytes]:
    """The statuses of so many answers."""
    heard = b""
    while heard.count(b"HTTP/1.1 ") < count:
        part = connection.recv(1 << 20)
        assert part, heard[-500:]
        heard += part
    return Counter(re.findall(rb"HTTP/1.1 (\d+)", heard))
