"""Promises 1 and 3 seen from outside: a stock client behind a network that fails, and the real server process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.peers import Poller
from tests.waiting import eventually

from .cutting_proxy import CuttingProxy
from .listener import Listener
from .other_program import copy_order, prune, publish
from .shop import Shop

pytestmark = pytest.mark.node

Return = Callable[..., Listener]
log = logging.getLogger("tests.figures")

WAYS = {
    "websocket only": ["websocket"],
    "polling only": ["polling"],
    "upgrade": ["polling", "websocket"],
}
# Short, so that a client finds out soon that nobody is there; long enough for a machine that is busy.
BRISK = {"ORDERCAST_PING_INTERVAL_MS": "400", "ORDERCAST_PING_TIMEOUT_MS": "600"}
# More of them by hand: see docs/testing.md.
HISTORIES = int(os.environ.get("ORDERCAST_TEST_HISTORIES", "30"))


@pytest.fixture(scope="module")
def brisk_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("shop"), BRISK)
    shop.start()
    yield shop
    shop.kill()


@pytest.fixture
def proxy(brisk_shop: Shop) -> Iterator[CuttingProxy]:
    with CuttingProxy(brisk_shop.port) as proxy:
        yield proxy


@pytest.fixture
def returning(listen: Return) -> Return:
    """Start stock clients that say briefly what they hear and come back quickly."""
    return lambda url, **options: listen(url, script="returning.mjs", **options)


# What happens in the shop, and what was heard of it


def numbers(listener: Listener) -> list[int]:
    return [event["payload"] for event in listener.events("n")]


def hears(listener: Listener, wanted: range | list[int], timeout_s: float = 60.0) -> None:
    """It comes to hear these numbers, in this order, each once."""
    last = wanted[-1]
    listener.wait_for(lambda listener: last in numbers(listener), timeout_s)
    assert numbers(listener) == list(wanted)


def connected(listener: Listener, way: str = "websocket only") -> dict[str, Any]:
    """Wait until it is all there: greeted, and on the transport that it wants."""
    first = listener.wait_for_connection()
    listener.wait_for_event("ready")
    if way == "upgrade":
        listener.wait_for(lambda listener: listener.of_kind("upgrade"))
    return first


# One lost connection


def reset(proxy: CuttingProxy) -> None:
    proxy.cut()


def abandoned_by_the_client(proxy: CuttingProxy) -> None:
    proxy.abandon()


def swallowed(proxy: CuttingProxy) -> None:
    proxy.blackhole()


@contextlib.contextmanager
def out_of_reach(client: Listener, proxy: CuttingProxy, lost: Callable[[CuttingProxy], None] = reset) -> Iterator[None]:
    """The client has noticed that its connection is lost, and gets no other until the block ends."""
    times = len(client.of_kind("disconnect"))
    with proxy.outage():
        while len(client.of_kind("disconnect")) == times:
            lost(proxy)  # again, because between two polls there is nothing to lose
            time.sleep(0.02)
        yield


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("lost", [reset, abandoned_by_the_client, swallowed])
def test_who_lost_the_connection_hears_what_it_missed(
    brisk_shop: Shop, proxy: CuttingProxy, returning: Return, way: str, lost: Callable[[CuttingProxy], None]
) -> None:
    client = returning(proxy.url, auth={"token": brisk_shop.token()}, transports=WAYS[way])
    first = connected(client, way)
    publish(brisk_shop, range(3))
    hears(client, range(3))

    with out_of_reach(client, proxy, lost):
        publish(brisk_shop, range(3, 6))
    again = client.wait_for_connection(count=2)
    publish(brisk_shop, range(6, 9))

    hears(client, range(9))
    assert again["recovered"]
    assert (again["id"], again["pid"]) == (first["id"], first["pid"])
    assert not client.events("resync")


@pytest.mark.parametrize("way", WAYS)
def test_who_returns_before_the_server_noticed_is_not_deaf_when_it_does(
    shop: Shop, returning: Return, way: str
) -> None:
    """The default heartbeat takes 45 seconds to find the ghost; its end must not end the one who took over."""
    with CuttingProxy(shop.port) as proxy:
        client = returning(proxy.url, auth={"token": shop.token()}, transports=WAYS[way])
        first = connected(client, way)

        with out_of_reach(client, proxy, abandoned_by_the_client):
            publish(shop, range(3))
        again = client.wait_for_connection(count=2)
        hears(client, range(3))
        publish(shop, range(3, 6))

        hears(client, range(6))
        assert again["recovered"]
        eventually(lambda: f"session taken over: {first['id']}" in shop.output)
        client.emit("echo", 1)
        client.wait_for(lambda listener: listener.of_kind("ack"))


def test_who_has_heard_no_event_yet_recovers_too(brisk_shop: Shop, proxy: CuttingProxy, returning: Return) -> None:
    client = returning(proxy.url, auth={"token": brisk_shop.token()})
    connected(client)

    with out_of_reach(client, proxy):
        publish(brisk_shop, range(2))
    again = client.wait_for_connection(count=2)

    hears(client, range(2))
    assert again["recovered"]


async def test_the_first_offset_comes_with_the_pid_in_one_answer(brisk_shop: Shop) -> None:
    """Who is cut off between the two has a session and no place in it, and must fetch everything anew."""
    async with Poller(brisk_shop.port) as poller:
        await poller.open()
        await poller.post("40" + json.dumps({"token": brisk_shop.token()}))
        answer, _, greeting = (await poller.poll()).partition("\x1e")

    assert answer.startswith("40{")
    assert greeting.startswith('42["ready",')


@pytest.mark.parametrize("way", WAYS)
def test_twenty_losses_in_a_row_repeat_nothing(
    brisk_shop: Shop, proxy: CuttingProxy, returning: Return, way: str
) -> None:
    client = returning(proxy.url, auth={"token": brisk_shop.token()}, transports=WAYS[way])
    first = connected(client)

    for turn in range(20):
        with out_of_reach(client, proxy):
            publish(brisk_shop, [2 * turn])
        again = client.wait_for_connection(count=turn + 2)
        assert (again["id"], again["recovered"]) == (first["id"], True)
        publish(brisk_shop, [2 * turn + 1])

    hears(client, range(40))


def test_a_session_presented_twice_belongs_to_the_later_one(brisk_shop: Shop, returning: Return) -> None:
    auth = {"token": brisk_shop.token()}
    one = returning(brisk_shop.url, auth=auth, reconnection=False)
    first = connected(one)
    offset = one.events("ready")[0]["offset"]
    publish(brisk_shop, range(2))
    hears(one, range(2))

    two = returning(brisk_shop.url, auth={**auth, "pid": first["pid"], "offset": offset})
    second = two.wait_for_connection()
    one.wait_for(lambda listener: listener.of_kind("disconnect"))
    publish(brisk_shop, range(2, 4))

    hears(two, range(4))
    assert second["id"] == first["id"]
    assert numbers(one) == [0, 1]


def test_two_that_contend_for_one_session_both_hear_everything_once(brisk_shop: Shop, returning: Return) -> None:
    auth = {"token": brisk_shop.token()}
    one = returning(brisk_shop.url, auth=auth)
    pid = connected(one)["pid"]
    offset = one.events("ready")[0]["offset"]
    two = returning(brisk_shop.url, auth={**auth, "pid": pid, "offset": offset})
    two.wait_for_connection()

    for number in range(30):
        publish(brisk_shop, [number])
        time.sleep(0.02)
    one.wait_for(lambda listener: 29 in numbers(listener))

    assert numbers(one) == list(range(30))


@pytest.mark.parametrize("way", WAYS)
def test_a_kill_amid_an_outage_costs_nothing(shop: Shop, returning: Return, way: str) -> None:
    with CuttingProxy(shop.port) as proxy:
        client = returning(proxy.url, auth={"token": shop.token()}, transports=WAYS[way])
        first = connected(client, way)

        with out_of_reach(client, proxy):
            publish(shop, range(3))
            shop.kill()
            publish(shop, range(3, 6))
            shop.start()
            publish(shop, range(6, 9))
        again = client.wait_for_connection(count=2)

        hears(client, range(9))
        assert again["recovered"]
        assert again["id"] == first["id"]


# Long absences

MISSED = 10_000


@pytest.mark.parametrize("way", WAYS)
def test_ten_thousand_missed_events_are_told_once_and_in_order(shop: Shop, returning: Return, way: str) -> None:
    """Past what the relay keeps: they are read from the database, and live ones come behind them."""
    with CuttingProxy(shop.port) as proxy:
        client = returning(proxy.url, auth={"token": shop.token()}, transports=WAYS[way])
        connected(client, way)

        with out_of_reach(client, proxy):
            copy_order(shop, shop.place()["id"], MISSED // 2 - 1)
            at_rest(shop)
            cpu_s, began = cpu_seconds(shop), time.monotonic()
        client.wait_for(lambda listener: len(listener.events("newOrder")) >= MISSED // 2, 60)
        took_s, cpu_s = time.monotonic() - began, cpu_seconds(shop) - cpu_s
        publish(shop, range(1))
        hears(client, range(1))

        assert client.of_kind("connect")[-1]["recovered"]
        told = [event for event in client.of_kind("event") if event["event"] in ("new_order", "newOrder")]
        assert [event["event"] for event in told] == ["new_order", "newOrder"] * (MISSED // 2)
        assert len({event["offset"] for event in told}) == MISSED
        places = [place(event["offset"]) for event in told]
        assert places == sorted(places)
        log.info("%s: %d in %.2f s, %.1f us of server CPU each", way, MISSED, took_s, cpu_s / MISSED * 1e6)


def place(offset: str) -> tuple[int, float]:
    """Where in the feed an offset points: row, and event of the row."""
    seq, _, event = offset.partition(":")[2].partition(".")
    return int(seq), float(event or "inf")


def cpu_seconds(shop: Shop) -> float:
    """What the server process has used so far."""
    fields = Path(f"/proc/{shop.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def at_rest(shop: Shop) -> None:
    """Wait until the server has nothing left to do."""
    used = -1.0
    while cpu_seconds(shop) - used > 0.01:
        used = cpu_seconds(shop)
        time.sleep(0.2)


def test_beyond_what_is_kept_the_client_is_told_to_fetch_anew(
    brisk_shop: Shop, proxy: CuttingProxy, returning: Return
) -> None:
    client = returning(proxy.url, auth={"token": brisk_shop.token()})
    connected(client)

    with out_of_reach(client, proxy):
        publish(brisk_shop, range(10))
        asyncio.run(prune(brisk_shop, rows_max=3))
    again = client.wait_for_connection(count=2)
    (resync,) = client.wait_for_event("resync")
    publish(brisk_shop, [10])

    hears(client, [10])
    assert resync["payload"] == {"reason": "history_pruned"}
    assert not again["recovered"]


# Who may hear it


def test_an_expired_token_is_refused_and_a_new_one_recovers(
    brisk_shop: Shop, proxy: CuttingProxy, returning: Return
) -> None:
    # Long enough to be cut off before it expires: whose token ends while they are connected has no session any more.
    expires_at = time.time() + 8
    client = returning(proxy.url, auth={"token": brisk_shop.token(ttl_s=8)})
    first = connected(client)

    with out_of_reach(client, proxy):
        publish(brisk_shop, range(3))
        time.sleep(max(expires_at - time.time(), 0) + 0.5)
    (error,) = client.wait_for(lambda listener: [e for e in listener.of_kind("connect_error") if e["data"]])
    assert error["data"]["code"] == "token_expired"
    assert not numbers(client)

    client.tell(connect={"token": brisk_shop.token()})
    again = client.wait_for_connection(count=2)
    hears(client, range(3))
    assert (again["id"], again["recovered"]) == (first["id"], True)


def test_a_session_with_the_token_of_somebody_else_opens_nothing(brisk_shop: Shop, returning: Return) -> None:
    asha = returning(brisk_shop.url, auth={"token": brisk_shop.token("customer", "cus_asha")})
    pid = connected(asha)["pid"]
    offset = asha.events("ready")[0]["offset"]
    publish(brisk_shop, range(2), room="customer_cus_asha")
    hears(asha, range(2))

    stolen = {"token": brisk_shop.token("customer", "cus_eve"), "pid": pid, "offset": offset}
    eve = returning(brisk_shop.url, auth=stolen)
    (resync,) = eve.wait_for_event("resync")
    publish(brisk_shop, [2], room="customer_cus_asha")
    publish(brisk_shop, [3], room="customer_cus_eve")

    hears(eve, [3])
    hears(asha, range(3))
    assert resync["payload"] == {"reason": "identity_changed"}
    assert eve.of_kind("connect")[0]["id"] != asha.of_kind("connect")[0]["id"]
    assert len(asha.of_kind("connect")) == 1


def test_who_lost_a_right_meanwhile_is_not_told_what_it_opened(
    brisk_shop: Shop, proxy: CuttingProxy, returning: Return
) -> None:
    """The same person, but no longer of the shop: a role is part of who one is."""
    client = returning(proxy.url, auth={"token": brisk_shop.token("store", "usr_moved")})
    connected(client)
    client.tell(disconnect=True)
    client.wait_for(lambda listener: listener.of_kind("disconnect"))

    publish(brisk_shop, range(3))
    client.tell(connect={"token": brisk_shop.token("driver", "usr_moved")})
    client.wait_for_connection(count=2)
    publish(brisk_shop, [3], room="user_usr_moved")

    hears(client, [3])


def test_a_token_is_renewed_while_connected(brisk_shop: Shop, returning: Return) -> None:
    client = returning(brisk_shop.url, auth={"token": brisk_shop.token(ttl_s=3)})
    connected(client)

    client.wait_for_event("auth_expiring")
    client.emit("auth_refresh", {"token": brisk_shop.token(ttl_s=3600)})
    (ack,) = client.wait_for(lambda listener: listener.of_kind("ack"))
    time.sleep(3)
    publish(brisk_shop, [0])

    hears(client, [0])
    (answer,) = ack["args"]
    assert answer["error"] is None
    assert answer["data"]["expiresAt"] > time.time() + 3000
    assert not client.of_kind("disconnect")
    assert not client.events("auth_expired")


def test_a_token_that_is_not_renewed_ends_the_connection_and_says_so(brisk_shop: Shop, returning: Return) -> None:
    client = returning(brisk_shop.url, auth={"token": brisk_shop.token(ttl_s=2)})
    connected(client)

    (gone,) = client.wait_for(lambda listener: listener.of_kind("disconnect"))
    publish(brisk_shop, range(2))
    names = [event["event"] for event in client.of_kind("event") if event["event"] != "stats"]
    assert names == ["ready", "auth_expiring", "auth_expired"]
    assert gone["reason"] == "io server disconnect"

    client.tell(connect={"token": brisk_shop.token()})
    hears(client, range(2))


def test_a_bad_new_token_is_refused_and_changes_nothing(brisk_shop: Shop, returning: Return) -> None:
    client = returning(brisk_shop.url, auth={"token": brisk_shop.token()})
    connected(client)

    client.emit("auth_refresh", {"token": brisk_shop.token(sub="usr_other")})
    client.emit("auth_refresh", None)
    acks = client.wait_for(lambda listener: len(listener.of_kind("ack")) == 2 and listener.of_kind("ack"))
    publish(brisk_shop, [0])

    hears(client, [0])
    assert [ack["args"][0]["error"]["code"] for ack in acks] == ["token_invalid", "token_malformed"]


# Any history


def nothing() -> None:
    """The network is fine."""


@pytest.mark.parametrize("history", range(-(-HISTORIES // len(WAYS))))
def test_whatever_the_network_does_each_event_is_heard_once_and_in_order(
    brisk_shop: Shop, returning: Return, history: int, chance: random.Random
) -> None:
    """Three histories at a time, one for each way to connect: cuts at random bytes and moments, while events come."""
    auth = {"token": brisk_shop.token()}
    proxies = [CuttingProxy(brisk_shop.port) for _ in WAYS]
    clients = [
        returning(
            proxy.url, auth=auth, transports=transports, reconnectionDelay=5, reconnectionDelayMax=30, timeout=2_000
        )
        for proxy, transports in zip(proxies, WAYS.values(), strict=True)
    ]
    for client in clients:
        connected(client)
    for proxy in proxies:
        # A new connection gets as far as its handshake, its answer, or some way into what was missed.
        proxy.fate = lambda: chance.choice([None, chance.randrange(1_000), chance.randrange(30_000)])

    said = 0
    order = brisk_shop.order()
    for _ in range(chance.randrange(4, 10)):
        more = chance.choice([1, 3, 40, 400])
        publish(brisk_shop, range(said, said + more))
        said += more
        for proxy in proxies:
            happens: Callable[[], None] = chance.choice([proxy.cut, proxy.cut, proxy.abandon, proxy.blackhole, nothing])
            happens()
        if chance.random() < 0.3:
            brisk_shop.place(**order)
        time.sleep(chance.random() * 0.15)
    for proxy in proxies:
        proxy.fate = None
        proxy.cut()
    publish(brisk_shop, [said])

    try:
        for client in clients:
            hears(client, range(said + 1))
            offsets = [event["offset"] for event in client.of_kind("event") if event["event"] not in {"ready", "stats"}]
            places = [place(offset) for offset in offsets]
            assert places == sorted(set(places)), "an event came twice or out of order"
            assert not client.events("resync")
    finally:
        for proxy in proxies:
            proxy.__exit__(None, None, None)
