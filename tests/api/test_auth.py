from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from ordercast.api import claims
from ordercast.api.auth import (
    ISSUER,
    TokenRefused,
    issue_token,
    tracking_hash,
    tracking_token,
    verify_token,
)
from ordercast.api.claims import ClaimNames
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
    assert abs(identity.issued_at_ms / 1000 - time.time()) < 60
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
        (lambda: signed(role=["emperor"]), "token_invalid"),
        (lambda: signed(role="guest"), "token_invalid"),
        (lambda: signed(sub=""), "token_invalid"),
        (lambda: signed(iat="yesterday"), "token_invalid"),
        (lambda: signed(exp=float("inf")), "token_malformed"),
        (lambda: signed(role=None), "token_invalid"),
        (lambda: signed(exp=None), "token_invalid"),
        (lambda: signed(sub=None), "token_invalid"),
        (lambda: signed(sub=True), "token_invalid"),
        (lambda: signed(sub={"id": 1}), "token_invalid"),
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


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"sub": None}, 'no "sub" claim'),
        ({"sub": None, "userId": "u1"}, 'no "sub" claim'),
        ({"role": None}, 'no "role" claim'),
        ({"role": "user"}, "none of admin, store, service, driver, carer, customer"),
        ({"role": []}, 'no "role" claim'),
        ({"exp": None}, 'no "exp" claim'),
    ],
)
@pytest.mark.parametrize("issuer", [ISSUER, None])
def test_what_a_well_signed_token_lacks_is_named(changes: dict[str, Any], says: str, issuer: str | None) -> None:
    with pytest.raises(TokenRefused, match=says) as caught:
        verify_token(SECRET, signed(**{"iss": issuer, **changes}))
    assert caught.value.code == "token_invalid"


def test_what_a_forged_token_lacks_is_nobodys_to_know() -> None:
    with pytest.raises(TokenRefused, match="not signed by this shop"):
        verify_token(SECRET, signed("another secret of thirty-two bytes and more", sub=None, role=None))


THEIRS = ClaimNames(("sub", "userId", "id"), "user.type", {"user": Role.CUSTOMER, "store_owner": Role.STORE})


@pytest.mark.parametrize(
    ("claims", "actor"),
    [
        ({"sub": None, "id": 42, "user": {"type": "user"}}, Actor(Role.CUSTOMER, "42")),
        ({"sub": None, "userId": "u1", "id": 42, "user": {"type": ["x", "store_owner"]}}, Actor(Role.STORE, "u1")),
        ({"sub": "", "id": "665f1c", "user": {"type": "driver"}}, Actor(Role.DRIVER, "665f1c")),
        ({"user": {"type": ["user", "admin"]}}, Actor(Role.ADMIN, "usr_1")),
    ],
)
def test_the_claims_of_a_back_end_are_read_by_its_names(claims: dict[str, Any], actor: Actor) -> None:
    assert verify_token(SECRET, signed(**{"iss": None, "role": None, **claims}), THEIRS).actor == actor


def test_our_own_tokens_are_read_by_our_names_whatever_a_back_ends_are() -> None:
    with pytest.raises(TokenRefused, match='no "sub" claim'):
        verify_token(SECRET, signed(sub=None, userId="u1"), THEIRS)


def test_what_is_missing_is_logged_once_with_the_setting(caplog: pytest.LogCaptureFixture) -> None:
    claims._warn_once.cache_clear()
    for _ in range(3):
        with pytest.raises(TokenRefused):
            verify_token(SECRET, signed(sub=None, iss=None))
    (record,) = caplog.records
    assert "ORDERCAST_JWT_SUBJECT_CLAIMS" in record.message


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
