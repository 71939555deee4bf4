"""Where webhooks may go, in every spelling that an address has."""

from __future__ import annotations

import pytest

from ordercast.commerce.errors import InvalidField
from ordercast.webhooks.addresses import AddressRefused, AddressRules

PUBLIC = AddressRules()
OURS = AddressRules(["127.0.0.0/8", "10.1.0.0/16", "fd00:1::/32", "::1/128"])

REFUSED_ADDRESSES = (
    "0.0.0.0",  # noqa: S104 - no server of ours
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",  # metadata, Alibaba
    "127.0.0.1",
    "127.8.8.8",
    "168.63.129.16",  # Azure
    "169.254.169.254",  # metadata
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:10.0.0.1",
    "64:ff9b::10.0.0.1",  # NAT64
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:a00:1::1",  # 6to4 of 10.0.0.1
    "2001:0:1::1",  # Teredo
    "2001:db8::1",
    "fc00::1",
    "fd00:ec2::254",  # metadata, Amazon
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
)


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
def test_an_address_that_is_nobodys_public_server_is_refused(address: str) -> None:
    with pytest.raises(AddressRefused, match="ORDERCAST_WEBHOOK_NETWORKS"):
        PUBLIC.allowed([address], is_plain=False)


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_a_public_address_is_taken_with_tls_alone(address: str) -> None:
    assert PUBLIC.allowed([address], is_plain=False) == [address]
    with pytest.raises(AddressRefused, match="only https"):
        OURS.allowed([address], is_plain=True)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "fd00:1::5", "::1"]
)
def test_the_shops_own_networks_are_reached_by_either(address: str) -> None:
    for is_plain in (True, False):
        assert OURS.allowed([address], is_plain=is_plain) == [address]


def test_of_a_names_addresses_those_are_taken_that_may_be() -> None:
    assert PUBLIC.allowed(["10.0.0.1", "8.8.8.8", "::1"], is_plain=False) == ["8.8.8.8"]


@pytest.mark.parametrize(
    "url",
    [
        "https://erp.example.com/hook",
        "https://erp.example.com:8443/hook?tenant=7",
        "HTTPS://ERP.example.com./",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
        "https://xn--bcher-kva.example/",
    ],
)
def test_an_https_url_of_somebody_is_taken(url: str) -> None:
    PUBLIC.check_url(url)


REFUSED_URLS = (
    "",
    "erp.example.com",
    "ftp://erp.example.com/",
    "file:///etc/passwd",
    "gopher://erp.example.com/",
    "javascript:alert(1)",
    "https://",
    "https:///hook",
    "https://user:password@erp.example.com/",
    "https://@erp.example.com/",
    "https://erp.example.com/#fragment",
    "https://erp.example.com/#",
    "https://erp.example.com:0/",
    "https://erp.example.com:99999/",
    "https://erp.example.com:22/",
    "https://erp.example.com:25/",
    "https://erp.example.com/a b",
    "https://erp.example.com/\thook",
    "https://erp.example.com\\@evil.example.com/",
    "https://erp.example.com/\r\nX-Injected: 1",
    "https://b\u00fccher.example/",
    "https://erp..example.com/",
    "https://erp.example.com/" + "x" * 2_048,
    "http://erp.example.com/",
    "https://localhost/",
    "https://shop.localhost./",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://127.0.0.1./",
    "https://10.0.0.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[fe80::1%25eth0]/",
    "https://[::1",
    "https://169.254.169.254/latest/meta-data/",
)


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_any_other_url_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(InvalidField) as refused:
        PUBLIC.check_url(url)
    assert refused.value.field == "url"
    assert str(refused.value).endswith(".")


def test_in_the_shops_own_networks_plain_http_and_any_port_are_taken() -> None:
    for url in ("http://127.0.0.1:81/hook", "http://erp.internal/", "http://localhost:9000/", "http://[fd00:1::5]/"):
        OURS.check_url(url)
    for url in ("http://10.9.0.1/", "http://8.8.8.8/"):
        with pytest.raises(InvalidField):
            OURS.check_url(url)
