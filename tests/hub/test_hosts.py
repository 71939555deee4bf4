from __future__ import annotations

import logging

import pytest

from ordercast.hub.hosts import AllowedHosts


@pytest.mark.parametrize(
    ("host", "names", "taken"),
    [
        (b"localhost:3000", (), True),
        (b"LOCALHOST", (), True),
        (b"shop.localhost:3000", (), True),
        (b"127.0.0.1:3000", (), True),
        (b"[::1]:3000", (), True),
        (b"192.168.1.7:3000", (), True),
        (b"n1:3000", (), True),
        (b"evil.example", (), False),
        (b"evil.example:3000", (), False),
        (b"localhost.evil.example", (), False),
        (b"127.0.0.1.evil.example", (), False),
        (b"notlocalhost.", (), True),  # a name without a dot
        (b"evil.example.", (), False),
        (b"", (), False),
        (b"a b", (), False),
        (b"localhost:3000, evil.example", (), False),
        (b"user@localhost", (), False),
        ("łocal.example".encode(), (), False),
        (b"shop.example.com", ("shop.example.com",), True),
        (b"Shop.Example.COM:443", ("shop.example.com",), True),
        (b"shop.example.com.", ("shop.example.com",), True),
        (b"www.shop.example.com", ("shop.example.com",), False),
        (b"a.example.com", ("*.example.com",), True),
        (b"a.b.example.com", (".example.com",), True),
        (b"example.com", ("*.example.com",), False),
        (b"evilexample.com", ("*.example.com",), False),
        (b"127.0.0.1", ("shop.example.com",), True),
        (b"evil.example", ("*",), True),
    ],
)
def test_a_host_is_ours_by_its_name(host: bytes, names: tuple[str, ...], taken: bool) -> None:
    assert (AllowedHosts(names).refused([(b"host", host)]) is None) is taken


def test_every_host_header_is_looked_at_and_none_is_no_browser() -> None:
    hosts = AllowedHosts(())
    assert hosts.refused([]) is None
    assert hosts.refused([(b"host", b"localhost"), (b"host", b"evil.example")])


def test_a_refused_host_is_logged_once_and_strangers_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    hosts = AllowedHosts((), "ORDERCAST_ALLOWED_HOSTS")
    with caplog.at_level(logging.WARNING):
        for number in range(1_000):
            hosts.refused([(b"host", b"evil%d.example" % number)])
            hosts.refused([(b"host", b"evil%d.example\x1b[31m" % number)])
    assert caplog.messages[0] == "evil0.example is no host of ours: add its name to ORDERCAST_ALLOWED_HOSTS."
    assert len(caplog.messages) == 100
    assert all(message.isprintable() for message in caplog.messages)
