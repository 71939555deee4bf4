"""What is asked of each server, and how long; every workload is measured for about `SAMPLE_S` at a time."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from . import frames
from .buyers import Buyers
from .chatters import Chatters
from .pollers import Pollers
from .returners import Returners
from .swarm import Swarm

SAMPLE_S = 1.0
PAYLOAD = {
    "type": "new_order",
    "order": {
        "id": "ord_01J9ZK3V7Q8M4T2X6B5N0CEDRA",
        "status": "paid",
        "total": 129900,
        "customerName": "Asha Rahman",
        "createdAt": "2026-01-31T12:00:00Z",
        "mobile": "+8801700000000",
        "customer_email": "asha@example.com",
    },
}
ROOMS_PER_REQUEST = 100
ACCEPTS = 400
MISSED = 100

Sample = Callable[[Swarm], int]
"""Drives the server for one sample; gives the number of messages that its CPU time is to be divided by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One row of questions. `clients` are connected before the first sample."""

    name: str
    about: str
    unit: str
    clients: int
    sample: Sample
    swarm: Callable[[int], Swarm] = Swarm
    """Makes the clients of the server on a port."""
    prepare: Callable[[Swarm], None] = lambda _swarm: None
    alone: bool = False
    """Servers are measured one after another, because they are at work also when no sample is taken."""
    recovers: bool = False
    """The servers keep sessions and what was emitted, in memory; python-socketio knows no recovery."""
    shop: bool = False
    """Asked of whole shops, rather than of Socket.IO servers alone."""
    node_shop: str = "shop.mjs"
    """What Node's shop is in that case."""
    ping_interval_ms: int = 300_000  # out of the way, but where pings are what is measured
    ping_timeout_ms: int = 200_000


def _rounds(swarm: Swarm, request: Callable[[], bytes], messages: int) -> int:
    """Let one client ask for `messages`, wait until all have arrived, ask again: no round queues behind another."""
    rounds, end_s = 0, time.monotonic() + SAMPLE_S
    while time.monotonic() < end_s:
        swarm.send(swarm.fds[0], request())
        swarm.await_messages(messages)
        rounds += 1
    return rounds * messages


def _fan(times: int) -> Sample:
    request = frames.event("fan", times, PAYLOAD)
    return lambda swarm: _rounds(swarm, lambda: request, times * len(swarm.fds))


def _polling(swarm: Swarm) -> int:
    """The fan-out over long polling: each message answers a held request, and costs the next one."""
    request = b"42" + json.dumps(["fan", 1, PAYLOAD], separators=(",", ":")).encode()
    return _rounds(swarm, lambda: request, len(swarm.fds))


def _ack_echo(swarm: Swarm) -> int:
    """Each client keeps one event with an ack in flight."""
    request = frames.event("echo", PAYLOAD, ack_id=7)
    for fd in swarm.fds:
        swarm.send(fd, request)
    answered, end_s = 0, time.monotonic() + SAMPLE_S
    while time.monotonic() < end_s:
        heard = swarm.receive()
        answered += len(heard)
        for fd in heard:
            swarm.send(fd, request)
    swarm.await_messages(len(swarm.fds))
    return answered + len(swarm.fds)


def _join_own_rooms(swarm: Swarm) -> None:
    for number, fd in enumerate(swarm.fds):
        swarm.send(fd, frames.event("join", f"order_{number}", ack_id=0))
        swarm.await_messages(1)


def _rooms(swarm: Swarm) -> int:
    """Emits to single rooms, chosen at random but the same for each server; a hundred per request, so that the
    request itself hardly counts.
    """
    chance, numbers = random.Random(5), range(len(swarm.fds))

    def request() -> bytes:
        return frames.event("rooms", [f"order_{n}" for n in chance.sample(numbers, ROOMS_PER_REQUEST)], PAYLOAD)

    requests = [request() for _ in range(20)]
    return _rounds(swarm, lambda: chance.choice(requests), ROOMS_PER_REQUEST)


def _hear_one(swarm: Swarm) -> None:
    """Node cannot recover a client that has heard nothing yet (#5538)."""
    swarm.send(swarm.fds[0], frames.event("fan", 1, PAYLOAD))
    swarm.await_messages(len(swarm.fds))


def _recovery(swarm: Swarm) -> int:
    """All lose their connections, miss a hundred events and come back; closing and accepting them counts too."""
    assert isinstance(swarm, Returners)
    swarm.lose()
    for _ in range(MISSED):
        swarm.send(swarm.fds[0], frames.event("fan", 1, PAYLOAD))
        swarm.await_messages(1)
    return swarm.come_back(MISSED)


def _accept(swarm: Swarm) -> int:
    """From TCP's first packet to the answered Socket.IO CONNECT, 64 at a time; their end is not counted."""
    swarm.connect(ACCEPTS)
    return ACCEPTS


def _ping(swarm: Swarm) -> int:
    return swarm.answer_pings(2 * SAMPLE_S)


def _open_shop(swarm: Swarm) -> None:
    assert isinstance(swarm, Buyers)
    swarm.open_shop()


def _buy(swarm: Swarm) -> int:
    assert isinstance(swarm, Buyers)
    return swarm.buy(2 * SAMPLE_S)


def _open_conversation(swarm: Swarm) -> None:
    assert isinstance(swarm, Chatters)
    swarm.open_conversation()


def _chat(swarm: Swarm) -> int:
    assert isinstance(swarm, Chatters)
    return swarm.chat(SAMPLE_S)


def _order_path(admins: int) -> Workload:
    return Workload(
        name=f"order_path{admins or ''}",
        about=f"64 buyers post three-line orders; committed, answered, and heard by {admins:,} admins",
        unit="us/order",
        clients=admins,
        sample=_buy,
        swarm=Buyers,
        prepare=_open_shop,
        shop=True,
    )


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload(name="fanout", about="one event to 1,000 clients", unit="us/message", clients=1_000, sample=_fan(1)),
        Workload(
            name="burst",
            about="8 events in one turn of the loop to 1,000 clients",
            unit="us/message",
            clients=1_000,
            sample=_fan(8),
        ),
        Workload(
            name="ack_echo",
            about="100 clients, each with one event and its ack in flight",
            unit="us/echo",
            clients=100,
            sample=_ack_echo,
        ),
        Workload(
            name="rooms",
            about="events to one each of 5,000 rooms",
            unit="us/message",
            clients=5_000,
            sample=_rooms,
            prepare=_join_own_rooms,
        ),
        Workload(
            name="fanout5000", about="one event to 5,000 clients", unit="us/message", clients=5_000, sample=_fan(1)
        ),
        Workload(
            name="polling",
            about="one event to 1,000 long-polling clients, each of which polls again",
            unit="us/message",
            clients=1_000,
            sample=_polling,
            swarm=Pollers,
        ),
        Workload(
            name="recovery",
            about=f"1,000 clients come back after {MISSED} events that each missed",
            unit="us/event",
            clients=1_001,
            sample=_recovery,
            swarm=Returners,
            prepare=_hear_one,
            recovers=True,
        ),
        Workload(
            name="accept",
            about=f"{ACCEPTS} clients connect, 64 at a time",
            unit="us/accept",
            clients=1,
            sample=_accept,
        ),
        Workload(
            name="ping",
            about="1,000 idle clients, a ping and its pong every 200 ms",
            unit="us/ping",
            clients=1_000,
            sample=_ping,
            alone=True,
            ping_interval_ms=200,
            ping_timeout_ms=5_000,
        ),
        *map(_order_path, (0, 100, 1_000)),
        Workload(
            name="chat",
            about="16 of 50 participants write at once; committed, acknowledged, and heard by all 50",
            unit="us/message",
            clients=50,
            sample=_chat,
            swarm=Chatters,
            prepare=_open_conversation,
            shop=True,
            node_shop="chat.mjs",
        ),
    )
}
