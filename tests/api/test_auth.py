from __future__ import annotations

import time
from typing import Any

import jwt
import pytest

from ordercast.api.auth import (
    ISSUER,
    NOBODY,
    TokenRefused,
    identify,
    issue_token,
    tracking_hash,
    tracking_token,
    verify_token,
)
from ordercast.commerce.people import Actor, Role
from ordercast.db import SqliteStore

from .client import SECRET, Client


def signed(secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    now = int(time.time())
    claims = {"sub": "usr_1", "role": "store", "iss": ISSUER, "iat": now, "exp": now + 60, **changes}
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, algorithm)


def test_a_token_says_who_and_until_when() -> None:
    actor, expires_at = verify_token(SECRET, issue_token(SECRET, Role.DRIVER, "drv_1", 60, "Rafiq"))
    assert actor == Actor(Role.DRIVER, "drv_1", "Rafiq")
    assert 55 <= expires_at - time.time() <= 61


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (signed(exp=1), "token_expired"),
        (signed(secret="another secret of thirty-two bytes and more"), "token_invalid"),
        (signed(secret=SECRET * 2, algorithm="HS512"), "token_invalid"),
        (signed(iss="elsewhere"), "token_invalid"),
        (signed(iat=int(time.time()) + 3600), "token_invalid"),
        (signed(role="emperor"), "token_invalid"),
        (signed(role=["admin"]), "token_invalid"),
        (signed(role=None), "token_invalid"),
        (signed(exp=None), "token_invalid"),
        (signed(sub=None), "token_invalid"),
        (signed(sub=5), "token_invalid"),
        ("", "token_malformed"),
        ("a.b.c", "token_malformed"),
        ("\ud800", "token_malformed"),
        ("é.é.é", "token_malformed"),
    ],
)
def test_a_wrong_token_is_refused_with_its_code(token: str, code: str) -> None:
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


async def test_identify_knows_people_orders_and_nobody(client: Client, store: SqliteStore) -> None:
    order = await client.place()
    assert await identify(store, SECRET, None) == NOBODY
    assert await identify(store, SECRET, "") == NOBODY
    guest = await identify(store, SECRET, order["trackingToken"])
    assert (guest.actor.role, guest.order_id, guest.expires_at) == (Role.GUEST, order["id"], None)
    person = await identify(store, SECRET, issue_token(SECRET, "customer", "cus_1", 60))
    assert (person.actor.role, person.actor.id, person.order_id) == (Role.CUSTOMER, "cus_1", None)
    assert person.expires_at is not None
    for wrong in ("trk_" + "0" * 32, "trk_é", "trk_" + "0" * 5000):
        with pytest.raises(TokenRefused):
            await identify(store, SECRET, wrong)
