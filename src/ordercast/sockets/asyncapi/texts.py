"""Texts of the AsyncAPI document."""

from __future__ import annotations

from typing import Final

INFO: Final = """\
The events and commands of the shop's Socket.IO interface. Events are made from committed rows: each is delivered to
those who may see it exactly once and in order, also across a lost connection or a restart of the server.

**Binding.** The protocol is Socket.IO (`socket.io-client` 4.x is enough), at the path `/socket.io/`, in the namespace
`/`. AsyncAPI has no binding of its own for it, so what is particular stands in `x-socketio`:

- A message is an event: `x-socketio.event` is its name, `payload` its first argument, `x-socketio.arguments` all of
  them in their order.
- A channel is a room of the namespace `/`. The server alone joins rooms, by the token that a socket presents in
  `auth.token`. A client asks for a room by `join_room`, where a rule of the shop's mapping file allows it. The channel
  `socket` is the namespace itself: what is between the server and one socket.
- A reply is an ack: one argument, `{data, error: null}`, or `{data: null, error: {code, message, ...}}` for a
  refusal, which closes nothing. An event that nobody handles is acked with the error `unknown_event`.

**Offset.** An event that changed data (`x-socketio.durable`) carries its place in the feed as last argument, behind the
payload. The stock client keeps it and presents it when it connects again; what came after it is replayed, once.
Ephemeral events have none: they are dropped first under pressure, and never replayed.

A trusted back end may publish events of its own too, by `POST /api/emit`: to the rooms that it names, with its own
arguments."""

CHANNEL: Final = (
    "The namespace: what is between the server and one socket. A socket with no token connects, and gets nothing but"
    " the answers to its own commands."
)

TOKEN: Final = {
    "description": "A JWT, or the tracking token of one order: in `auth.token` of CONNECT, or as `Authorization:"
    " Bearer ...` of the handshake.",
}
