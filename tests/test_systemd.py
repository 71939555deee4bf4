"""What a service manager sees of the process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ordercast import systemd


@pytest.fixture
def address() -> Iterator[str]:
    """Of a socket in a folder with a short name: 107 bytes is the most that one has, and pytest's folders take them."""
    with tempfile.TemporaryDirectory(prefix="notify-", dir="/tmp") as folder:
        yield f"{folder}/socket"


@pytest.fixture
def listening(address: str) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind(address)
    listening.settimeout(20)
    return listening


def test_it_is_told_when_a_node_is_ready_and_when_it_stops(
    tmp_path: Path, address: str, listening: socket.socket
) -> None:
    environ = {**os.environ, "ORDERCAST_PORT": "0", "NOTIFY_SOCKET": address}
    with (
        listening,
        subprocess.Popen(
            [sys.executable, "-m", "ordercast", "serve"], cwd=tmp_path, env=environ, stdout=subprocess.DEVNULL
        ) as process,
    ):
        assert listening.recv(64) == b"READY=1"
        process.send_signal(signal.SIGTERM)
        assert listening.recv(64) == b"STOPPING=1"
        assert process.wait(15) == 0


def test_an_abstract_address_is_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0ordercast-{os.getpid()}")
        monkeypatch.setenv("NOTIFY_SOCKET", f"@ordercast-{os.getpid()}")
        systemd.notify("READY=1")
        assert listening.recv(64) == b"READY=1"


@pytest.mark.parametrize("address", ["", "/nowhere/at/all"])
def test_nobody_need_listen(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    systemd.notify("READY=1")


def test_a_stop_that_hangs_has_an_end() -> None:
    program = "import time; from ordercast import systemd; systemd.exit_after(0.2); time.sleep(60)"
    began = time.monotonic()
    result = subprocess.run([sys.executable, "-c", program], stderr=subprocess.PIPE, check=False)

    assert time.monotonic() - began < 50
    assert result.returncode == 1
    assert b"could not stop" in result.stderr


def test_a_server_may_have_as_many_descriptors_as_the_system_grants() -> None:
    code = (
        "import resource; from ordercast.process_resources import open_files_max, raise_open_files_max;"
        "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1];"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard));"
        "raise_open_files_max(); print(open_files_max() == hard)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "True\n"
