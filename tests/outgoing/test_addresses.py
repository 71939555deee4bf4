from __future__ import annotations

import pytest

from ordercast.outgoing import AddressRefused, Networks, check_url
from ordercast.outgoing.addresses import URL_CHARACTERS_MAX, address_in

PUBLIC = Networks()
OURS = Networks(["127.0.0.0/8", "10.1.0.0/16", "fd00::/8"])


@pytest.mark.parametrize(
    "url",
    [
        "https://push.example.com/send/abc",
        "https://push.example.com:8443/send?x=1",
        "https://8.8.8.8/x",
        "https://[2606:4700::1111]/x",
        "https://[64:ff9b::808:808]/x",
    ],
)
def test_the_internet_is_sent_to(url: str) -> None:
    check_url(url, PUBLIC)


@pytest.mark.parametrize(
    "url",
    [
        "http://push.example.com/x",
        "http://8.8.8.8/x",
        "ftp://push.example.com/x",
        "file:///etc/passwd",
        "push.example.com/x",
        "",
        "https://",
        "https:///x",
        "https://push.example.com:0/x",
        "https://push.example.com:99999/x",
        "https://push.example.com:22/x",
        "https://push.example.com:25/x",
        "https://user:secret@push.example.com/x",
        "https://@push.example.com/x",
        "https://push.example.com/x#",
        "https://push.example.com/\r\nX-Injected: 1",
        "https://push.example.com/x#y",
        "https://push.example.com/ x",
        "https://push.example.com\\@10.0.0.1/x",
        "https://push.example.com/\N{LATIN SMALL LETTER E WITH ACUTE}",
        "https://[::1/x",
        "https://push.example.com/" + URL_CHARACTERS_MAX * "x",
    ],
)
def test_what_is_no_https_url_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        check_url(url, PUBLIC)


PRIVATE = [
    "127.0.0.1",
    "127.1.2.3",
    "0.0.0.0",  # noqa: S104 - not bound to
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "192.0.2.1",
    "224.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[fd00::1]",
    "[ff02::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:10.0.0.1]",
    "[64:ff9b::10.0.0.1]",
    "[2002:7f00:1::]",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "192.88.99.1",
    "198.18.0.1",
    "240.0.0.1",
    "[::127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:169.254.169.254]",
    "[::ffff:0:10.0.0.1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::1]",
    "[2001:0:1::1]",
    "[2001:db8::1]",
    "[fd00:ec2::254]",
    "[fec0::1]",
]
NAMES_OF_OURS = ["localhost", "shop.localhost", "localhost.", "printer.local", "metadata.google.internal", "redis"]
# Numbers that some resolvers read as 127.0.0.1.
NUMBERS = ["127.1", "0177.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "127.0.0.1."]


@pytest.mark.parametrize("host", [*PRIVATE, *NAMES_OF_OURS, *NUMBERS])
def test_a_private_place_is_refused_and_the_refusal_does_not_repeat_it(host: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        check_url(f"https://{host}/x", PUBLIC)
    assert host not in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "[fd00::1]", "[::ffff:127.0.0.1]"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_networks_that_the_operator_named_are_sent_to(host: str, scheme: str) -> None:
    check_url(f"{scheme}://{host}:9000/x", OURS)


def test_a_name_may_lead_into_networks_that_the_operator_named() -> None:
    check_url("http://localhost:9000/x", OURS)


@pytest.mark.parametrize("url", ["https://10.2.0.1/x", "http://8.8.8.8/x", "https://[::1]/x"])
def test_other_networks_are_not(url: str) -> None:
    with pytest.raises(AddressRefused):
        check_url(url, OURS)


@pytest.mark.parametrize("address", [each.strip("[]").replace("%25", "%") for each in PRIVATE])
def test_what_a_name_leads_to_is_told_apart_alike(address: str) -> None:
    found = address_in(address)
    assert found is not None
    assert not PUBLIC.admit(found)


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        Networks(["shop.example.com"])
