"""Who calls: addresses, networks, and what proxies forward."""

from __future__ import annotations

import logging

import pytest

from ordercast.hub import caller_of
from ordercast.hub.callers import Forwarding


@pytest.mark.parametrize(
    ("address", "caller"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "127.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::1", "::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("::ffff:cb00:7109", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_a_caller_is_an_ipv4_address_or_an_ipv6_64(address: str, caller: str) -> None:
    assert caller_of(address) == caller


def sent(*values: str) -> list[tuple[bytes, bytes]]:
    return [(b"host", b"shop"), *((b"x-forwarded-for", value.encode()) for value in values)]


@pytest.mark.parametrize(
    ("peer", "values", "client"),
    [
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1", "203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
        ("10.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("10.0.0.1", ["2001:db8::7"], "2001:db8::7"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["203.0.113.9, unknown"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("fd00::9", ["203.0.113.9"], "203.0.113.9"),
        ("192.0.2.1", ["203.0.113.9"], "192.0.2.1"),
    ],
)
def test_behind_named_proxies_it_is_the_last_address_that_is_none_of_them(
    peer: str, values: list[str], client: str
) -> None:
    assert Forwarding(["10.0.0.0/8", "fd00::9"]).client(peer, sent(*values)) == (client, None)


@pytest.mark.parametrize(
    ("value", "scheme"), [("https", "https"), ("HTTPS, http", "https"), ("wss", "https"), ("gopher", None)]
)
def test_a_named_proxy_forwards_the_scheme_of_its_client(value: str, scheme: str | None) -> None:
    headers = [(b"x-forwarded-proto", value.encode())]
    assert Forwarding(["10.0.0.1"]).client("10.0.0.1", headers) == ("10.0.0.1", scheme)
    assert Forwarding().client("10.0.0.1", headers) == ("10.0.0.1", None)


def test_a_proxy_that_is_not_named_is_logged_once_with_the_setting(caplog: pytest.LogCaptureFixture) -> None:
    forwarding = Forwarding()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            forwarding.client("127.0.0.1", sent("203.0.113.9"))
    (record,) = caplog.records
    assert "ORDERCAST_TRUSTED_PROXIES=127.0.0.1" in record.getMessage()


def test_strangers_cannot_fill_the_log_with_proxies_that_they_are_not(caplog: pytest.LogCaptureFixture) -> None:
    forwarding = Forwarding()
    with caplog.at_level(logging.WARNING):
        for number in range(50):
            forwarding.client(f"8.8.8.{number}", sent("203.0.113.9"))
        assert len(caplog.records) == 1
        for number in range(50):
            forwarding.client(f"10.0.0.{number}", sent("203.0.113.9"))
    assert len(caplog.records) == 9
    assert repr(forwarding) == "<Forwarding trusted=0 warned=9>"
