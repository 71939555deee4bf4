"""Files that a shop's back end vouches for, and those that it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ordercast.commerce.attachments import AttachmentRules, SignedFile, sign
from ordercast.commerce.errors import InvalidField
from ordercast.commerce.timestamps import timestamp

SECRET = "a secret that the shop's back end knows too"
NOW_S = 1_795_000_000
NOW = timestamp(NOW_S * 1000)
RULES = AttachmentRules((SECRET,), ("files.shop.example.com", "*.cdn.example.com"), ("image/png",), 1_000)
URL = "https://files.shop.example.com/f/1.png?v=2"
UNSIGNED = SignedFile(URL, "door.png", "image/png", 999, NOW_S, "")


def signed(secret: str = SECRET, **changes: Any) -> SignedFile:
    file = replace(UNSIGNED, **changes)
    return replace(file, signature=sign(secret, file))


def refusal(file: SignedFile, rules: AttachmentRules = RULES) -> str | None:
    try:
        rules.check([signed(), file], NOW)
    except InvalidField as error:
        return error.field
    return None


def test_a_signature_is_what_a_back_end_in_any_language_makes() -> None:
    # printf 'ordercast-attachment-v1\n1795000000\n999\nimage/png\ndoor.png\nhttps://...' | openssl dgst -sha256 -hmac
    assert sign(SECRET, UNSIGNED) == "c608fa230b9be8daf9562845edefaf94d2480cbc99dbb47425aaf9149e968983"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"size": 1_000},
        {"size": 1},
        {"url": "https://a.b.cdn.example.com/x"},
        {"url": "https://files.shop.example.com:443/x"},
    ],
)
def test_what_the_back_end_vouches_for_is_taken(changes: dict[str, Any]) -> None:
    assert refusal(signed(**changes)) is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"size": 1_001}, "size"),
        ({"size": 0}, "size"),
        ({"size": -1}, "size"),
        ({"type": "text/html"}, "type"),
        ({"type": "image/png; charset=x"}, "type"),
        ({"expires": NOW_S - 1}, "expires"),
        ({"name": "a\nb"}, "name"),
        *(
            ({"url": url}, "url")
            for url in (
                "http://files.shop.example.com/1.png", "https://example.com/1.png", "https://files.shop.example.com.evil.test/",
                "https://cdn.example.com/", "https://evilcdn.example.com/", "https://files.shop.example.com@evil.test/",
                "https://evil.test\\@files.shop.example.com/", "https://files.shop.example.com:8443/",
                "javascript:alert(1)",
                "https://files.shop.example.com/a b", "https://files.shop.example.com/\n", "https://[", "", "//x",
            )
        ),
    ],
)  # fmt: skip
def test_what_the_shop_does_not_take_is_refused_though_it_is_signed(changes: dict[str, Any], field: str) -> None:
    assert refusal(signed(**changes)) == f"attachments[1].{field}"


@pytest.mark.parametrize(
    "change", [{"size": 1}, {"name": "other.png"}, {"expires": NOW_S + 1}, {"url": URL + "&x"}, {"signature": ""}]
)
def test_what_was_changed_after_it_was_signed_is_refused(change: dict[str, Any]) -> None:
    assert refusal(replace(signed(), **change)) == "attachments[1].signature"


def test_the_secret_before_is_good_and_a_stranger_s_is_not() -> None:
    rotated = replace(RULES, secrets=("another secret, of now", SECRET))
    assert refusal(signed(), rotated) is None
    assert refusal(signed("a stranger's")) == "attachments[1].signature"


def test_a_shop_without_a_secret_takes_none() -> None:
    with pytest.raises(InvalidField, match="takes no files") as refused:
        AttachmentRules().check([signed()], NOW)
    assert refused.value.field == "attachments"
    AttachmentRules().check([], NOW)
