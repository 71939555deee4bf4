"""Eight people in one conversation while their connections are cut and their nodes killed; and how it must end.

The database says at the end what was written. Everybody must have heard it once, and all in one order; a receipt never
goes back; and what is unread is what a count gives.
"""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import httpx

from .cutting_proxy import CuttingProxy
from .listener import Listener
from .shop import Shop

PEOPLE = 8
HEARD_S_MAX = 90.0
Query = Callable[[str], list[tuple[Any, ...]]]
Listen = Callable[..., Listener]


class Conversation:
    """Of an order that its guest tracks: the shop's six people, its customer and the guest."""

    def __init__(self, shops: Sequence[Shop], query: Query, chance: random.Random, messages: int) -> None:
        self.chance = chance
        self.shops = shops
        self.query = query
        self.messages = messages
        """Of each person."""
        self.roads: list[CuttingProxy] = []
        shop = shops[0]
        ((customer,),) = query("SELECT id FROM customers WHERE email = 'customer@example.com'")
        headers = {"authorization": f"Bearer {shop.token('customer', customer)}"}
        order = httpx.post(f"{shop.url}/api/orders", json=shop.order(), headers=headers).raise_for_status().json()
        self.id = self._open(order["id"])
        staff = {f"clerk{n}": shop.token(sub=f"usr_{n}") for n in range(PEOPLE - 2)}
        buyer = {f"buyer{n}": shop.token("customer", customer) for n in range(2)}
        self.tokens = {**staff, **buyer}

    @property
    def total(self) -> int:
        return PEOPLE * self.messages

    def _open(self, order_id: str) -> str:
        shop = self.shops[0]
        headers = {"authorization": f"Bearer {shop.token()}"}
        answer = httpx.post(f"{shop.url}/api/conversations", json={"orderId": order_id}, headers=headers)
        id_: str = answer.raise_for_status().json()["id"]
        return id_

    # What befalls it

    @contextmanager
    def talking(self, listen: Listen) -> Iterator[Listener]:
        """With everybody on a road of their own; at the end all is settled."""
        with ExitStack() as roads:
            self.roads = [roads.enter_context(CuttingProxy(self.chance.choice(self.shops).port)) for _ in range(PEOPLE)]
            people = [
                {
                    "name": name,
                    "url": road.url,
                    "token": token,
                    "messages": self.messages,
                    # The buyers stop reading halfway, so that something is left unread.
                    "readsUpTo": self.total if name.startswith("clerk") else self.total // 2,
                }
                for road, (name, token) in zip(self.roads, self.tokens.items(), strict=True)
            ]
            crowd = listen(
                "", script="chatters.mjs", conversationId=self.id, people=people, total=self.total, ackTimeout=2_000
            )
            _await(crowd, partial(_is_of_all, crowd, "connect", set(self.tokens)), "not connected")
            yield crowd
            self._settle(crowd)

    def cut(self) -> None:
        lose = self.chance.choice([CuttingProxy.cut, CuttingProxy.abandon])
        for road in self.chance.sample(self.roads, self.chance.randint(1, PEOPLE)):
            road.server_port = self.chance.choice(self.shops).port
            lose(road)

    def kill(self) -> None:
        """A node; its people come back to it, or to another."""
        shop = self.chance.choice(self.shops)
        shop.kill()
        for road in self.roads:
            if road.server_port == shop.port and self.chance.random() < 0.5:
                road.server_port = self.chance.choice(self.shops).port
        shop.start()

    def befall(self, crowd: Listener, disasters: Sequence[Callable[[], None]], count: int) -> None:
        """One after another, each when some more messages were written."""
        for number in range(count):
            written = (number + 1) * self.total // (count + 2)
            _await(crowd, partial(_has_sent, crowd, written), f"not {written} written")
            self.chance.choice(disasters)()

    # How it ends

    def _settle(self, crowd: Listener) -> None:
        for kind in ("heard", "read"):
            _await(crowd, partial(_is_of_all, crowd, kind, set(self.tokens)), f"not {kind} by all")
        assert crowd.of_kind("strange") == crowd.of_kind("resync") == []
        written = self.query(
            f"SELECT position, id, client_id FROM messages WHERE conversation_id = '{self.id}' ORDER BY position"
        )
        self._settle_messages(crowd, written)
        self._settle_receipts(crowd)

    def _settle_messages(self, crowd: Listener, written: list[tuple[Any, ...]]) -> None:
        wanted = {f"{name}-{number}" for name in self.tokens for number in range(self.messages)}
        assert [position for position, _, _ in written] == list(range(1, self.total + 1))
        assert sorted(client_id for _, _, client_id in written) == sorted(wanted), (
            "each once, however often it was sent"
        )
        # What was acknowledged is what is there.
        acknowledged = {(each["position"], each["id"], each["clientId"]) for each in crowd.of_kind("sent")}
        assert acknowledged == set(written)
        order = [[position, id_] for position, id_, _ in written]
        for each in crowd.of_kind("heard"):
            assert each["heard"] == order, f"{each['name']} did not hear each message once and in order"

    def _settle_receipts(self, crowd: Listener) -> None:
        for each in crowd.of_kind("read"):
            seen: dict[str, int] = {}
            for participant, position in each["receipts"]:
                assert position >= seen.get(participant, 0), f"to {each['name']} a receipt of {participant} went back"
                seen[participant] = position
        counted = self.query(
            f"SELECT participant, seen, unread FROM conversation_participants WHERE conversation_id = '{self.id}'"
        )
        assert {name: seen for name, seen, _ in counted} == {"store": self.total, "customer": self.total // 2}
        for participant, seen_up_to, unread in counted:
            ((count,),) = self.query(
                f"SELECT count(*) FROM messages WHERE conversation_id = '{self.id}'"
                f" AND position > {seen_up_to} AND participant <> '{participant}'"
            )
            assert unread == count, f"{participant} has {count} unread, and is told of {unread}"


def _is_of_all(crowd: Listener, kind: str, names: set[str]) -> bool:
    return {each["name"] for each in crowd.of_kind(kind)} == names


def _has_sent(crowd: Listener, count: int) -> bool:
    return len(crowd.of_kind("sent")) >= count


def _await(crowd: Listener, is_so: Callable[[], bool], what: str) -> None:
    """Wait until it is so; else say where everybody was."""
    with contextlib.suppress(AssertionError):
        crowd.wait_for(lambda _: is_so(), HEARD_S_MAX)
    sent = Counter(each["name"] for each in crowd.of_kind("sent"))
    comings = Counter(each["name"] for each in crowd.of_kind("connect"))
    assert is_so(), f"{what}: {dict(sent)} sent, {dict(comings)} connections"
