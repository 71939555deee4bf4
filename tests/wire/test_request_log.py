"""The request log's lines of Engine.IO."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from ordercast.hub import Options, Server
from ordercast.telemetry import REQUEST_LOG, LineFormatter
from tests.peers import WEBSOCKET, Peer, Poller, Refused
from tests.servers import running
from tests.waiting import until

Records = Callable[[], list[logging.LogRecord]]


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Records:
    monkeypatch.setattr(logging.getLogger(REQUEST_LOG), "propagate", True)
    caplog.set_level(logging.DEBUG, REQUEST_LOG)
    return lambda: [record for record in caplog.records if record.name == REQUEST_LOG]


def facts(records: list[logging.LogRecord]) -> list[dict[str, Any]]:
    return [record.__dict__["facts"] for record in records]


async def test_each_poll_post_and_refusal_has_its_line_and_its_answer_the_id(records: Records) -> None:
    async with running(Server()) as at, Poller(at.port) as poller:
        opened = await poller.request()
        poller.sid = json.loads(opened.text[1:])["sid"]
        posted = await poller.request("POST", b"40")
        polled = await poller.request()
        refused = await poller.request(sid="unknown")
        allowed = await poller.request("OPTIONS")

    answers = [opened, posted, polled, refused, allowed]
    assert [each.status_code for each in answers] == [200, 200, 200, 400, 204]
    lines = facts(records())
    assert [(line["method"], line["status"]) for line in lines] == [
        ("GET", 200),
        ("POST", 200),
        ("GET", 200),
        ("GET", 400),
        ("OPTIONS", 204),
    ]
    assert [line["request_id"] for line in lines] == [each.headers["x-request-id"] for each in answers]
    assert {(line["route"], line["caller"], line["actor"]) for line in lines} == {("/socket.io/", "127.0.0.1", "-")}
    assert {record.levelno for record in records()} == {logging.DEBUG}


async def test_the_opening_of_a_websocket_has_its_line(records: Records) -> None:
    async with running(Server()) as at, await Peer.start(at.port):
        with pytest.raises(Refused):
            await Peer.open(at.port, WEBSOCKET.replace("EIO=4", "EIO=3"))
        with pytest.raises(Refused):
            await Peer.open(at.port, WEBSOCKET.replace("/socket.io/", "/elsewhere/"))
        with pytest.raises(Refused):
            await Peer.open(at.port, Sec_WebSocket_Key="")
        await until(lambda: len(records()) == 4)

    assert [(line["route"], line["status"]) for line in facts(records())] == [
        ("/socket.io/", 101),
        ("/socket.io/", 400),
        ("-", 403),
        ("/socket.io/", 400),
    ]


async def test_a_file_of_the_client_has_its_line(records: Records) -> None:
    async with running(Server()) as at, Poller(at.port, "/socket.io/socket.io.min.js.map") as poller:
        answer = await poller.request(token="tok_secret")

    ((line,),) = [facts(records())]
    assert (line["route"], line["status"]) == ("/socket.io/socket.io.min.js.map", answer.status_code)
    assert line["request_id"] == answer.headers["x-request-id"]


async def test_no_line_holds_a_session_id_or_a_token(records: Records) -> None:
    async with running(Server()) as at, Poller(at.port) as poller:
        await poller.start()
        await poller.request(sid=poller.sid, token="tok_secret")
        async with await Peer.start(at.port, target=WEBSOCKET + "&token=tok_secret") as peer:
            sid = peer.handshake["sid"]

    for form in ("console", "json"):
        text = "\n".join(LineFormatter(form).format(each) for each in records())
        assert text.count("\n") >= 3
        assert not [secret for secret in (poller.sid, sid, "tok_secret") if secret in text]


async def test_a_named_proxy_gives_the_id_and_nobody_else_does(records: Records) -> None:
    given = {"X-Request-ID": "f00-1"}
    async with running(Server(Options(trusted_proxies=("127.0.0.1",)))) as at, Poller(at.port, headers=given) as poller:
        assert (await poller.request()).headers["x-request-id"] == "f00-1"
    async with running(Server()) as at, Poller(at.port, headers=given) as poller:
        assert (await poller.request()).headers["x-request-id"] != "f00-1"


async def test_without_debug_there_is_neither_line_nor_id(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, REQUEST_LOG)
    async with running(Server()) as at, Poller(at.port) as poller:
        assert "x-request-id" not in (await poller.request()).headers
