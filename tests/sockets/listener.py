"""A stock client on a real socket, which holds all that it hears against the AsyncAPI document."""

from __future__ import annotations

from typing import Any, Self

import socketio

from tests.waiting import PATIENCE_S, until

from .described import document, problems_of, problems_of_event


class Listener:
    """python-socketio's client. `rooms` are those that its token opens, as the document calls them."""

    def __init__(self, *rooms: str) -> None:
        self.heard: list[tuple[str, tuple[Any, ...]]] = []
        self.problems: list[str] = []
        self._rooms = {"/", *rooms}
        self._client = socketio.AsyncClient(reconnection=False)
        self._client.on("*", self._hear)

    async def connect(self, url: str, **auth: Any) -> Self:
        said = {name: value for name, value in auth.items() if value is not None}
        await self._client.connect(url, auth=said, wait_timeout=PATIENCE_S)
        return self

    @property
    def sid(self) -> str:
        found: str = self._client.get_sid()
        return found

    async def waits_for(self, event: str, *, durable: bool | None = None) -> Any:
        """The payload of the first such event, which may have been heard before. `durable`: with an offset, or not."""

        def found() -> list[Any]:
            mine = [args for name, args in self.heard if name == event]
            return [args[0] for args in mine if durable is None or (len(args) > 1) is durable]

        return (await until(found))[0]

    async def ask(self, command: str, *args: Any) -> Any:
        """Send a command; gives its ack, which is what the document says."""
        if command in {"watch_conversation", "typing"}:
            self._rooms.add("conversation_{id}")
        if command == "watch_shop":
            self._rooms.add("shoppers")
        ack = await self._client.call(command, args, timeout=60)
        assert problems_of(f"{command}.ack", ack) == []
        return ack

    async def leave(self) -> None:
        await self._client.disconnect()

    def _hear(self, event: str, *args: Any) -> None:
        self.heard.append((event, args))
        self.problems += _problems(event, args, self._rooms)


def _problems(event: str, args: tuple[Any, ...], rooms: set[str]) -> list[str]:
    found = problems_of_event(event, args)
    channels = [each for each in document()["channels"].values() if event in each["messages"]]
    if rooms.isdisjoint(each["address"] for each in channels):
        found.append(f"{event} is not for {rooms}")
    return found
