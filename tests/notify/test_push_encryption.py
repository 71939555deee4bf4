from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec

from ordercast.notify.push_encryption import PLAINTEXT_BYTES_MAX, BrowserKeys, decoded, encrypt

from .browsers import Browser, b64, unb64

# RFC 8291 section 5 and appendix A.
PLAINTEXT = b"When I grow up, I want to be a watermelon"
AS_PRIVATE = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
UA_PRIVATE = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
UA_PUBLIC = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQ"
    "pu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def private(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(unb64(text), "big"), ec.SECP256R1())


def test_the_standards_example_is_encrypted_to_the_letter() -> None:
    browser = BrowserKeys.parse(UA_PUBLIC, AUTH)
    assert b64(encrypt(PLAINTEXT, browser, own=private(AS_PRIVATE), salt=unb64(SALT))) == BODY


def test_the_standards_example_is_read_by_the_tests_own_browser() -> None:
    assert Browser(int.from_bytes(unb64(UA_PRIVATE), "big"), unb64(AUTH)).decrypt(unb64(BODY)) == PLAINTEXT


@pytest.mark.parametrize("length", [0, 1, 100, PLAINTEXT_BYTES_MAX])
def test_what_is_encrypted_for_a_browser_it_reads_and_no_other(length: int) -> None:
    browser, other = Browser(), Browser()
    body = encrypt(b"x" * length, BrowserKeys.parse(**browser.keys))
    assert len(body) <= 4_096
    assert browser.decrypt(body) == b"x" * length
    with pytest.raises(InvalidTag):
        other.decrypt(body)
    assert encrypt(b"x" * length, BrowserKeys.parse(**browser.keys)) != body


@pytest.mark.parametrize(
    ("p256dh", "auth", "which"),
    [
        ("", AUTH, "p256dh"),
        ("no base64!", AUTH, "p256dh"),
        (UA_PUBLIC[:-4], AUTH, "p256dh"),
        (b64(b"\x04" + b"\x01" * 64), AUTH, "p256dh"),
        (b64(b"\x02" + b"\x01" * 64), AUTH, "p256dh"),
        (b64(b"\x00" * 65), AUTH, "p256dh"),
        ("\N{ARABIC-INDIC DIGIT ONE}" * 87, AUTH, "p256dh"),
        (UA_PUBLIC, "", "auth"),
        (UA_PUBLIC, AUTH[:-3], "auth"),
        (UA_PUBLIC, AUTH + "AAAA", "auth"),
    ],
)
def test_keys_that_are_none_are_named(p256dh: str, auth: str, which: str) -> None:
    with pytest.raises(ValueError, match=which):
        BrowserKeys.parse(p256dh, auth)


def test_keys_are_taken_in_either_alphabet_with_their_padding_or_without() -> None:
    standard = UA_PUBLIC.replace("-", "+").replace("_", "/") + "="
    assert BrowserKeys.parse(standard, AUTH + "==") == BrowserKeys.parse(UA_PUBLIC, AUTH)
    assert decoded("A") is None
