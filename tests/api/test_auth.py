from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from ordercast.api.auth import (
    ISSUER,
    TokenRefused,
    issue_token,
    tracking_hash,
    tracking_token,
    verify_token,
)
from ordercast.commerce.people import Actor, Role

from .client import SECRET


def signed(secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    now = int(time.time())
    claims = {"sub": "usr_1", "role": "store", "iss": ISSUER, "iat": now, "exp": now + 60, **changes}
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, algorithm)


def test_a_token_says_who_and_until_when() -> None:
    identity = verify_token(SECRET, issue_token(SECRET, Role.DRIVER, "drv_1", 60, "Rafiq", sign_in="sgn_1"))
    assert identity.actor == Actor(Role.DRIVER, "drv_1", "Rafiq")
    assert identity.expires_at is not None
    assert 55 <= identity.expires_at - time.time() <= 61
    assert abs(identity.issued_at_ms / 1000 - time.time()) < 5
    assert identity.names[1:] == ("sgn_1",)


def test_each_token_has_a_name_of_its_own() -> None:
    assert len({verify_token(SECRET, issue_token(SECRET, Role.STORE, "usr_1", 60)).names for _ in range(50)}) == 50


def test_a_token_that_a_back_end_signed_needs_no_more_than_who_and_until_when() -> None:
    identity = verify_token(SECRET, signed(iat=None, iss=None))
    assert (identity.names, identity.issued_at_ms) == ((), 0)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: signed(exp=1), "token_expired"),
        (lambda: signed(secret="another secret of thirty-two bytes and more"), "token_invalid"),
        (lambda: signed(secret=SECRET * 2, algorithm="HS512"), "token_invalid"),
        (lambda: signed(iss="elsewhere"), "token_invalid"),
        (lambda: signed(iat=int(time.time()) + 3600), "token_invalid"),
        (lambda: signed(role="emperor"), "token_invalid"),
        (lambda: signed(role=["admin"]), "token_invalid"),
        (lambda: signed(role="guest"), "token_invalid"),
        (lambda: signed(sub=""), "token_invalid"),
        (lambda: signed(iat="yesterday"), "token_invalid"),
        (lambda: signed(exp=float("inf")), "token_malformed"),
        (lambda: signed(role=None), "token_invalid"),
        (lambda: signed(exp=None), "token_invalid"),
        (lambda: signed(sub=None), "token_invalid"),
        (lambda: signed(sub=5), "token_invalid"),
        (lambda: "", "token_malformed"),
        (lambda: "a.b.c", "token_malformed"),
        (lambda: "\ud800", "token_malformed"),
        (lambda: "é.é.é", "token_malformed"),
    ],
)
def test_a_wrong_token_is_refused_with_its_code(make: Callable[[], str], code: str) -> None:
    token = make()  # now, and not when the tests were collected: it is good for a minute
    with pytest.raises(TokenRefused) as caught:
        verify_token(SECRET, token)
    assert caught.value.code == code
    assert caught.value.message.endswith(".")


def test_a_token_that_is_not_signed_is_refused() -> None:
    unsigned = jwt.encode({"sub": "usr_1", "role": "admin", "iss": ISSUER, "iat": 1, "exp": 2**33}, "", "none")
    with pytest.raises(TokenRefused) as caught:
        verify_token(SECRET, unsigned)
    assert caught.value.code == "token_invalid"


def test_tracking_tokens_differ_by_order_and_by_secret() -> None:
    tokens = {tracking_token(secret, order) for secret in ("one", "two") for order in ("ord_1", "ord_2")}
    assert len(tokens) == 4
    assert tracking_token("one", "ord_1") in tokens
    assert len({tracking_hash(token) for token in tokens}) == 4
