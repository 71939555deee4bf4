"""The official Admin UI's protocol: what its dashboard is sent, what it may do, and who may open it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
from pathlib import Path
from typing import Any

import aiohttp
import argon2
import bcrypt
import pytest
import socketio
from tests.hub.links import Link, connect, enter, settle
from tests.servers import running
from tests.waiting import until

from ordercast.contrib.admin_ui import BasicAuth, Mode, auth, dashboard, describe, instrument
from ordercast.contrib.admin_ui.counts import Counts
from ordercast.contrib.admin_ui.describe import describe_data
from ordercast.contrib.admin_ui.watched import WatchedClient, WatchedRooms
from ordercast.hub import (
    DisconnectReason,
    Handshake,
    MemoryRecovery,
    NotConnected,
    Options,
    Server,
    Socket,
)
from ordercast.hub.client import Client
from ordercast.hub.rooms import Rooms

# Salts are random: the tests' names must not be made of them, or two workers would collect different ones.
BCRYPT = bcrypt.hashpw(b"changeit", bcrypt.gensalt(4)).decode()
ARGON2 = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("changeit")
RIGHT = {"username": "admin", "password": "changeit"}


class Viewer(Link):
    """A dashboard, as far as the wire goes."""

    def __init__(self, server: Server, auth: Any = None, namespace: str = "/admin") -> None:
        super().__init__(server)
        self.prefix = f"42{namespace},"
        self.receive(f"0{namespace}," + json.dumps(auth or {}))

    def calls(self, *names: str) -> list[list[Any]]:
        """The events since the last time, with their moments left out; all of them, or those of some names."""
        texts = [text for text in self.take() if isinstance(text, str) and text.startswith(self.prefix)]
        events = [without_moment(json.loads(text.removeprefix(self.prefix))) for text in texts]
        return [event for event in events if not names or event[0] in names]

    def tell(self, event: str, *args: Any) -> list[Any]:
        """Send a command with an ack; give the answer."""
        self.take()
        self.receive(f"2{self.prefix[2:]}7" + json.dumps([event, *args]))
        answer = f"43{self.prefix[2:]}7"
        (text,) = [text for text in self.take() if isinstance(text, str) and text.startswith(answer)]
        answered: list[Any] = json.loads(text.removeprefix(answer))
        return answered


def without_moment(event: list[Any]) -> list[Any]:
    if event[0].startswith(("room_", "event_")) or event[0] in ("socket_connected", "socket_disconnected"):
        moment = event.pop()
        assert len(moment) == len("2026-01-31T12:00:00.000Z")
        assert moment.endswith("Z")
    return event


@pytest.fixture
async def server() -> Server:
    server = Server(Options(path="/socket.io/"))
    instrument(server, auth=None, server_id="node-1")
    return server


def only_socket(server: Server) -> Socket:
    (socket,) = server.main.sockets.values()
    return socket


# Opening


async def test_who_opens_the_dashboard_is_sent_the_present_state(server: Server) -> None:
    connect(server)
    socket = only_socket(server)
    socket.data = {"user": "asha"}
    socket.join("store-owners")

    viewer = Viewer(server)
    config, stats, sockets = viewer.calls("config", "server_stats", "all_sockets")

    commands = ["EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT"]
    assert config == ["config", {"supportedFeatures": [*commands, "AGGREGATED_EVENTS", "ALL_EVENTS"]}]
    uptime = stats[1].pop("uptime")
    assert 0 <= uptime < 60
    assert isinstance(stats[1].pop("hostname"), str)
    assert stats[1] == {
        "serverId": "node-1",
        "pid": os.getpid(),
        "clientsCount": 2,
        "pollingClientsCount": 0,
        "aggregatedEvents": [],
        "namespaces": [{"name": "/", "socketsCount": 1}, {"name": "/admin", "socketsCount": 1}],
    }
    shown, itself = sockets[1]
    assert itself["nsp"] == "/admin"
    assert shown == {
        "id": socket.id,
        "clientId": shown["clientId"],
        "transport": "websocket",
        "nsp": "/",
        "data": {"user": "asha"},
        "handshake": {
            "address": "192.0.2.7",
            "headers": {"x-token": "abc"},
            "query": {"EIO": "4", "a": "2"},
            "issued": 1000,
            "secure": True,
            "time": "1970-01-01T00:00:01.000Z",
            "url": "/socket.io/?EIO=4&a=2",
            "xdomain": False,
        },
        "rooms": sorted([socket.id, "store-owners"]),
    }


async def test_nothing_is_shown_that_would_let_the_viewer_pose_as_the_client(server: Server) -> None:
    link = Link(server)
    link.handshake = Handshake(
        ((b"cookie", b"s=1"), (b"authorization", b"Bearer x"), (b"origin", b"https://a.example"), (b"accept", b"*/*")),
        b"EIO=4&token=secret&shop=north",
        "192.0.2.7",
        secure=False,
        time=0.5,
    )
    enter(link, auth={"token": "my.jwt"})

    viewer = Viewer(server)
    emitted = "".join(str(text) for text in viewer.sent)
    shown = viewer.calls("all_sockets")[0][1][0]

    assert shown["handshake"]["headers"] == {
        "cookie": "[hidden]",
        "authorization": "[hidden]",
        "origin": "https://a.example",
        "accept": "*/*",
    }
    assert shown["handshake"]["url"] == "/socket.io/?EIO=4&token=[hidden]&shop=north"
    assert shown["handshake"]["xdomain"] is True
    for secret in ("Bearer", "s=1", "secret", "my.jwt", link.sid):
        assert secret not in emitted


async def test_two_sockets_of_one_connection_are_one_client(server: Server) -> None:
    server.of("/shop")
    link = connect(server)
    enter(link, "/shop")

    first, _itself, second = Viewer(server).calls("all_sockets")[0][1]

    assert (first["nsp"], second["nsp"]) == ("/", "/shop")
    assert first["clientId"] == second["clientId"]


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (None, {}),
        ({"a": [1, b"\x00"]}, {"a": [1, "AA=="]}),
        ({1, 2}, [1, 2]),
        ({"s": object()}, {"s": "<object>"}),
        (float("nan"), None),
        ("x" * 5_000, {"type": "str", "bytes": 5_002}),
        ("half an emoji: \ud83d", {"type": "str"}),
        ({object(): 3}, {"<object>": 3}),
    ],
)
def test_what_a_program_keeps_with_a_socket_is_shown_as_far_as_it_can_be(data: Any, shown: Any) -> None:
    assert describe_data(data) == shown


def test_data_that_contains_itself_is_named() -> None:
    data: list[Any] = []
    data.append(data)
    assert describe_data(data) == {"type": "list"}


async def test_a_long_list_of_sockets_is_cut_off(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard, "SOCKETS_LISTED_MAX", 2)
    for _ in range(3):
        connect(server)

    assert len(Viewer(server).calls("all_sockets")[0][1]) == 2


# One by one, in development mode


async def test_a_socket_is_followed_from_its_first_room_to_its_last(server: Server) -> None:
    server.use(lambda socket: socket.join("early"))
    server.on("connection", lambda socket: socket.join("late"))
    viewer = Viewer(server)
    viewer.calls()

    link = connect(server)
    socket = only_socket(server)
    joined, in_early, connected, in_late = viewer.calls()
    assert joined == ["room_joined", "/", socket.id, socket.id]
    assert in_early == ["room_joined", "/", "early", socket.id]
    assert (connected[0], connected[1]["id"]) == ("socket_connected", socket.id)
    assert connected[1]["rooms"] == sorted([socket.id, "early"])
    assert in_late == ["room_joined", "/", "late", socket.id]

    socket.join("late")
    socket.leave("early", "nobody's")
    assert viewer.calls() == [["room_left", "/", "early", socket.id]]

    link.lose(DisconnectReason.PING_TIMEOUT)
    *left, gone = viewer.calls()
    assert sorted(left) == sorted([["room_left", "/", room, socket.id] for room in (socket.id, "late")])
    assert gone == ["socket_disconnected", "/", socket.id, "ping timeout"]


async def test_a_namespace_made_later_is_followed_too(server: Server) -> None:
    viewer = Viewer(server)
    server.of("/later")
    viewer.calls()

    sid = enter(Link(server), "/later")

    assert viewer.calls("room_joined") == [["room_joined", "/later", sid, sid]]


async def test_events_are_shown_in_both_directions(server: Server) -> None:
    server.event("hello", lambda socket, *_: socket.emit("welcome", 1, b"\x01"))
    viewer = Viewer(server)
    link = connect(server)
    sid = only_socket(server).id
    viewer.take()

    link.receive('25["hello",{"a":1}]')
    received, sent, attachment = viewer.take()
    assert str(received).startswith(f'42/admin,["event_received","/","{sid}",["hello",{{"a":1}}],"20')
    assert str(sent).startswith(
        f'451-/admin,["event_sent","/","{sid}",["welcome",1,{{"_placeholder":true,"num":0}}],"20'
    )
    assert attachment == b"\x01"
    assert link.take() == ['451-["welcome",1,{"_placeholder":true,"num":0}]', b"\x01", "435[]"]

    link.receive('251-["hello",{"_placeholder":true,"num":0}]'[1:], b"\x02")
    assert [text for text in viewer.take() if isinstance(text, bytes)] == [b"\x02", b"\x01"]


async def test_a_broadcast_is_shown_for_each_who_receives_it(server: Server) -> None:
    connect(server)
    connect(server)
    viewer = Viewer(server)
    viewer.take()

    server.emit("news", "x")

    assert viewer.calls() == [["event_sent", "/", sid, ["news", "x"]] for sid in server.main.sockets]


async def test_the_dashboard_is_not_shown_what_it_was_sent(server: Server) -> None:
    viewer, other = Viewer(server), Viewer(server)
    other.take()
    viewer.receive('2/admin,["anything",1]')
    server.of("/admin").emit("own", 1)

    assert other.calls() == [["own", 1]]


async def test_a_large_event_is_shown_by_its_name_and_size(server: Server) -> None:
    link = connect(server)
    sid = only_socket(server).id
    viewer = Viewer(server)
    viewer.take()

    link.receive(f'2["big","{"x" * 20_000}"]')
    server.emit("bigger", "x" * 30_000)

    assert viewer.calls() == [
        ["event_received", "/", sid, ["big", "(20011 bytes, not shown)"]],
        ["event_sent", "/", sid, ["bigger", "(30015 bytes, not shown)"]],
    ]


async def test_what_a_client_sends_never_harms_the_dashboard(server: Server) -> None:
    got: list[Any] = []
    server.event("n", lambda _socket, value: got.append(value))
    link = connect(server)
    sid = only_socket(server).id
    viewer = Viewer(server)
    viewer.take()

    link.receive('2["n",' + "9" * 100 + "]", '2["n",{"_placeholder":true}]')
    depths = 0
    while link.closed_for is None:  # however deep it is: until it cannot be read
        depths += 1
        link.receive('2["n",' + "[" * depths + "]" * depths + "]")

    assert len(got) == 1 + depths
    shown = [str(text) for text in viewer.take() if '"event_received"' in str(text)]
    assert len(shown) == len(got)
    assert any("nested too deeply" in text for text in shown)
    assert all(f'"{sid}",["n",' in text for text in shown)


async def test_an_event_that_nobody_is_there_for_is_not_shown(server: Server) -> None:
    viewer = Viewer(server)
    viewer.take()
    link = Link(server)

    link.receive('2["early"]')

    assert link.closed_for is DisconnectReason.PARSE_ERROR
    assert viewer.calls() == []


async def test_a_session_that_comes_back_is_shown_as_gone_and_come(server: Server) -> None:
    server.main.recovery = MemoryRecovery()
    ghost = Link(server)
    ghost.receive("0")
    await settle()
    answer, ready = ghost.take()
    claim = {"pid": json.loads(str(answer)[2:])["pid"], "offset": json.loads(str(ready)[2:])[-1]}
    viewer = Viewer(server)
    server.emit("missed", 1)
    ghost.take()
    viewer.take()

    returning = Link(server)
    returning.receive("0" + json.dumps(claim))
    await settle()

    assert only_socket(server).recovered
    events = viewer.calls("socket_connected", "socket_disconnected", "event_sent")
    assert [event[0] for event in events] == ["socket_disconnected", "event_sent", "event_sent", "socket_connected"]
    assert [event[3][0] for event in events[1:3]] == ["missed", "recovery:position"]


# Figures


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard, "STATS_INTERVAL_S", 0.02)


async def next_stats(viewer: Viewer) -> dict[str, Any]:
    viewer.take()
    await until(lambda: any("server_stats" in str(text) for text in viewer.sent))
    stats: dict[str, Any] = viewer.calls("server_stats")[0][1]
    return stats


def figures(stats: dict[str, Any]) -> dict[str, int]:
    return {event["type"] + event.get("subType", ""): event["count"] for event in stats["aggregatedEvents"]}


@pytest.mark.usefixtures("often")
async def test_figures_come_again_and_again_and_each_counts_anew(server: Server) -> None:
    server.event("hello", lambda _socket: "ok")
    viewer = Viewer(server)
    await next_stats(viewer)
    await next_stats(viewer)

    link = connect(server)
    polling = Link(server)
    polling.transport_name = "polling"
    link.receive('21["hello"]')
    link.lose()
    stats = await next_stats(viewer)

    assert (stats["clientsCount"], stats["pollingClientsCount"]) == (2, 1)
    counted = figures(stats)
    assert counted["rawConnection"] == 2
    assert counted["rawDisconnectiontransport close"] == 1
    assert (counted["packetsIn"], counted["bytesIn"]) == (2, len("0") + len('21["hello"]'))
    assert counted["packetsOut"] > 2
    assert all(event["timestamp"] % 1000 == 0 for event in stats["aggregatedEvents"])

    counted = figures(await next_stats(viewer))
    assert "rawConnection" not in counted
    assert "packetsIn" not in counted


def test_a_message_counts_as_its_packets_without_their_type() -> None:
    server = Server()
    counts = Counts()
    counts.sent(server.main.adapter.encode("e", [b"\x01\x02"], (), volatile=False))

    text = '51-["e",{"_placeholder":true,"num":0}]'
    assert counts.describe(12.9) == [
        {"timestamp": 12_000, "type": "packetsOut", "count": 2},
        {"timestamp": 12_000, "type": "bytesOut", "count": len(text) + 2},
    ]
    assert repr(counts) == "<Counts in=0 out=2>"


@pytest.mark.usefixtures("often")
async def test_changes_that_nobody_reports_are_found(server: Server) -> None:
    link = connect(server)
    link.transport_name = "polling"
    socket = only_socket(server)
    viewer = Viewer(server)
    await next_stats(viewer)
    assert viewer.calls("socket_updated") == []

    link.transport_name = "websocket"
    socket.data = {"step": 2}
    await next_stats(viewer)
    await next_stats(viewer)
    socket.data["step"] = 3
    viewer.take()
    await until(lambda: any("socket_updated" in str(text) for text in viewer.sent))

    (update,) = viewer.calls("socket_updated")
    assert update[1] == {"id": socket.id, "nsp": "/", "transport": "websocket", "data": {"step": 3}}


def is_timed(watching: dashboard.Dashboard) -> bool:
    return watching._timer is not None


@pytest.mark.usefixtures("often")
async def test_while_nobody_looks_nothing_is_counted_sent_or_timed(server: Server) -> None:
    watching = server.observer
    assert isinstance(watching, dashboard.Dashboard)
    link = connect(server)
    link.receive('2["hello"]')
    server.emit("news")
    assert repr(watching.counts) == "<Counts in=0 out=0>"
    assert not is_timed(watching)

    viewer = Viewer(server)
    assert is_timed(watching)
    assert watching._shown
    assert repr(watching) == "<Dashboard node-1 development watched_by=1>"
    viewer.lose()
    await until(lambda: not is_timed(watching))
    assert not watching._shown

    connect(server)
    assert repr(watching.counts) == "<Counts in=0 out=0>"
    assert len(Viewer(server).calls("all_sockets")[0][1]) == 3


async def test_a_server_that_is_not_instrumented_is_made_of_the_plain_parts() -> None:
    server = Server()
    link = connect(server)

    assert type(link.receiver) is Client
    assert type(server.main.rooms) is Rooms
    assert server.find("/admin") is None


async def test_production_mode_sends_figures_alone() -> None:
    server = Server(Options(sid_prefix="n7"))
    instrument(server, auth=None, mode="production", read_only=True)
    viewer = Viewer(server)

    assert type(server.main.rooms) is Rooms
    config, stats = viewer.calls()
    assert config == ["config", {"supportedFeatures": ["AGGREGATED_EVENTS"]}]
    assert stats[1]["serverId"] == "n7"

    link = connect(server)
    only_socket(server).join("a")
    link.receive('2["hello"]')
    server.emit("news")
    link.lose()
    assert viewer.calls() == []
    assert isinstance(link.receiver, WatchedClient)
    assert server.observer is not None
    assert repr(server.observer.counts) == "<Counts in=2 out=4>"  # type: ignore[attr-defined]


# Commands


async def test_a_viewer_emits_to_a_room_a_socket_and_everybody(server: Server) -> None:
    inside, outside = connect(server), connect(server)
    socket, other = server.main.sockets.values()
    socket.join("room")
    viewer = Viewer(server)

    assert viewer.tell("emit", "/", "room", "hi", 1) == []
    assert (inside.take(), outside.take()) == (['42["hi",1]'], [])
    assert viewer.tell("emit", "/", other.id, "hi") == []
    assert (inside.take(), outside.take()) == ([], ['42["hi"]'])
    assert viewer.tell("emit", "/", None, "hi") == []
    assert (inside.take(), outside.take()) == (['42["hi"]'], ['42["hi"]'])


async def test_a_viewer_moves_sockets_between_rooms(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "ordercast.hub")
    connect(server)
    connect(server)
    first, second = server.main.sockets.values()
    viewer = Viewer(server)

    viewer.tell("join", "/", "vip", first.id)
    assert ("vip" in first.rooms, "vip" in second.rooms) == (True, False)
    viewer.tell("join", "/", "gold", "vip")
    assert ("gold" in first.rooms, "gold" in second.rooms) == (True, False)
    viewer.tell("join", "/", "all")
    assert "all" in first.rooms & second.rooms
    viewer.tell("leave", "/", "all", second.id)
    assert ("all" in first.rooms, "all" in second.rooms) == (True, False)
    viewer.tell("leave", "/", "vip", "vip")
    viewer.tell("leave", "/", "all", None)
    assert (first.rooms, second.rooms) == ({first.id, "gold"}, {second.id})
    assert "admin command: join 'gold' namespace=/ room='vip' by=" in caplog.text


async def test_a_viewer_sends_sockets_away(server: Server) -> None:
    server.of("/shop")
    links = [connect(server) for _ in range(3)]
    enter(links[0], "/shop")
    enter(links[1], "/shop")
    one, two, _three = server.main.sockets.values()
    viewer = Viewer(server)

    viewer.tell("_disconnect", "/", False, one.id)
    assert (links[0].take(), links[0].closed_for) == (["41"], None)
    viewer.tell("_disconnect", "/", True, two.id)
    assert links[1].closed_for is DisconnectReason.SERVER_NAMESPACE_DISCONNECT
    assert len(server.of("/shop").sockets) == 1
    viewer.tell("_disconnect", "/", False)
    assert not server.main.sockets
    assert links[2].take() == ["41"]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("emit", "/unknown", None, "hi"), "not_found"),
        (("emit", None, None, "hi"), "bad_request"),
        (("emit", "/", None, ""), "bad_request"),
        (("emit", "/", {"a": 1}, "hi"), "bad_request"),
        (("emit", "/", None, "disconnect"), "bad_request"),
        (("join", "/", 5), "bad_request"),
        (("join", "/unknown", "room"), "not_found"),
        (("leave", "/", None), "bad_request"),
        (("leave", "/", "room", ["x"]), "bad_request"),
        (("_disconnect", "/unknown", True), "not_found"),
        (("_disconnect", 7, True), "bad_request"),
    ],
)
async def test_a_command_that_makes_no_sense_is_refused(server: Server, command: Any, code: str) -> None:
    link = connect(server)
    answer = Viewer(server).tell(*command)

    assert answer[0]["error"]["code"] == code
    assert link.closed_for is None
    assert len(server.main.sockets) == 1


async def test_a_socket_that_can_join_no_more_does_not_keep_the_others_out() -> None:
    server = Server(Options(rooms_max=2))
    instrument(server, auth=None)
    connect(server)
    connect(server)
    full, free = server.main.sockets.values()
    full.join("own")

    answer = Viewer(server).tell("join", "/", "more")

    assert answer == []
    assert ("more" in full.rooms, "more" in free.rooms) == (False, True)


async def test_a_read_only_dashboard_looks_and_does_nothing() -> None:
    server = Server()
    instrument(server, auth=None, read_only=True)
    link = connect(server)
    viewer = Viewer(server)
    (config,) = viewer.calls("config")
    rooms = set(only_socket(server).rooms)

    assert config[1] == {"supportedFeatures": ["AGGREGATED_EVENTS", "ALL_EVENTS"]}
    for command in ('["emit","/",null,"hi"]', '["join","/","r"]', '["leave","/","r"]', '["_disconnect","/",true]'):
        viewer.receive("2/admin," + command)
    assert link.take() == []
    assert link.closed_for is None
    assert only_socket(server).rooms == rooms


# Who may open it


def guarded(password_hash: str = BCRYPT, **options: Any) -> Server:
    server = Server()
    instrument(server, auth=BasicAuth(username="admin", password_hash=password_hash, **options))
    return server


async def answer_to(server: Server, auth: Any) -> str:
    viewer = Viewer(server, auth)
    await until(lambda: viewer.sent)
    return str(viewer.sent[0])


INVALID = '44/admin,{"message":"invalid credentials"}'


@pytest.mark.parametrize("password_hash", [BCRYPT, BCRYPT.replace("$2b$", "$2y$"), ARGON2], ids=["2b", "2y", "argon2"])
async def test_the_password_opens_and_the_session_id_it_gives_opens_again(password_hash: str) -> None:
    server = guarded(password_hash)
    viewer = Viewer(server, RIGHT)
    await until(lambda: viewer.sent)
    events = viewer.calls()
    (session_id,) = [event[1] for event in events if event[0] == "session"]

    # At once, without a check that takes its time:
    again = Viewer(server, {"sessionId": session_id})
    assert str(again.sent[0]).startswith('40/admin,{"sid":')
    assert again.calls("session")[0][1] != session_id


@pytest.mark.parametrize(
    "auth",
    [
        {},
        {"username": "admin"},
        {"username": "admin", "password": "wrong"},
        {"username": "Admin", "password": "changeit"},
        {"username": "admin", "password": ""},
        {"username": "admin", "password": 5},
        {"username": ["admin"], "password": "changeit"},
        {"username": "\u00e4dmin", "password": "x" * 5_000},
        {"username": "admin", "password": "a\x00b"},
        {"sessionId": "made up"},
        {"sessionId": "9999999999.0.00"},
        {"sessionId": "\u00e4.\u00f6"},
        {"sessionId": 1},
        {"sessionId": None, "username": None, "password": None},
    ],
)
@pytest.mark.parametrize("password_hash", [BCRYPT, ARGON2], ids=["bcrypt", "argon2"])
async def test_anything_else_keeps_the_viewer_out(password_hash: str, auth: Any) -> None:
    server = guarded(password_hash)

    assert await answer_to(server, auth) == INVALID
    assert not server.of("/admin").sockets


async def test_who_is_kept_out_is_sent_nothing_and_can_do_nothing() -> None:
    server = guarded()
    link = connect(server)
    viewer = Viewer(server, {"username": "admin", "password": "wrong"})
    viewer.receive('2/admin,["_disconnect","/",true]')

    assert viewer.closed_for is DisconnectReason.PARSE_ERROR
    assert viewer.calls() == []
    assert link.closed_for is None


def test_a_session_id_ends_with_its_day_its_password_and_its_secret() -> None:
    admin = BasicAuth(username="admin", password_hash=BCRYPT, session_secret="s")
    session_id = admin.new_session(now_s=1_000)

    def taken_by(now_s: float = 1_000, **changes: str) -> bool:
        fields = {"username": "admin", "password_hash": BCRYPT, "session_secret": "s"} | changes
        return BasicAuth(**fields).is_session(session_id, now_s)

    assert taken_by()
    assert taken_by(now_s=1_000 + auth.SESSION_S - 1)
    assert not taken_by(now_s=1_000 + auth.SESSION_S)
    assert not taken_by(username="root")
    assert not taken_by(password_hash=ARGON2)
    assert not taken_by(session_secret="t")
    expires, rest = session_id.split(".", 1)
    assert not admin.is_session(f"{int(expires) + 1}.{rest}", 1_000)
    assert not BasicAuth(username="admin", password_hash=BCRYPT).is_session(session_id, 1_000)


@pytest.mark.parametrize(
    "password_hash",
    ["changeit", "", "$2b$10$short", "$argon2id$broken", "$1$md5", ARGON2.replace("$argon2", "$argon9")],
    ids=["plain", "empty", "short", "broken", "md5", "unknown"],
)
def test_only_a_hash_is_taken_for_a_password(password_hash: str) -> None:
    with pytest.raises(ValueError, match="hash"):
        BasicAuth(username="admin", password_hash=password_hash)


def test_an_empty_secret_is_none() -> None:
    with pytest.raises(ValueError, match="empty"):
        BasicAuth(username="admin", password_hash=ARGON2, session_secret="")


def test_neither_hash_nor_secret_is_in_the_logs() -> None:
    assert repr(BasicAuth(username="admin", password_hash=ARGON2)) == "BasicAuth(username='admin')"


def test_bcrypt_is_required_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(ValueError, match="install it"):
        BasicAuth(username="admin", password_hash=BCRYPT)


async def test_a_flood_of_guesses_is_turned_away_and_ends() -> None:
    server = guarded()
    guesses = [Viewer(server, {"username": "admin", "password": str(n)}) for n in range(60)]
    await until(lambda: all(guess.sent for guess in guesses))

    answers = [str(guess.sent[0]) for guess in guesses]
    turned_away = '44/admin,{"message":"too many attempts, try again later"}'
    assert answers.count(INVALID) == auth.CHECKS_WAITING_MAX
    assert answers.count(turned_away) == 60 - auth.CHECKS_WAITING_MAX
    assert (await answer_to(server, RIGHT)).startswith("40/admin")


async def test_no_password_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    instrument(Server(), auth=None)
    assert "/admin asks for no password" in caplog.text


async def test_a_server_is_instrumented_once(server: Server) -> None:
    with pytest.raises(ValueError, match="watched already"):
        instrument(server, auth=None)


async def test_the_mode_and_the_namespace_are_ours_to_choose() -> None:
    server = Server()
    with pytest.raises(ValueError, match="staging"):
        instrument(server, auth=None, mode="staging")  # type: ignore[arg-type]
    admin = instrument(server, auth=None, mode=Mode.DEVELOPMENT, namespace="/ops")

    assert admin.name == "/ops"
    assert Viewer(server, namespace="/ops").calls("config")


async def test_sockets_that_are_there_already_are_shown() -> None:
    server = Server()
    connect(server)
    only_socket(server).join("early")
    instrument(server, auth=None)
    viewer = Viewer(server)
    viewer.take()

    only_socket(server).leave("early")

    assert isinstance(server.main.rooms, WatchedRooms)
    assert viewer.calls("room_left") == [["room_left", "/", "early", only_socket(server).id]]


# The stock client, on a real port


@pytest.fixture
def listening() -> Server:
    server = Server(Options(ping_interval_s=5))
    instrument(server, auth=BasicAuth(username="admin", password_hash=BCRYPT))
    server.event("ask", lambda _socket: "answer")
    return server


@pytest.mark.usefixtures("often")
async def test_a_stock_client_looks_at_a_stock_client(listening: Server) -> None:
    async with asyncio.timeout(60), running(listening) as at, contextlib.AsyncExitStack() as stack:
        calls: dict[str, list[Any]] = {}
        viewer = socketio.AsyncClient(reconnection=False)
        viewer.on("*", lambda event, *args: calls.setdefault(event, []).append(args), namespace="/admin")
        await viewer.connect(at.url, namespaces=["/admin"], auth=RIGHT, wait_timeout=60)
        # The session is ours to close: a polling client that is sent away opens another one, and leaves it.
        http = await stack.enter_async_context(aiohttp.ClientSession())
        shopper = socketio.AsyncClient(reconnection=False, http_session=http)
        await shopper.connect(at.url, transports=["polling"])
        assert await shopper.call("ask", ()) == "answer"
        (socket,) = listening.main.sockets.values()
        await until(lambda: "event_received" in calls and len(calls["server_stats"]) > 2)

        assert calls["socket_connected"][-1][0]["id"] == socket.id
        assert calls["socket_connected"][-1][0]["transport"] == "polling"
        assert calls["event_received"][0][1:3] == (socket.id, ["ask"])
        assert calls["server_stats"][-1][0]["clientsCount"] == 2

        await viewer.emit("_disconnect", ("/", True, socket.id), namespace="/admin")
        await until(lambda: not shopper.connected and "socket_disconnected" in calls)
        assert calls["socket_disconnected"][0][:3] == ("/", socket.id, "server namespace disconnect")
        with pytest.raises(NotConnected):
            await socket.emit_with_ack("gone")
        await viewer.disconnect()


@pytest.mark.usefixtures("often")
async def test_an_upgrade_is_shown(listening: Server) -> None:
    async with asyncio.timeout(60), running(listening) as at:
        viewer = Viewer(listening, RIGHT)
        await until(lambda: listening.of("/admin").sockets)
        shopper = socketio.AsyncClient(reconnection=False)
        await shopper.connect(at.url, wait_timeout=60)
        (socket,) = listening.main.sockets.values()
        await until(lambda: socket.transport_name == "websocket")
        await next_stats(viewer)

        # Before or after the socket was first shown, whichever came sooner:
        assert isinstance(listening.observer, dashboard.Dashboard)
        assert listening.observer._shown[socket][0] == "websocket"
        await shopper.disconnect()


def test_the_guide_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    guide = (Path(__file__).parents[2] / "docs/guides/admin-ui.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    monkeypatch.setattr(asyncio, "run", lambda serving: serving.close())
    made: dict[str, Any] = {}

    exec(example, made)  # noqa: S102 - our own words

    (password_hash,) = re.findall(r"\$argon2[^\"]*", example)
    assert made["server"].find("/admin") is not None
    assert BasicAuth(username="admin", password_hash=password_hash).verify("admin", "changeit")
    for bound in (dashboard.SOCKETS_LISTED_MAX, dashboard.EVENT_BYTES_MAX, describe.DATA_BYTES_MAX):
        assert f"| {bound:,}" in guide
    assert f"past {auth.CHECKS_WAITING_MAX} waiting" in guide
