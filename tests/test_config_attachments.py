"""Settings of files in conversations, as an operator may get them wrong."""

from __future__ import annotations

import os

import pytest

from ordercast.api.attachments import attachment_rules
from ordercast.config import ConfigError, load

SECRET, OTHER = os.urandom(32).hex(), os.urandom(32).hex()
GOOD = {
    "ORDERCAST_SECRET": os.urandom(32).hex(),
    "ORDERCAST_CHAT_ATTACHMENT_SECRET": SECRET,
    "ORDERCAST_CHAT_ATTACHMENT_HOSTS": "files.shop.example.com,*.cdn.example.com",
}


def test_a_shop_that_names_both_takes_files_and_no_other_does() -> None:
    rules = attachment_rules(load({**GOOD, "ORDERCAST_CHAT_ATTACHMENT_SECRET_PREVIOUS": OTHER}))
    assert rules.secrets == (SECRET, OTHER)
    assert rules.hosts == ("files.shop.example.com", "*.cdn.example.com")
    assert "image/png" in rules.types
    assert attachment_rules(load({"ORDERCAST_SECRET": SECRET})).secrets == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET", ""), ("SECRET", "short"), ("SECRET", "a" * 64), ("HOSTS", ""), ("HOSTS", "*"), ("HOSTS", "https://x.example"),
        ("HOSTS", "localhost"), ("TYPES", "png"), ("BYTES_MAX", "0"), ("SECRET_PREVIOUS", "short"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match="ORDERCAST_CHAT_ATTACHMENT_"):
        load({**GOOD, f"ORDERCAST_CHAT_ATTACHMENT_{name}": value})
