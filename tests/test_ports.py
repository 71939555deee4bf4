"""What the tests count on when a server is ended and started again on its port."""

from __future__ import annotations

import socket

import pytest

from .ports import free_port


def test_a_port_is_kept_from_others_and_open_to_its_server() -> None:
    port = free_port()
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        with socket.create_server(("127.0.0.1", port)) as server:
            socket.create_connection(("127.0.0.1", port)).close()
            server.accept()[0].close()

    others = [socket.create_server(("127.0.0.1", 0)) for _ in range(500)]
    assert port not in {other.getsockname()[1] for other in others}
    for other in others:
        other.close()
