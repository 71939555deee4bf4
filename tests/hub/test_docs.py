"""The pages about the server are true: every option and method is on them, and their code runs."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from ordercast.hub import BroadcastOperator, DisconnectReason, Handshake, Namespace, Options, Server, Socket
from ordercast.hub import options as options_module
from ordercast.hub.parent_namespace import ParentNamespace
from tests.hub.links import connect

DOCS = Path(__file__).parents[2] / "docs"
REFERENCE = DOCS / "reference/server.md"
PAGES = (
    REFERENCE,
    DOCS / "reference/bus.md",
    DOCS / "guides/emitters.md",
    DOCS / "guides/from-node.md",
    DOCS / "guides/from-python-socketio.md",
)


def documented_options() -> dict[str, str]:
    """The docstring of each option, on one line."""
    (declared,) = [
        node
        for node in ast.parse(Path(options_module.__file__).read_text()).body
        if isinstance(node, ast.ClassDef) and node.name == "Options"
    ]
    described: dict[str, str] = {}
    for field, text in zip(declared.body, [*declared.body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            is_text = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
            described[field.target.id] = " ".join(str(text.value.value).split()) if is_text else ""  # type: ignore[union-attr]
    return described


def option_rows() -> list[str]:
    """The table of the reference page, as the source would have it."""
    described = documented_options()
    defaults = {field.name: field.default for field in dataclasses.fields(Options)}
    return [f"| `{name}` | `{defaults[name]!r}` | {described[name]} |" for name in defaults]


def test_the_table_of_options_is_that_of_the_source() -> None:
    page = REFERENCE.read_text()
    missing = [row for row in option_rows() if row not in page]

    assert not missing, "put into docs/reference/server.md:\n" + "\n".join(missing)
    assert len(re.findall(r"^\| `\w+` \| `", page, re.MULTILINE)) == len(option_rows()), "an option that is no more"


@pytest.mark.parametrize("kind", [Server, Namespace, ParentNamespace, BroadcastOperator, Socket, Handshake])
def test_every_public_name_is_on_the_page(kind: type) -> None:
    page = REFERENCE.read_text()
    # Called by the rest of the package, not by programs.
    internal = {
        "Server": {"connect", "connection_refused", "forget", "loop", "open", "parser", "spawn", "start"},
        "Namespace": {"add", "connect_decided", "event_handlers", "handlers", "is_empty", "loop", "notify", "remove"}
        | {"spawn"},
        "ParentNamespace": {"adopt", "allows"},
        "Socket": {"abandon", "adapter", "charge", "emit_with_flags", "emitter", "end", "entered", "expect_ack"}
        | {"held_bytes", "notify_outgoing_listeners", "queue_until", "receive", "replay_budget", "request_ack"}
        | {"run_connection_handlers"},
    }.get(kind.__name__, set())
    names = {name for name, _ in inspect.getmembers(kind) if not name.startswith("_")} - internal

    assert {name for name in names if f"`{name}" not in page and f".{name}" not in page} == set()


@pytest.mark.parametrize("reason", DisconnectReason)
def test_every_reason_is_on_the_page(reason: DisconnectReason) -> None:
    assert f"`{reason.value}`" in REFERENCE.read_text()


def blocks() -> list[Any]:
    found = []
    for page in PAGES:
        for match in re.finditer(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
            line = page.read_text()[: match.start()].count("\n") + 2
            found.append(pytest.param(match[1], id=f"{page.stem}:{line}"))
    return found


@pytest.mark.parametrize("code", blocks())
async def test_the_code_on_the_pages_runs(code: str) -> None:
    """Each block in a coroutine of its own, with a server that has one client."""
    server = Server()
    connect(server)
    (socket,) = server.main.sockets.values()
    scope: dict[str, Any] = {"server": server, "socket": socket, "serve_for_ever": lambda *_args, **_options: None}
    wrapped = "async def run():\n" + textwrap.indent(code, "    ")
    exec(compile(wrapped, "the page", "exec"), scope)  # noqa: S102 - our own pages

    await scope["run"]()
    await server.close()
