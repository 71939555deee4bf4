"""The AsyncAPI document: everything has a type, a text and an example, and the official parser reads it."""

from __future__ import annotations

import ast
import asyncio
import json
import re
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from ordercast.api import create_api
from ordercast.api.application import openapi_document
from ordercast.app import build_hub
from ordercast.commands.asyncapi import asyncapi_document
from ordercast.commerce.rooms import ROOMS
from ordercast.config import Settings
from ordercast.db import ChangeKind, SqliteStore, Store
from ordercast.db.events import BOOKING_EVENTS, RESERVED_EVENTS
from ordercast.feed import event_examples
from ordercast.feed.audience import AUDIENCE, SINGLE_EVENT_ROUTES
from ordercast.feed.event_types import PAYLOADS
from ordercast.hub import Server
from ordercast.sockets import describe_sockets
from ordercast.sockets.asyncapi import make_document
from ordercast.sockets.command_router import RoutedCommand, SocketHandler
from tests.api.client import Client, problem

from .described import commands, document, events, messages, problems_of, schemas

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / "tests/clients"
NODE = shutil.which("node") or str(ROOT / ".venv/bin/node")
REFERENCE = (ROOT / "docs/reference/events.md").read_text(encoding="utf-8")


# --- Completeness -----------------------------------------------------------------------------------------------------


def test_an_event_has_a_type_a_text_and_an_example() -> None:
    for name, message in events().items():
        assert name in PAYLOADS, f"{name}: its type belongs into PAYLOADS of feed/event_types.py"
        assert message["summary"], f"{name}: a docstring of its type, or a line of TEXTS in feed/event_types.py"
        assert message["examples"], f"{name}: an example of it belongs into feed/event_examples.py"


def test_a_command_has_a_type_a_text_and_examples_of_itself_and_its_ack() -> None:
    for name, (command, ack) in commands().items():
        assert command["summary"], f"{name}: a docstring of the function that answers it"
        assert command.get("examples"), f"{name}: a CommandDoc beside the Command, with an example"
        assert ack.get("examples"), f"{name}: an answer in its CommandDoc"


def test_every_handler_of_the_server_is_a_command_of_the_document() -> None:
    server, *_ = build_hub(Settings(secret="-" * 32), SqliteStore(Path("not-opened.db")))
    names = server.main.event_names()
    assert set(names) == commands().keys()
    for name in names:
        for handler in server.main.event_handlers(name):
            assert isinstance(handler, RoutedCommand | SocketHandler), f"{name}: by the router, or as a SocketHandler"


def named_events() -> Iterator[tuple[str, Path]]:
    """The names that the shop's code emits or routes, written out where it does so."""
    for path in [path for room in ("feed", "sockets", "api") for path in (ROOT / "src/ordercast" / room).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            called = node.func if isinstance(node, ast.Call) else None
            name = getattr(called, "attr", getattr(called, "id", ""))
            at = {"emit": 0, "Rule": 0, "RoutedEvent": 0, "encode_event": 1}.get(name)
            if at is not None and isinstance(node, ast.Call) and len(node.args) > at:
                written = node.args[at]
                if isinstance(written, ast.Constant) and isinstance(written.value, str):
                    yield written.value, path


def test_nothing_is_emitted_that_the_document_does_not_have() -> None:
    found = dict(named_events())
    assert {"new_order", "delivery_update", "watching", "stats", "auth_expiring", "resync"} <= found.keys()
    assert {name: path for name, path in found.items() if name not in events()} == {}


def test_every_rule_of_the_audience_is_shown_by_an_example() -> None:
    shown = {example.event for example in event_examples.durable()}
    assert {rule.event for rule in AUDIENCE} <= shown
    kinds = {kind for kind, *_ in event_examples.ROWS}
    assert {ChangeKind(kind) for kind in SINGLE_EVENT_ROUTES} <= kinds


def test_every_event_of_ours_is_of_the_document_and_kept_for_us() -> None:
    chat = {"message", "typing", "seen", "participants"}
    assert events().keys() <= RESERVED_EVENTS | BOOKING_EVENTS
    lifecycle = {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener", "error"}
    assert {*events(), *lifecycle, *chat} >= RESERVED_EVENTS | BOOKING_EVENTS


def test_every_room_says_who_is_in_it() -> None:
    rooms = {channel["address"] for channel in document()["channels"].values()} - {"/"}
    assert rooms <= ROOMS.keys(), "a line of ROOMS in commerce/rooms.py"


def test_every_schema_and_property_is_described() -> None:
    for name, schema in schemas().items():
        assert schema.get("description"), f"{name}: a docstring, or a line of `SCHEMAS` in api/openapi/texts.py"
        for part in (schema, *schema.get("allOf", [])):
            for field, one in part.get("properties", {}).items():
                assert one.get("description"), f"{name}.{field}: a string under it, or one of `FIELDS` there"


# --- Truth ------------------------------------------------------------------------------------------------------------


def test_an_example_is_what_its_schema_says() -> None:
    for name, message in messages().items():
        for example in message.get("examples", []):
            assert problems_of(name, example["payload"]) == []


def test_what_http_has_too_has_the_same_schema() -> None:
    shared = msgspec.json.decode(openapi_document())["components"]["schemas"]
    both = schemas().keys() & shared.keys()
    assert {"Order", "OrderLine", "OrderStatus", "Stats", "Proof", "Message", "Receipt"} <= both
    assert {name: schemas()[name] for name in both} == {name: shared[name] for name in both}
    assert schemas()["WholeOrder"]["allOf"][0] == {"$ref": "#/components/schemas/Order"}
    for name in ("newOrder", "order_update"):
        assert messages()[name]["payload"] == {"$ref": "#/components/schemas/WholeOrder"}


def test_who_hears_an_event_is_said_in_its_channels() -> None:
    for name, message in events().items():
        heard_in = {
            channel["address"]
            for channel in document()["channels"].values()
            if name in channel["messages"] and channel["address"] != "/"
        }
        assert heard_in == set(message["x-socketio"]["rooms"]), name


def test_what_changed_data_carries_its_offset() -> None:
    for name, message in events().items():
        facts = message["x-socketio"]
        if facts["durable"]:
            assert facts["offset"] in {"always", "sometimes"}, name
            assert facts["arguments"][-1] == {"$ref": "#/components/schemas/Offset"}, name
        if facts["offset"] == "never":
            assert len(facts["arguments"]) == 1, name
    assert messages()["stats"]["x-socketio"]["offset"] == "never"
    assert messages()["delivery_update"]["x-socketio"]["offset"] == "sometimes"


@pytest.mark.node
def test_the_official_parser_finds_nothing_wrong(tmp_path: Path) -> None:
    file = tmp_path / "asyncapi.json"
    file.write_bytes(asyncapi_document())
    run = subprocess.run([NODE, "asyncapi.mjs", file], cwd=CLIENTS, stdout=subprocess.PIPE, check=True)
    parsed = json.loads(run.stdout)
    # 3.1.0 adds a binding of another protocol; more tools read 3.0.0.
    assert {each["code"] for each in parsed["diagnostics"]} <= {"asyncapi-latest-version"}, parsed["diagnostics"]
    assert set(parsed["operations"]) == document()["operations"].keys()
    assert set(parsed["messages"]) == messages().keys()


# --- The reference, for people ----------------------------------------------------------------------------------------


def rows_of(name: str) -> str:
    return "\n".join(line for line in REFERENCE.splitlines() if line.startswith("|") and f"`{name}`" in line)


def test_the_reference_names_every_event_and_who_hears_it() -> None:
    told = REFERENCE.split("## Server to client")[1].split("## Client to server")[0]
    for name, message in events().items():
        assert f"`{name}`" in told, name
        for room in message["x-socketio"]["rooms"]:
            if name not in {"stats", "resync"}:  # which a sentence tells
                assert f"`{room.replace('{id}', '<id>')}" in rows_of(name), f"{name}: {room}"


def test_the_reference_names_every_command_and_its_fields() -> None:
    for name, (command, _ack) in commands().items():
        row = re.search(rf"^\| `{name}` \|.*$", REFERENCE, re.MULTILINE)
        assert row is not None, name
        reference = command["payload"].get("$ref")
        fields = {} if reference is None else schemas()[reference.rsplit("/", 1)[1]]["properties"]
        own = [field for field in fields if field != "clientId"]  # of every command, which is said above the table
        assert not [field for field in own if not re.search(rf"\b{field}\b", row[0])], name


# --- How it is served -------------------------------------------------------------------------------------------------


@pytest.fixture
async def http(settings: Settings, store: Store, server: Server) -> AsyncIterator[httpx.AsyncClient]:
    application: Any = create_api(settings, store, describe_sockets=partial(describe_sockets, server))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://shop.test") as http:
        yield http


async def test_the_document_is_made_once_off_the_loop_and_sent_once_to_who_keeps_it(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []

    def noting(*arguments: Any) -> dict[str, Any]:
        threads.append(threading.current_thread().name)
        return make_document(*arguments)

    monkeypatch.setattr("ordercast.sockets.asyncapi.make_document", noting)
    answers = await asyncio.gather(*(http.get("/asyncapi.json") for _ in range(3)))
    assert [answer.json() for answer in answers] == [document()] * 3
    assert len(threads) == 1
    assert threads[0] != threading.main_thread().name
    known = answers[0].headers["etag"]
    again = await http.get("/asyncapi.json", headers={"if-none-match": known})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", known)


async def test_a_process_without_sockets_describes_none(client: Client) -> None:
    problem(await client.get("/asyncapi.json"), 404, "not-found")


async def test_the_pages_lead_to_each_other_and_fetch_nothing_elsewhere(http: httpx.AsyncClient) -> None:
    for path, other, source in (
        ("/docs", "/docs/events", "/openapi.json"),
        ("/docs/events", "/docs", "/asyncapi.json"),
    ):
        page = await http.get(path)
        assert f'href="{other}"' in page.text
        assert f'fetch("{source}")' in page.text
        assert not re.search(r"(src|href)=\"(https?:)?//", page.text)
        assert "connect-src 'self'" in page.headers["content-security-policy"]
