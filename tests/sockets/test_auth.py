"""Authentication of sockets over a real store, feed and hub; the tokens are real, the connections are in memory."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import REGISTRY

from ordercast.api import Authenticator
from ordercast.api.auth import Identity, issue_token
from ordercast.app import build_hub
from ordercast.commerce.people import GUEST
from ordercast.commerce.timestamps import timestamp
from ordercast.commerce.tracking import TRACKED_AFTER_END_S
from ordercast.config import Settings
from ordercast.db import SqliteStore, access
from ordercast.sockets import handshake_token
from tests.api.client import SECRET, Client, token
from tests.api.endings import bring
from tests.hub.links import Link, settle
from tests.waiting import until


class Node:
    """What `app.serve` makes of a store, without the port."""

    def __init__(self, settings: Settings, store: SqliteStore) -> None:
        self.store = store
        self.authenticator = Authenticator(SECRET, store)
        self.server, self.relay, _ = build_hub(settings, store, self.authenticator)
        self.relay.start()

    async def connect(self, token: str, **auth: Any) -> Link:
        """A client whose CONNECT was answered; `link.take()` gives how."""
        link = Link(self.server)
        link.receive("0" + json.dumps({"token": token, **auth}))
        await until(lambda: packets(link, "44") or heard(link, "ready") or heard(link, "auth_revoked"))
        return link

    async def come(self, auth: Any = None, *, query: str = "", **headers: str) -> Link:
        """As `connect`, with a handshake of one's own; what follows CONNECT at once is there."""
        link = Link(self.server)
        raw = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items())
        link.handshake = replace(link.handshake, raw_headers=raw, raw_query=query.encode())
        link.receive("0" + ("" if auth is None else json.dumps(auth)))
        await until(lambda: packets(link, "44") or packets(link, "40"))
        await settle()
        return link

    async def stop(self) -> None:
        self.relay.stop()
        await self.server.close()


def packets(link: Link, kind: str) -> list[Any]:
    return [json.loads(text[len(kind) :]) for text in map(str, link.sent) if text.startswith(kind)]


def heard(link: Link, event: str) -> list[Any]:
    return [args for args in packets(link, "42") if args[0] == event]


@pytest.fixture
async def node(settings: Settings, store: SqliteStore) -> AsyncIterator[Node]:
    node = Node(settings, store)
    yield node
    await node.stop()


async def revoke(store: SqliteStore, name: str) -> None:
    now = timestamp(time.time_ns() // 1_000_000)
    await store.write(lambda t: access.revoke(t, name, since=now, until=None, actor=None, reason="lost telephone"))


# --- Where a token is offered -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
async def test_a_token_in_the_authorization_header_is_read(node: Node, scheme: str) -> None:
    link = await node.come(authorization=scheme + token("store", "usr_7"))
    assert heard(link, "ready")[0][1]["identity"] == "store:usr_7"


async def test_a_token_may_come_with_its_scheme(node: Node) -> None:
    link = await node.come({"token": f"Bearer {token('store', 'usr_7')}"})
    assert heard(link, "ready")[0][1]["identity"] == "store:usr_7"


async def test_auth_counts_before_the_header(node: Node) -> None:
    link = await node.come({"token": token("store", "usr_7")}, authorization="Bearer nonsense")
    assert heard(link, "ready")[0][1]["identity"] == "store:usr_7"


async def test_a_bad_token_in_the_header_is_refused_as_one_in_auth_is(node: Node) -> None:
    link = await node.come(authorization="Bearer nonsense")
    assert packets(link, "44")[0]["data"]["code"] == "token_malformed"


@pytest.mark.parametrize(
    ("offered", "place"),
    [
        ({"query": "EIO=4&token=abc"}, "the query parameter token"),
        ({"query": "EIO=4&access_token=abc"}, "the query parameter access_token"),
        ({"auth": {"accessToken": "abc"}}, "auth.accesstoken"),
        ({"auth": {"token": "", "jwt": "abc"}}, "auth.jwt"),
        ({"x_access_token": "abc"}, "the header x-access-token"),
        ({"cookie": "theme=dark; token=abc"}, "the cookie token"),
    ],
)
async def test_a_token_that_is_not_read_is_said(
    node: Node, caplog: pytest.LogCaptureFixture, offered: dict[str, Any], place: str
) -> None:
    handshake_token._warn_once.cache_clear()
    for _ in range(3):
        link = await node.come(**offered)
        ((_, said),) = heard(link, "auth_ignored")
        assert said == {
            "code": "token_not_read",
            "place": place,
            "message": "A token is read from auth.token, or from the header Authorization: Bearer.",
        }
    (logged,) = [record.message for record in caplog.records if "auth.token" in record.message]
    assert place in logged
    assert "abc" not in logged


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic YTpi"}, {"cookie": "theme=dark; =; a b=\x01"}])
async def test_who_offers_no_token_is_told_nothing(node: Node, headers: Mapping[str, str]) -> None:
    link = await node.come(query="EIO=4&transport=websocket&t=token", **headers)
    assert packets(link, "42") == []


# --- Tokens that expire -----------------------------------------------------------------------------------------------


async def test_a_token_that_is_renewed_by_one_who_left_meanwhile_starts_no_timer(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = token("store")
    link = await node.connect(mine)
    (socket,) = node.server.main.sockets.values()
    looked_up, asked = asyncio.Event(), asyncio.Event()
    identify = node.authenticator.identify

    async def slowly(token: str | None, caller: str | None = None) -> Identity:
        asked.set()
        await looked_up.wait()
        return await identify(token)

    monkeypatch.setattr(node.authenticator, "identify", slowly)
    link.receive(f'2["auth_refresh","{mine}"]')
    await asked.wait()
    link.lose()
    looked_up.set()
    await asyncio.sleep(0.02)

    assert not socket.connected
    assert socket.data._timer is None


async def test_who_does_not_renew_is_warned_and_then_sent_away(node: Node) -> None:
    link = await node.connect(issue_token(SECRET, "store", "usr_1", 2))
    await until(lambda: heard(link, "auth_expiring"))
    assert heard(link, "auth_expiring")[0][1]["expiresInSeconds"] <= 1
    await until(lambda: link.closed_for is not None)
    assert heard(link, "auth_expired")[0][1]["code"] == "token_expired"


async def test_who_renews_stays(node: Node) -> None:
    link = await node.connect(issue_token(SECRET, "store", "usr_1", 2))
    await until(lambda: heard(link, "auth_expiring"))
    link.receive("21" + json.dumps(["auth_refresh", {"token": token("store")}]))
    await until(lambda: packets(link, "431"))
    ((ack,),) = packets(link, "431")
    assert ack["error"] is None
    assert ack["data"]["expiresAt"] > time.time() + 10  # the former had two seconds
    await asyncio.sleep(1.5)
    assert link.closed_for is None
    assert not heard(link, "auth_expired")


async def test_nobody_renews_with_the_token_of_another(node: Node) -> None:
    link = await node.connect(token("store"))
    link.receive("21" + json.dumps(["auth_refresh", token("store", "usr_2")]))
    await until(lambda: packets(link, "431"))
    assert packets(link, "431")[0][0]["error"]["code"] == "token_invalid"


# --- Tokens that are revoked ------------------------------------------------------------------------------------------


async def test_revoking_a_token_ends_its_sockets_and_no_others(node: Node) -> None:
    one, other = token("store"), token("store")
    links = [await node.connect(one), await node.connect(one), await node.connect(other)]
    (name,) = (await node.authenticator.identify(one)).names
    await revoke(node.store, name)
    await until(lambda: links[0].closed_for is not None and links[1].closed_for is not None)
    assert [heard(link, "auth_revoked")[0][1]["code"] for link in links[:2]] == ["token_revoked"] * 2
    # A stock client comes back by itself after a lost connection; after this packet it does not.
    assert all("41" in link.sent for link in links[:2])
    await asyncio.sleep(0.02)
    assert links[2].closed_for is None


async def test_a_revocation_ends_sockets_on_every_node(node: Node, settings: Settings) -> None:
    elsewhere = SqliteStore(node.store.path)
    await elsewhere.start()
    other_node = Node(settings, elsewhere)
    try:
        link = await other_node.connect(token("store"))
        await revoke(node.store, "usr_1")
        await until(lambda: link.closed_for is not None)
        assert heard(link, "auth_revoked")
    finally:
        await other_node.stop()
        await elsewhere.close()


async def test_an_account_that_another_program_closes_loses_its_sockets(node: Node, client: Client) -> None:
    found = await node.store.read(lambda t: t.one("SELECT id FROM accounts WHERE email = 'store@example.com'"))
    assert found is not None
    link = await node.connect(token("store", found[0]))
    await node.store.write(lambda t: t.run("UPDATE accounts SET active = 0 WHERE id = :id", id=found[0]))
    await until(lambda: link.closed_for is not None)
    assert heard(link, "auth_revoked")


async def test_nothing_is_recovered_with_a_revoked_token(node: Node, client: Client) -> None:
    mine = token("store")
    link = await node.connect(mine)
    session = packets(link, "40")[0]
    offset = heard(link, "ready")[0][-1]
    link.lose()
    await revoke(node.store, "usr_1")
    await client.place()
    back = await node.connect(mine, pid=session["pid"], offset=offset)
    assert packets(back, "44")[0]["data"]["code"] == "token_revoked"
    assert not heard(back, "new_order")
    # The same with a new token is heard: it was the token that was refused.
    again = await node.connect(token("store"), pid=session["pid"], offset=offset)
    assert len(heard(again, "new_order")) == 1


async def test_who_is_revoked_on_the_way_in_does_not_stay(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    assert node.server.main.recovery is not None
    save, saving, saved = node.server.main.recovery.save, asyncio.Event(), asyncio.Event()

    async def slowly(session: Any) -> None:
        saving.set()
        await saved.wait()
        await save(session)

    monkeypatch.setattr(node.server.main.recovery, "save", slowly)
    link = Link(node.server)
    link.receive("0" + json.dumps({"token": token("store")}))
    await saving.wait()
    await revoke(node.store, "usr_1")
    await until(lambda: node.authenticator.revocations.is_revoked(Identity(GUEST, names=("usr_1",))))
    saved.set()
    await until(lambda: link.closed_for is not None)
    assert heard(link, "auth_revoked")
    assert not node.server.main.sockets


async def test_what_is_no_revocation_refuses_what_was_before_it_and_stops_nobody(node: Node) -> None:
    link = await node.connect(token("store"))
    await node.store.write(
        lambda t: t.run(
            "INSERT INTO feed (kind, entity_id, version, actor, at, after) VALUES"
            " ('access.revoked', 'usr_1', 1, 'db:clerk', '2026-01-01T00:00:00Z', '{\"name\":\"usr_1\",\"since\":7}')"
        )
    )
    await until(lambda: "1 names" in repr(node.authenticator))
    assert link.closed_for is None
    await revoke(node.store, "usr_1")
    await until(lambda: link.closed_for is not None)


# --- Tracking tokens --------------------------------------------------------------------------------------------------


async def test_a_guest_is_sent_away_when_the_tracking_token_has_expired(node: Node, client: Client) -> None:
    order = await client.place()
    link = await node.connect(order["trackingToken"])
    await bring(node.store, order["id"], "delivered", seconds_ago=TRACKED_AFTER_END_S - 2)
    await until(lambda: link.closed_for is not None)
    assert heard(link, "customer_order_update")
    assert heard(link, "auth_expired")
    refused = await node.connect(order["trackingToken"])
    assert packets(refused, "44")[0]["data"]["code"] == "token_expired"


async def test_the_end_of_an_order_ends_no_socket_but_its_guests(node: Node, client: Client) -> None:
    order, other = await client.place(), await client.place()
    links = [await node.connect(other["trackingToken"]), await node.connect(token("store"))]
    await bring(node.store, order["id"], "delivered", seconds_ago=TRACKED_AFTER_END_S)
    await until(lambda: heard(links[1], "orderStatusUpdated"))
    await asyncio.sleep(0.02)
    assert [link.closed_for for link in links] == [None, None]


async def test_an_order_that_goes_on_keeps_its_guests(node: Node, client: Client) -> None:
    order = await client.place()
    link = await node.connect(order["trackingToken"])
    await bring(node.store, order["id"], "processing", seconds_ago=TRACKED_AFTER_END_S)
    await until(lambda: heard(link, "customer_order_update"))
    await asyncio.sleep(0.02)
    assert link.closed_for is None


async def test_a_node_alone_leads_and_says_where_it_stands_before_anything_happens(
    settings: Settings, store: SqliteStore
) -> None:
    node = Node(settings, store)
    assert REGISTRY.get_sample_value("ordercast_feed_leading") == 1
    assert REGISTRY.get_sample_value("ordercast_feed_position") == store.last_seq
    node.relay.stop()
    await node.server.close()
