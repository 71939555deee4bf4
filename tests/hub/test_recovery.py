"""Sessions that outlive their connections: what a client that comes back is given, and what it is sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ordercast.hub import DisconnectReason, MemoryRecovery, Server, Session, Socket
from ordercast.hub.recovery import OFFSET_CHARACTERS_MAX, PID_CHARACTERS_MAX, Claim
from ordercast.hub.recovery.sqlite import SqliteRecovery
from tests.hub.links import Link, settle


class Client:
    """What a stock client keeps of its session: the pid, and the last string argument it has received."""

    link: Link

    def __init__(self, server: Server) -> None:
        self.server = server
        self.pid = ""
        self.sid = ""
        self.offset = ""
        self.recovered = False
        self.events: list[list[Any]] = []

    async def connect(self, **auth: Any) -> None:
        self.link = Link(self.server)
        if self.pid:
            auth |= {"pid": self.pid, "offset": self.offset}
        self.link.receive("0" + json.dumps(auth))
        await settle()
        self.listen()

    def listen(self) -> None:
        """Take what has come in the meantime."""
        for packet in map(str, self.link.take()):
            data = json.loads(packet[2:])
            if packet.startswith("40"):
                self.recovered = bool(self.pid) and self.pid == data["pid"]
                self.sid, self.pid = data["sid"], data["pid"]
            else:
                self.events.append(data)
                if isinstance(data[-1], str):
                    self.offset = data[-1]

    def lose(self) -> None:
        self.listen()
        self.link.lose()

    def received(self, event: str = "n") -> list[Any]:
        """The first argument of each such event so far."""
        self.listen()
        return [data[1] for data in self.events if data[0] == event]


@pytest.fixture(params=["memory", "sqlite"])
async def recovery(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MemoryRecovery]:
    if request.param == "memory":
        yield MemoryRecovery(events_max=100)
        return
    recovery = SqliteRecovery(tmp_path / "events.db", events_max=100)
    yield recovery
    recovery.close()


@pytest.fixture
async def server(recovery: MemoryRecovery) -> Server:
    server = Server()
    server.main.recovery = recovery

    @server.use
    def identify(socket: Socket) -> None:
        socket.identity = socket.auth.get("user", "")
        socket.join(*socket.auth.get("rooms", ()))

    return server


@pytest.fixture
async def client(server: Server) -> Client:
    client = Client(server)
    await client.connect()
    return client


def only_socket(server: Server) -> Socket:
    (socket,) = server.main.sockets.values()
    return socket


async def test_who_comes_back_receives_what_it_missed_once_and_in_order(server: Server, client: Client) -> None:
    sid = client.sid
    server.emit("n", 1)
    client.lose()
    server.emit("n", 2)
    server.emit("n", 3)

    await client.connect()
    server.emit("n", 4)

    assert client.received() == [1, 2, 3, 4]
    assert client.recovered
    assert client.sid == sid
    assert only_socket(server).recovered


async def test_who_has_received_nothing_yet_can_come_back_too(server: Server, client: Client) -> None:
    client.lose()
    server.emit("n", 1)

    await client.connect()

    assert client.received() == [1]


async def test_the_events_of_recovery_have_names_that_no_application_uses(client: Client) -> None:
    assert len(client.received("recovery:position")) == 1
    assert client.received("ready") == []


async def test_the_events_of_recovery_can_be_named(server: Server) -> None:
    server.main.recovery = MemoryRecovery(greeting_event="hello", gap_event="gone")
    client = Client(server)
    await client.connect(pid="unknown", offset="unknown")

    assert len(client.received("hello")) == 1
    assert client.received("gone") == [{"reason": "offset_unknown"}]
    assert client.received("recovery:position") == client.received("resync") == []


async def test_without_the_first_event_who_has_received_nothing_starts_anew_and_others_recover(server: Server) -> None:
    """As with the reference, whose offsets come with events alone."""
    server.main.recovery = MemoryRecovery(greeting_event=None)
    silent, listening = Client(server), Client(server)
    await silent.connect()
    await listening.connect()
    silent.lose()
    server.emit("n", 1)
    listening.lose()
    server.emit("n", 2)

    await silent.connect()
    await listening.connect()

    assert (silent.recovered, silent.received()) == (False, [])
    assert (listening.recovered, listening.received()) == (True, [1, 2])


async def test_rooms_are_restored_and_only_their_events_replayed(server: Server, client: Client) -> None:
    only_socket(server).join("orders")
    await settle()
    client.lose()
    server.to("orders").emit("n", 1)
    server.to("elsewhere").emit("n", 2)
    server.except_("orders").emit("n", 3)
    server.to(client.sid).emit("n", 4)

    await client.connect()

    assert client.received() == [1, 4]
    assert only_socket(server).rooms == {client.sid, "orders"}


async def test_a_room_left_is_not_restored(server: Server, client: Client) -> None:
    only_socket(server).join("a", "b")
    await settle()
    only_socket(server).leave("a")
    await settle()
    client.lose()

    await client.connect()

    assert only_socket(server).rooms == {client.sid, "b"}


async def test_a_session_takes_over_from_a_connection_still_believed_alive(server: Server, client: Client) -> None:
    """Node goes silent here, once the ghost is noticed (#4880)."""
    reasons: list[DisconnectReason] = []
    server.event("disconnect", lambda _socket, reason: reasons.append(reason))
    ghost, sid = client.link, client.sid
    server.emit("n", 1)

    await client.connect()
    server.emit("n", 2)
    ghost.lose()
    server.emit("n", 3)

    assert ghost.closed_for is DisconnectReason.TAKEN_OVER
    assert reasons == [DisconnectReason.TAKEN_OVER]
    assert client.received() == [1, 2, 3]
    assert (client.sid, len(server.main.sockets)) == (sid, 1)


async def test_a_pid_presented_twice_at_once_belongs_to_one(server: Server, client: Client) -> None:
    client.lose()
    claim = json.dumps({"pid": client.pid, "offset": client.offset})
    links = [Link(server) for _ in range(3)]

    for link in links:
        link.receive("0" + claim)
    await settle()

    assert len(server.main.sockets) == 1
    assert [link.closed_for is None for link in links].count(True) >= 1
    open_links = [
        link
        for link in links
        if any(str(emitted).startswith("40") for emitted in link.sent) and link.closed_for is None
    ]
    assert len(open_links) == 1
    assert server.emit("n", 1) == 1


async def test_replay_again_and_again_repeats_nothing(server: Server, client: Client) -> None:
    for number in range(10):
        client.lose()
        server.emit("n", number)
        await client.connect()

    assert client.received() == list(range(10))


async def test_events_of_a_storm_of_reconnections_are_received_once(server: Server, client: Client) -> None:
    sent = 0

    async def emit() -> None:
        nonlocal sent
        for _ in range(90):
            server.emit("n", sent)
            sent += 1
            await asyncio.sleep(0)

    emitting = asyncio.create_task(emit())
    while not emitting.done():
        client.lose()
        await asyncio.sleep(0)
        await client.connect()
    client.lose()
    await client.connect()

    assert client.received() == list(range(sent))


async def test_a_gap_is_an_event_with_its_reason(server: Server, client: Client) -> None:
    client.lose()
    for number in range(150):
        server.emit("n", number)

    await client.connect()
    server.emit("n", "after")

    assert client.received("resync") == [{"reason": "history_pruned"}]
    assert client.received() == ["after"]
    assert not client.recovered


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ({"pid": "unknown"}, "session_unknown"),
        ({"pid": "unknown", "offset": "elsewhere:7"}, "epoch_changed"),
        ({"pid": "unknown", "offset": "nonsense"}, "offset_unknown"),
        ({"pid": "unknown", "offset": "x:" + "9" * 100}, "offset_unknown"),
        ({"pid": "unknown", "offset": "x:-1"}, "offset_unknown"),
        ({"offset": "x:\u0663"}, "epoch_changed"),
    ],
)
async def test_a_claim_that_cannot_be_met_is_answered_with_the_reason(
    server: Server, claim: dict[str, str], reason: str
) -> None:
    client = Client(server)

    await client.connect(**claim)

    assert client.received("resync") == [{"reason": reason}]
    assert client.pid not in ("", "unknown")


@pytest.mark.parametrize(
    "claim",
    [{}, {"pid": 5}, {"pid": ["x"]}, {"pid": ""}, {"pid": "x" * 65}, {"offset": "x" * 129}, {"offset": None}],
)
async def test_what_cannot_be_a_claim_is_none(server: Server, claim: dict[str, Any]) -> None:
    client = Client(server)

    await client.connect(**claim)

    assert client.received("resync") == []
    assert len(server.main.sockets) == 1


async def test_anothers_pid_opens_nothing(server: Server) -> None:
    """A pid alone, leaked in some log, is worth nothing."""
    owner, thief = Client(server), Client(server)
    await owner.connect(user="owner", rooms=["private"])
    owner.lose()
    server.to("private").emit("n", "secret")

    thief.pid, thief.offset = owner.pid, owner.offset
    await thief.connect(user="thief")

    assert thief.received() == []
    assert thief.received("resync") == [{"reason": "identity_changed"}]
    assert (thief.sid != owner.sid, thief.pid != owner.pid) == (True, True)
    await owner.connect(user="owner")
    assert owner.received() == ["secret"]


@pytest.mark.parametrize("meant", ["by the client", "by the server"])
async def test_an_end_that_was_meant_ends_the_session(server: Server, client: Client, meant: str) -> None:
    if meant == "by the client":
        client.link.receive("1")
    else:
        only_socket(server).disconnect()
        client.link.take()
    await settle()
    server.emit("n", 1)

    before = client.pid
    await client.connect()

    assert not client.recovered
    assert client.pid != before


async def test_a_fleeting_event_moves_no_offset(server: Server, client: Client) -> None:
    """A volatile event that ends in a string would overwrite the client's offset."""
    server.emit("n", 1)
    client.listen()
    offset = client.offset
    server.volatile.emit("typing", {"who": "x"})
    client.lose()
    server.volatile.emit("typing", {"who": "missed"})
    server.emit("n", 2)

    assert client.offset == offset
    await client.connect()
    assert client.received() == [1, 2]
    assert client.received("typing") == [{"who": "x"}]


async def test_a_recovery_that_fails_closes_so_that_the_client_tries_again(
    server: Server, client: Client, recovery: MemoryRecovery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket left connected and in no room would be deaf, and nobody would know."""
    client.lose()
    server.emit("n", 1)

    def fail(*_args: Any) -> Any:
        raise ConnectionError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(recovery, "missed", fail)
        await client.connect()
        assert client.link.closed_for is DisconnectReason.TRANSPORT_ERROR
        assert not server.clients

    await client.connect()
    assert client.received() == [1]


@pytest.mark.parametrize("broken", ["load", "save"])
async def test_a_session_store_out_of_order_refuses_nobody(
    server: Server, client: Client, recovery: MemoryRecovery, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """A stock client that is refused does not come back by itself."""
    server.emit("n", 1)
    client.lose()
    server.emit("n", 2)

    async def fail(*_args: Any) -> Any:
        raise ConnectionError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(recovery, broken, fail)
        await client.connect()
    assert client.link.closed_for is None
    assert client.received() == [1, 2], "an offset is enough to be told what one missed"
    assert client.received("resync") == []

    client.lose()
    server.emit("n", 3)
    await client.connect()
    assert client.received() == [1, 2, 3]


async def test_without_an_offset_a_session_that_cannot_be_loaded_is_a_gap(
    server: Server, recovery: MemoryRecovery, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_pid: str) -> Session | None:
        raise ConnectionError("the database is away")

    monkeypatch.setattr(recovery, "load", fail)
    client = Client(server)
    await client.connect(pid="p")

    assert client.received("resync") == [{"reason": "session_unknown"}]


async def test_events_emitted_during_a_replay_come_after_it(
    server: Server, client: Client, recovery: MemoryRecovery, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = asyncio.Event()
    received: list[str] = []
    server.event("command", lambda _socket: received.append("command"))
    drained = Link.drained

    async def slowly(link: Link) -> None:
        await gate.wait()
        await drained(link)

    client.lose()
    server.emit("n", 1)
    monkeypatch.setattr(Link, "drained", slowly)
    await client.connect()
    client.link.receive('2["command"]')
    server.emit("n", 2)
    assert received == []

    gate.set()
    await settle()
    server.emit("n", 3)

    assert client.received() == [1, 2, 3]
    assert received == ["command"]


async def test_a_client_lost_during_a_replay_leaves_nothing(
    server: Server, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = asyncio.Event()

    async def never(_link: Link) -> None:
        await gate.wait()

    client.lose()
    server.emit("n", 1)
    with monkeypatch.context() as patch:
        patch.setattr(Link, "drained", never)
        await client.connect()
        client.lose()
        gate.set()
        await settle()

    assert (server.clients, server.main.sockets, list(server.main.rooms.names())) == (set(), {}, [])
    await client.connect()
    assert client.received()[-1] == 1


def test_a_claim_is_read_with_care() -> None:
    assert Claim.parse({"pid": "p", "offset": "o"}) == Claim("p", "o")
    assert Claim.parse({"pid": "p" * PID_CHARACTERS_MAX}) == Claim("p" * PID_CHARACTERS_MAX, "")
    assert Claim.parse({"pid": "p" * (PID_CHARACTERS_MAX + 1), "offset": "o" * (OFFSET_CHARACTERS_MAX + 1)}) == Claim(
        "", ""
    )
    assert Claim.parse({"pid": None, "offset": {"x": 1}}) == Claim("", "")
