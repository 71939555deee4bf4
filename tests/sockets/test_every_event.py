"""Every event and command of the AsyncAPI document, on a real socket with a stock client.

What the document has and the tables have not fails: add how to make it happen to ``happenings``, how to ask it to
``askings``. Whatever is heard besides is held against the document too.
"""

from __future__ import annotations

from typing import Any

from .askings import ASKED, PUBLIC
from .described import commands, events
from .happenings import HAPPENS, MORE
from .stage import Stage

WRONG: dict[str, Any] = {"nothing": "of the kind"}


def test_the_table_has_every_event_of_the_document_and_no_other() -> None:
    assert HAPPENS.keys() == events().keys(), "a line of HAPPENS: how to make the event happen"


async def test_every_event_is_heard_on_a_real_socket_as_the_document_has_it(stage: Stage) -> None:
    for happens in (*dict.fromkeys(HAPPENS.values()), *MORE):
        await happens(stage)
    heard = {name for listener in stage.listeners for name, _ in listener.heard}
    assert heard == HAPPENS.keys()


def test_the_table_has_every_command_of_the_document_and_no_other() -> None:
    assert ASKED.keys() == commands().keys(), "a line of ASKED: how to ask the command"


async def test_every_command_is_acknowledged_on_a_real_socket_as_the_document_has_it(stage: Stage) -> None:
    for asked in dict.fromkeys(ASKED.values()):
        await asked(stage)
    nobody = await stage.connect()
    for name in ASKED.keys() - {"echo"}:
        refused = await stage.clerk.ask(name, WRONG)
        assert refused["data"] is None, name
        assert refused["error"]["code"] in {"invalid_field", "token_malformed"}, name
        expected = {"invalid_field"} if name in PUBLIC else {"sign_in_required", "token_malformed"}
        assert (await nobody.ask(name, WRONG))["error"]["code"] in expected, name
