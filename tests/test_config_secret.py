"""Which secrets a node starts with: whoever guesses one signs tokens for everybody."""

from __future__ import annotations

import secrets

import pytest

from ordercast.config import ConfigError, load


@pytest.mark.parametrize(
    "secret",
    [
        "short",
        "a" * 40,
        "ab" * 20,
        "abcdefgh" * 4,
        "0123456789abcdef" * 2,
        "deadbeef" * 8,
        "abcdefghijklmnopqrstuvwxyz012345",
        "12345678901234567890123456789012",
        "supersecretsupersecretsupersecret",
        "please change-me before 2031, or else",
        "your-256-bit-secret goes here, says jwt",
        "qwertyuiopasdfghjklzxcvbnm123456",
    ],
)
@pytest.mark.parametrize("name", ["ORDERCAST_SECRET", "ORDERCAST_SECRET_PREVIOUS"])
def test_a_secret_that_can_be_guessed_is_refused_with_its_setting(name: str, secret: str) -> None:
    others = {"ORDERCAST_SECRET": secrets.token_hex(32), name: secret}
    with pytest.raises(ConfigError, match=rf"^{name}: ") as caught:
        load(others)
    assert secret not in str(caught.value)


@pytest.mark.parametrize("make", [secrets.token_hex, secrets.token_urlsafe, lambda size: secrets.token_hex(size // 2)])
def test_what_chance_makes_is_taken(make: object) -> None:
    for _ in range(200):
        secret = make(32)  # type: ignore[operator]
        assert load({"ORDERCAST_SECRET": secret}).secret == secret


def test_a_sentence_of_ones_own_is_taken() -> None:
    assert load({"ORDERCAST_SECRET": "Seven boats went up the Meghna on a Tuesday"}).secret
