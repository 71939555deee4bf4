"""A session between a hub and a transport, wired in memory, with time moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import pytest

from ordercast.hub import Connection, DisconnectReason, Handshake, Options
from ordercast.protocol.engineio import Packet, PacketType
from ordercast.protocol.message import Message
from ordercast.wire import Engine
from ordercast.wire.session import FRAMES_GAP_S, MESSAGE_BYTES, TURN_BYTES_MAX, Session
from tests.clock import HandClock, time_by_hand

BACKLOG_MAX = 100 * (10 + MESSAGE_BYTES)
HANDSHAKE = Handshake((), b"", "127.0.0.1", secure=False, time=0.0)


class Wire:
    """A transport that keeps what it was given."""

    part_bytes = 1 << 60

    def __init__(self, name: str = "websocket") -> None:
        self.name = name
        self.writes: list[list[bytes]] = []
        self.last_words: list[bytes] | None = None
        self.released = 0
        self.takes_bytes = 1 << 60
        self.session: Session | None = None

    def write(self, messages: Sequence[Message]) -> None:
        self.writes.append([message.text for message in messages])
        self.takes_bytes -= sum(map(len, messages))
        if self.takes_bytes < 0 and self.session is not None:
            self.session.blocked = True  # as a transport does past its high-water mark

    def release(self) -> None:
        self.released += 1

    def close(self, messages: Sequence[Message]) -> bool:
        self.last_words = [message.text for message in messages]
        return True


class Application:
    def __init__(self) -> None:
        self.options = Options(backlog_bytes_max=BACKLOG_MAX)
        self.ended: list[DisconnectReason] = []
        self.heard: list[bytes] = []

    def start(self) -> None:
        pass

    def open(self, _connection: Connection) -> Application:
        return self

    def receive_text(self, data: bytes) -> None:
        self.heard.append(data)

    def receive_binary(self, data: bytes) -> None:
        self.heard.append(data)

    def closed(self, reason: DisconnectReason) -> None:
        self.ended.append(reason)


@pytest.fixture
def clock() -> Iterator[HandClock]:
    with time_by_hand() as clock:
        yield clock


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def session(clock: HandClock, application: Application, wire: Wire) -> Session:
    session = Engine(application).open(HANDSHAKE, wire, blocked=False)
    clock.advance(0)
    wire.writes.clear()
    return session


def message(text: str, *, volatile: bool = False) -> Message:
    return Message(text.encode(), volatile=volatile)


def test_what_is_sent_in_one_turn_is_one_write(clock: HandClock, session: Session, wire: Wire) -> None:
    session.send(message("4a"))
    session.send(message("4b"))
    assert wire.writes == []

    clock.advance(0)

    assert wire.writes == [[b"4a", b"4b"]]


def test_what_is_sent_apart_is_a_write_of_its_own(clock: HandClock, session: Session, wire: Wire) -> None:
    session.send_apart(message("40"))
    session.send(message("4a"))
    session.send(message("4b"))

    clock.advance(FRAMES_GAP_S / 2)
    assert wire.writes == [[b"40"]]

    clock.advance(FRAMES_GAP_S)
    assert [b"".join(write) for write in wire.writes] == [b"40", b"4a4b"]


def test_what_is_sent_apart_comes_behind_what_waits(clock: HandClock, session: Session, wire: Wire) -> None:
    session.send(message("4a"))
    session.send_apart(message("40"))
    assert wire.writes == [[b"4a", b"40"]]

    session.blocked = True
    session.send_apart(message("4b"))
    clock.advance(1)
    assert len(wire.writes) == 1
    session.unblock()

    assert b"".join(wire.writes[-1]) == b"4b"


def test_one_answer_to_a_poll_takes_all_that_waits(clock: HandClock, application: Application) -> None:
    wire = Wire("polling")
    session = Engine(application).open(HANDSHAKE, wire, blocked=False)
    clock.advance(0)

    session.send_apart(message("40"))
    session.send(message("4a"))
    clock.advance(0)

    assert wire.writes[1:] == [[b"40", b"4a"]]


def test_a_very_long_turn_is_several_writes(clock: HandClock, session: Session, wire: Wire) -> None:
    piece = message("4" + "x" * (TURN_BYTES_MAX // 4 - 1))
    for _ in range(11):
        session.send(piece)
    clock.advance(0)

    # The first of a turn is not counted, and the one that passes the bound still goes along.
    assert [len(write) for write in wire.writes] == [6, 5]


@pytest.mark.parametrize("attachments", [(), (b"x" * 100_000,)])
def test_what_one_turn_emits_past_what_the_transport_takes_is_backlog(
    clock: HandClock, session: Session, wire: Wire, application: Application, attachments: tuple[bytes, ...]
) -> None:
    """A handler's loop could otherwise hand a gigabyte over before anybody looks."""
    wire.takes_bytes = 100_000
    wire.session = session
    text = b"4" if attachments else b"4" + b"x" * 100_000
    for _ in range(20):
        session.send(Message(text, attachments))
    assert not application.ended

    clock.advance(0)

    assert application.ended == [DisconnectReason.BACKLOG_FULL]
    assert sum(map(len, wire.writes)) == 2


def test_while_blocked_messages_wait_and_volatile_ones_are_dropped(session: Session, wire: Wire) -> None:
    session.blocked = True

    session.send(message("4a"))
    session.send(message("4b", volatile=True))
    session.send(message("4c"))
    session.unblock()

    assert wire.writes == [[b"4a", b"4c"]]


def test_a_backlog_at_its_bound_is_kept(clock: HandClock, session: Session, application: Application) -> None:
    session.blocked = True
    for _ in range(100):
        session.send(message("4" + "x" * 9))

    clock.advance(0)

    assert application.ended == []


def test_a_message_that_waits_is_charged_for_more_than_its_bytes(
    clock: HandClock, session: Session, application: Application
) -> None:
    """Half a million answers of eight bytes are a hundred megabytes of objects."""
    session.blocked = True
    for _ in range(BACKLOG_MAX // MESSAGE_BYTES + 1):
        session.send(message("4"))

    clock.advance(0)

    assert application.ended == [DisconnectReason.BACKLOG_FULL]


def test_a_backlog_is_written_in_parts_until_the_transport_takes_no_more(session: Session, wire: Wire) -> None:
    session.blocked = True
    for number in range(6):
        session.send(message(f"4{number}" + "x" * 98))
    wire.part_bytes = 250
    wire.takes_bytes = 350
    wire.session = session

    session.unblock()
    assert [len(write) for write in wire.writes] == [2, 2]
    assert session.blocked
    assert session.backlog_bytes == 2 * (100 + MESSAGE_BYTES)

    session.unblock()
    assert [len(write) for write in wire.writes] == [2, 2, 2]
    assert session.backlog_bytes == 0


def test_a_backlog_past_its_bound_ends_the_session_in_the_next_turn(
    clock: HandClock, session: Session, application: Application
) -> None:
    session.blocked = True
    session.send(message("4" + "x" * BACKLOG_MAX))
    assert session.is_open, "whoever sends may be iterating over the room"

    clock.advance(0)

    assert application.ended == [DisconnectReason.BACKLOG_FULL]


def test_nothing_after_a_lost_message_is_ever_handed_over(clock: HandClock, session: Session, wire: Wire) -> None:
    """An event heard after a lost one would move the client's offset past it, and recovery would not bring it back."""
    session.blocked = True
    session.send(message("4before"))
    session.send(message("4" + "x" * BACKLOG_MAX))

    session.unblock()
    session.send(message("4after"))
    session.flush()
    clock.advance(0)

    assert wire.writes == []
    assert wire.last_words == []


def test_what_is_queued_goes_out_with_the_end(session: Session, wire: Wire, application: Application) -> None:
    session.send(message("4bye"))

    session.close(DisconnectReason.SERVER_SHUTTING_DOWN)
    session.close(DisconnectReason.PING_TIMEOUT)
    session.send(message("4late"))

    assert (wire.writes, wire.last_words) == ([[b"4bye"]], [])
    assert application.ended == [DisconnectReason.SERVER_SHUTTING_DOWN]


def test_a_session_that_has_ended_hears_nothing(session: Session, application: Application) -> None:
    session.close(DisconnectReason.PARSE_ERROR)

    session.receive_message(b"late", binary=False)
    session.closed_by_client()
    session.transport_lost(session.transport, DisconnectReason.TRANSPORT_CLOSE)

    assert application.heard == []
    assert application.ended == [DisconnectReason.PARSE_ERROR]


def test_the_wheel_pings_and_ends(clock: HandClock, session: Session, wire: Wire, application: Application) -> None:
    clock.advance(25)
    assert wire.writes == [[b"2"]]

    clock.advance(21)

    assert application.ended == [DisconnectReason.PING_TIMEOUT]


def test_a_pong_for_a_ping_that_was_not_handed_over_does_not_count(
    clock: HandClock, session: Session, application: Application
) -> None:
    """Else a client that reads nothing, and says that it lives, would have its backlog kept for ever."""
    session.blocked = True
    session.send(message("4unread"))

    for _ in range(100):
        session.receive(Packet(PacketType.PONG))
        clock.advance(0.5)

    assert application.ended == [DisconnectReason.PING_TIMEOUT]


def test_a_pong_counts_once_the_ping_is_handed_over(
    clock: HandClock, session: Session, application: Application
) -> None:
    for _ in range(10):
        session.blocked = True
        clock.advance(25)
        session.unblock()
        session.receive(Packet(PacketType.PONG))

    assert application.ended == []


def test_a_session_whose_pong_is_overdue_is_not_found(clock: HandClock, application: Application, wire: Wire) -> None:
    engine = Engine(application)
    session = engine.open(HANDSHAKE, wire, blocked=False)
    clock.advance(25)

    clock.now = session.pong_due_s

    assert engine.find(session.sid) is None
    assert application.ended == [DisconnectReason.PING_TIMEOUT]


def test_only_one_probe_at_a_time_and_only_of_a_polling_session(
    clock: HandClock, application: Application, session: Session
) -> None:
    polling = Engine(application).open(HANDSHAKE, Wire("polling"), blocked=True)
    first, second = Wire(), Wire()

    assert not session.begin_probe(first), "it is a WebSocket already"
    assert polling.begin_probe(first)
    assert not polling.begin_probe(second)
    polling.transport_lost(first, DisconnectReason.TRANSPORT_CLOSE)
    assert polling.begin_probe(second)
    assert polling.is_open


def test_the_end_of_a_session_ends_its_probe(clock: HandClock, application: Application) -> None:
    session = Engine(application).open(HANDSHAKE, Wire("polling"), blocked=True)
    probe = Wire()
    session.begin_probe(probe)

    session.close(DisconnectReason.PING_TIMEOUT)

    assert probe.last_words == []
    assert not session.begin_probe(Wire())


def test_an_upgrade_hands_over_what_waited(clock: HandClock, application: Application) -> None:
    polling, websocket = Wire("polling"), Wire()
    session = Engine(application).open(HANDSHAKE, polling, blocked=True)
    session.take_outbox()
    session.begin_probe(websocket)
    session.probe_answered()
    session.send(message("4a"))
    session.send(message("4b"))

    session.upgrade(websocket)
    session.send(message("4c"))
    clock.advance(0)

    assert websocket.writes == [[b"4a", b"4b"], [b"4c"]]
    assert (session.transport_name, session.upgrading, polling.released) == ("websocket", False, 2)


async def test_drained_waits_for_the_network_or_the_end(application: Application, wire: Wire) -> None:
    for finish in (Session.unblock, Session.ping_timed_out):
        session = Engine(application).open(HANDSHAKE, wire, blocked=False)
        await asyncio.wait_for(session.drained(), 1)
        session.blocked = True
        session.send(message("4a"))
        waiting = [asyncio.create_task(session.drained()) for _ in range(2)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)

        finish(session)

        await asyncio.wait_for(asyncio.gather(*waiting), 1)
        session.close(DisconnectReason.TRANSPORT_CLOSE)
