from __future__ import annotations

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from ordercast.notify.vapid import ORIGINS_MAX, REUSED_S, VapidKey

from .browsers import b64, unb64

PRIVATE = b64(bytes(range(1, 33)))
SUBJECT = "mailto:ops@shop.example.com"
START_S = 1_795_241_719.6


class Clock:
    s = START_S

    def __call__(self) -> float:
        return self.s


def parts(header: str) -> tuple[str, str]:
    scheme, _, rest = header.partition(" ")
    assert scheme == "vapid"
    token, key = (part.strip().split("=", 1)[1] for part in rest.split(","))
    return token, key


def test_a_push_service_is_told_who_we_are_for_it_alone_and_for_less_than_a_day() -> None:
    key = VapidKey(PRIVATE, SUBJECT, Clock())
    token, public = parts(key.authorization("https://push.example.com:8443/send/abc"))
    assert public == key.public
    verified = jwt.decode(
        token,
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(public)),
        ["ES256"],
        audience="https://push.example.com:8443",
        options={"verify_exp": False},
    )
    assert verified == {"aud": "https://push.example.com:8443", "exp": int(START_S) + 43_200, "sub": SUBJECT}


def test_the_same_key_is_the_same_to_browsers_after_a_restart() -> None:
    assert VapidKey(PRIVATE, SUBJECT, Clock()).public == VapidKey(PRIVATE + "=", SUBJECT, Clock()).public


def test_a_token_is_used_for_an_hour() -> None:
    clock = Clock()
    key = VapidKey(PRIVATE, SUBJECT, clock)
    first = key.authorization("https://a.example.com/1")
    clock.s += REUSED_S - 1
    assert key.authorization("https://a.example.com/2") == first
    assert key.authorization("https://b.example.com/2") != first
    clock.s += 1
    assert key.authorization("https://a.example.com/1") != first


def test_of_any_number_of_push_services_a_bounded_number_is_remembered() -> None:
    key = VapidKey(PRIVATE, SUBJECT, Clock())
    for number in range(3 * ORIGINS_MAX):
        key.authorization(f"https://{number}.example.com/")
    assert len(key._tokens) <= ORIGINS_MAX


def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        VapidKey("", SUBJECT, Clock())
