"""What signals do to a running shop, to one that starts, and to the other commands."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.waiting import eventually

from .listener import Listener
from .shop import Shop

Listen = Callable[..., Listener]
ENDING = [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT]
NOTED = [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM]


@contextmanager
def waiting_order(shop: Shop) -> Iterator[tuple[sqlite3.Connection, Future[httpx.Response]]]:
    """An order that has come and waits for another program, which holds the database."""
    order = shop.order()
    other = sqlite3.connect(shop.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor() as pool:
        placed = pool.submit(httpx.post, f"{shop.url}/api/orders", json=order, timeout=60)

        def has_come() -> bool:
            os.kill(shop.pid, signal.SIGUSR1)
            return bool(re.search(r"<Writer running, [1-9]", shop.output))

        eventually(has_come)
        try:
            yield other, placed
        finally:
            other.close()


@pytest.mark.node
@pytest.mark.parametrize("which", ENDING)
def test_a_stop_answers_what_has_come_and_sends_everybody_away(
    shop: Shop, listen: Listen, which: signal.Signals
) -> None:
    page = listen(shop.url, auth={"token": shop.token()})
    page.wait_for_event("ready")
    with waiting_order(shop) as (other, placed):
        os.kill(shop.pid, which)
        page.wait_for(lambda heard: heard.of_kind("disconnect"))
        other.execute("ROLLBACK")

        assert placed.result().status_code == 201
    assert shop.wait() == 0
    assert "Traceback" not in shop.output


@pytest.mark.node
def test_what_asks_for_no_end_is_noted_and_nobody_loses_a_connection(shop: Shop, listen: Listen) -> None:
    page = listen(shop.url, auth={"token": shop.token()})
    page.wait_for_event("ready")

    for which in NOTED:
        os.kill(shop.pid, which)
        eventually(lambda which=which: f"{which.name} ends nothing here" in shop.output)  # type: ignore[misc]

    placed = shop.place()
    page.wait_for(lambda heard: placed["id"] in str(heard.events("newOrder")))
    assert len(page.of_kind("connect")) == 1
    assert shop.stop() == 0


def comes_to_be_ready(process: subprocess.Popen[str]) -> bool:
    """Read its output as far as that; False where it ends before."""
    assert process.stdout is not None
    return any(line.startswith("> Ready on") for line in process.stdout)


def listens(shop: Shop) -> bool:
    try:
        socket.create_connection(("127.0.0.1", shop.port)).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("times", [2, 4])
def test_signals_again_and_again_end_it_though_a_request_waits(shop: Shop, times: int) -> None:
    with waiting_order(shop) as (_, placed):
        for _ in range(20):
            httpx.get(f"{shop.url}/socket.io/?EIO=4&transport=polling")
        for _ in range(times):
            os.kill(shop.pid, signal.SIGINT)
            eventually(lambda: not listens(shop))

        with pytest.raises(httpx.TransportError):
            placed.result()
    assert shop.wait() == 0
    eventually(lambda: "1 requests were left unanswered" in shop.output)
    assert "Traceback" not in shop.output


# Before it is ready


def starting(folder: Path, *arguments: str, by: Sequence[str] = (), **options: Any) -> subprocess.Popen[str]:
    """A command that has come as far as to heed signals; before, only Python itself decides."""
    process = subprocess.Popen(
        [*by, sys.executable, "-m", "ordercast", *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "ORDERCAST_PORT": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )
    eventually(lambda: heeds(process.pid, signal.SIGUSR2))
    return process


def heeds(pid: int, which: signal.Signals) -> bool:
    caught = re.search(r"^SigCgt:\s*(\w+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) >> which - 1 & 1)


@pytest.mark.parametrize("which", ENDING)
def test_a_start_that_is_ended_says_so_in_a_line(tmp_path: Path, chance: random.Random, which: signal.Signals) -> None:
    process = starting(tmp_path, "serve")
    try:  # whatever it does by then: load, migrate, fill, serve
        process.wait(timeout=chance.choice([0.001, 0.3, 0.6, 0.9]))
    except subprocess.TimeoutExpired:
        process.send_signal(which)
    said, _ = process.communicate(timeout=60)

    assert "Traceback" not in said
    if process.returncode != 0:  # it was ready before
        assert process.returncode == 128 + which
        assert f"ended by {which.name} before it was ready" in said


def test_what_asks_for_no_end_does_not_keep_it_from_starting(tmp_path: Path) -> None:
    process = starting(tmp_path, "serve")
    for which in NOTED:
        process.send_signal(which)
    try:
        assert comes_to_be_ready(process)
    finally:
        process.terminate()
        process.communicate(timeout=60)


# Terminals


def test_a_terminal_that_is_closed_ends_what_was_started_in_it(tmp_path: Path) -> None:
    person, terminal = os.openpty()
    process = starting(tmp_path, "serve", by=["setsid", "--ctty"], stdin=terminal)
    os.close(terminal)
    try:
        assert comes_to_be_ready(process)
        process.send_signal(signal.SIGHUP)
        assert process.stdout is not None
        assert any("SIGHUP ends nothing here" in line for line in process.stdout)

        os.close(person)

        process.communicate(timeout=60)
        assert process.returncode == 0
    finally:
        process.kill()


def test_nohup_is_believed(tmp_path: Path) -> None:
    process = starting(tmp_path, "serve", by=["sh", "-c", 'trap "" HUP; exec "$@"', "sh"])
    try:
        assert not heeds(process.pid, signal.SIGHUP)
    finally:
        process.kill()
        process.communicate()


# The other commands


@pytest.mark.parametrize("which", [*ENDING, signal.SIGHUP])
def test_another_command_ends_without_a_traceback(tmp_path: Path, which: signal.Signals) -> None:
    database = tmp_path / "ordercast.db"
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")  # so that the command does not end by itself
    process = starting(tmp_path, "migrate")
    process.send_signal(which)
    said, _ = process.communicate(timeout=60)
    other.close()

    assert process.returncode == 128 + which
    assert "Traceback" not in said


@pytest.mark.parametrize("arguments", [["openapi"], ["token", "--role", "admin"]])
def test_whoever_reads_no_further_is_no_error_to_tell_of(tmp_path: Path, arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run(
        [sys.executable, "-m", "ordercast", *arguments],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "ORDERCAST_SECRET": "s" * 8 + "a secret of at least thirty-two bytes"},
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(writing)

    assert result.returncode == 128 + signal.SIGPIPE
    assert result.stderr == ""


def test_a_disk_that_is_full_is_told_in_a_sentence(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "ordercast", "openapi"],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )

    assert result.returncode == 1
    assert result.stderr == "ordercast: could not write: No space left on device\n"
