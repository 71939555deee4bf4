"""The doctor names each fault that is set up, and none of a server that is well."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest

from ordercast.api.health import Health
from ordercast.doctor import Finding, Target, Verdict, examination, examine, socket_checks
from ordercast.hub import ConnectRefused, Server
from ordercast.hub import Socket as ClientSocket
from tests.forked import run
from tests.ports import free_port
from tests.servers import Running, official_server, running
from tests.tokens import make_token

from .proxies import answering, nginx, wire

SECRET = "a secret of at least thirty-two bytes"


@pytest.fixture
async def node() -> AsyncIterator[Running]:
    async with running(echoing()) as node:
        yield node


def echoing() -> Server:
    server = official_server()
    server.event("echo")(lambda _, *args: args)
    return server


async def found(url: str, **options: Any) -> list[Finding]:
    return [finding async for finding in examine(Target(url=url, patience_s=20, **options))]


async def the_fault(url: str, **options: Any) -> Finding:
    faults = [finding for finding in await found(url, **options) if finding.verdict is Verdict.FAULT]
    assert len(faults) == 1, faults
    assert faults[0].remedy
    return faults[0]


async def test_a_server_that_is_well_has_no_fault(node: Running) -> None:
    findings = await found(node.url, origin="https://shop.example")
    assert {finding.check for finding in findings if finding.verdict is Verdict.GOOD} == {
        "reach", "handshake", "origin", "polling", "websocket", "namespace", "echo", "bodies",
    }  # fmt: skip
    assert not [finding for finding in findings if finding.verdict is Verdict.FAULT]


async def test_nor_has_one_behind_a_proxy_that_is_set_up_well(node: Running) -> None:
    async with nginx(node.port, lines="client_max_body_size 2m;") as url:
        assert not [finding for finding in await found(url) if finding.verdict is Verdict.FAULT]


async def test_a_dead_port() -> None:
    fault = await the_fault(f"http://127.0.0.1:{free_port()}")
    assert (fault.check, "nothing listens" in fault.sentence) == ("reach", True)


async def test_a_name_that_is_no_machines() -> None:
    fault = await the_fault("http://no-such-host.invalid")
    assert (fault.check, "no-such-host.invalid" in fault.sentence) == ("reach", True)


async def test_tls_where_there_is_none(node: Running) -> None:
    fault = await the_fault(f"https://127.0.0.1:{node.port}")
    assert (fault.check, "TLS" in fault.sentence) == ("reach", True)


async def test_a_wrong_path(node: Running) -> None:
    fault = await the_fault(node.url, path="/live/")
    assert "one is at /socket.io/" in fault.sentence


async def test_something_else_at_that_port() -> None:
    async with answering(b"HTTP/1.1 200 OK\r\nServer: shelf\r\nContent-Length: 5\r\n\r\nhello") as url:
        fault = await the_fault(url)
    assert "shelf answers 200, 'hello'" in fault.sentence


async def test_what_speaks_no_http() -> None:
    async with answering(b"SSH-2.0-OpenSSH_9.2\r\n") as url:
        assert "does not speak HTTP" in (await the_fault(url)).sentence


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        ("200 OK", b'97:0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":5000}2:40', "Socket.IO 2"),
        ("400 Bad Request", b'{"code":5,"message":"Unsupported protocol version"}', "does not speak Engine.IO 4"),
    ],
)
async def test_a_wrong_major_version(status: str, body: bytes, expected: str) -> None:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n"
    async with answering(head.encode() + body) as url:
        assert expected in (await the_fault(url)).sentence


async def test_a_proxy_without_its_server() -> None:
    async with nginx(free_port()) as url:
        fault = await the_fault(url)
    assert re.search("nginx.* answers 502", fault.sentence)
    assert "proxy_pass" in fault.remedy


async def test_a_name_that_the_server_does_not_know_as_its_own() -> None:
    async with answering(b"HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n") as url:
        assert "ORDERCAST_ALLOWED_HOSTS" in (await the_fault(url)).remedy


async def test_an_origin_that_the_server_does_not_know() -> None:
    server = official_server(origins=("https://shop.example",))
    async with running(server) as node:
        fault = await the_fault(node.url, origin="https://evil.example")
    assert "https://evil.example" in fault.sentence
    assert "ORDERCAST_CORS_ORIGINS=https://evil.example" in fault.remedy


async def test_a_wrong_namespace(node: Running) -> None:
    fault = await the_fault(node.url, namespace="/admin")
    assert (fault.check, "no namespace /admin" in fault.sentence) == ("namespace", True)


async def test_a_token_that_the_server_refuses() -> None:
    server = echoing()

    def refuse(_: ClientSocket) -> None:
        raise ConnectRefused("The token's signature is wrong.", {"code": "token_invalid"})

    server.use(refuse)
    async with running(server) as node:
        fault = await the_fault(node.url, token=make_token(SECRET, "store", "usr_1"))
    assert (fault.check, "another secret" in fault.remedy) == ("token", True)


@pytest.mark.parametrize(
    ("claims", "expected"), [({"exp": 1_000_000_000}, "expired"), ({"nbf": 32_000_000_000}, "is valid in")]
)
async def test_a_token_of_another_time(node: Running, claims: dict[str, int], expected: str) -> None:
    fault = await the_fault(node.url, token=jwt.encode(claims, SECRET, "HS256"))
    assert (fault.check, expected in fault.sentence) == ("token", True)


async def test_what_is_no_token(node: Running) -> None:
    assert "no JWT" in (await the_fault(node.url, token="Bearer abc")).sentence


@pytest.mark.parametrize(("minutes", "way"), [(-10, "behind"), (10, "ahead of")])
async def test_a_clock_ten_minutes_off(minutes: int, way: str) -> None:
    there = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True).encode()
    body = b'0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":5000,"maxPayload":1000}'
    head = b"HTTP/1.1 200 OK\r\nDate: %b\r\nContent-Length: %d\r\n\r\n" % (there, len(body))
    async with answering(head + body) as url:
        clock = next(finding for finding in await found(url) if finding.check == "clock")
    assert clock.verdict is Verdict.FAULT
    assert f"10 minutes {way} this machine's" in clock.sentence


async def test_a_websocket_that_a_proxy_does_not_pass_on(node: Running) -> None:
    async with nginx(node.port, lines="client_max_body_size 2m;", upgrade="") as url:
        fault = await the_fault(url)
    assert (fault.check, "answered 400" in fault.sentence) == ("websocket", True)
    assert "proxy_set_header Upgrade" in fault.remedy


async def test_polling_over_two_nodes_without_stickiness(node: Running) -> None:
    async with running(echoing()) as other, nginx(node.port, other.port, lines="client_max_body_size 2m;") as url:
        fault = await the_fault(url)
    assert (fault.check, "another node" in fault.sentence) == ("polling", True)


async def test_a_proxy_that_takes_small_bodies_only(node: Running) -> None:
    async with nginx(node.port, lines="client_max_body_size 10k;") as url:
        fault = await the_fault(url)
    assert (fault.check, "refused with 413" in fault.sentence) == ("bodies", True)
    assert "client_max_body_size 1m" in fault.remedy


async def test_a_proxy_that_holds_back_what_is_sent(node: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_checks, "SLOW_S", 0.05)
    async with wire(node.port, delay_s=0.1) as url:
        fault = await the_fault(url)
    assert (fault.check, "holds back" in fault.sentence) == ("echo", True)


async def test_a_server_that_is_behind(node: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "SLOW_S", 0.05)
    monkeypatch.setattr(socket_checks, "SLOW_S", 60.0)
    async with wire(node.port, delay_s=0.1) as url:
        fault = await the_fault(url)
    assert (fault.check, "behind by seconds" in fault.sentence) == ("handshake", True)


async def test_a_process_that_is_stopped() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    try:
        target = Target(url=f"http://127.0.0.1:{listening.getsockname()[1]}", patience_s=0.1)
        (_, fault) = [finding async for finding in examine(target)]
    finally:
        listening.close()
    assert (fault.check, "nothing answered" in fault.sentence) == ("handshake", True)


async def test_a_server_without_an_echo_is_none_with_a_fault() -> None:
    async with running(official_server()) as node:
        findings = await found(node.url)
    assert not [finding for finding in findings if finding.verdict is Verdict.FAULT]


@pytest.mark.parametrize(("status", "verdict"), [("200 OK", Verdict.NOTE), ("503 Service Unavailable", Verdict.FAULT)])
async def test_what_a_server_says_of_its_own_health_is_told_with_its_reasons(status: str, verdict: Verdict) -> None:
    health = Health(
        "degraded", parts={"bus": "away", "mail": "up"}, faults=["The disk is full."], warnings=["It grows."]
    )
    body = msgspec.json.encode(health)
    async with answering(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body) as url:
        (finding,) = [finding async for finding in examination._check_health(Target(url=url))]
    assert finding.verdict is verdict
    assert finding.sentence == "the server says that it is degraded. The disk is full. It grows. bus: away."


@pytest.mark.parametrize("url", ["shop.example", "ftp://shop.example", "http://"])
def test_what_is_no_url_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="http://host:port"):
        Target(url=url)


def test_the_command_prints_each_finding_and_ends_with_one_where_there_is_a_fault(tmp_path: Path) -> None:
    url, env = f"http://127.0.0.1:{free_port()}", {"PATH": "/usr/bin:/bin"}
    done = run(["doctor", url], cwd=tmp_path, env=env)
    assert (done.returncode, done.stdout.startswith("FAULT reach ")) == (1, True), done.stderr
    assert "-> start the server" in done.stdout
    done = run(["doctor", url, "--json"], cwd=tmp_path, env=env)
    assert (done.returncode, json.loads(done.stdout)["check"]) == (1, "reach")
    done = run(["doctor", "shop.example"], cwd=tmp_path, env=env)
    assert (done.returncode, "http://host:port" in done.stderr) == (2, True)
