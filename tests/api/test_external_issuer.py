from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ordercast.api.auth import TokenRefused
from ordercast.api.claims import OWN_CLAIMS, ClaimNames, ClaimRefused
from ordercast.api.external_issuer import ExternalIssuer
from ordercast.api.jwks import Jwks
from ordercast.commerce.people import Actor, Role
from ordercast.config import Settings
from ordercast.db import SqliteStore

from .client import SECRET, Client, bearer, over, problem, token
from .issuing import AUDIENCE, ISSUER, KEYS, STRANGER, KeyServer, described, issued, public_pem


@pytest.fixture
def published() -> Iterator[KeyServer]:
    server = KeyServer()
    yield server
    server.stop()


@pytest.fixture
def issuer(published: KeyServer) -> ExternalIssuer:
    return ExternalIssuer(Jwks(published.url), ISSUER, AUDIENCE, OWN_CLAIMS)


async def refusal(issuer: ExternalIssuer, token: str) -> str:
    with pytest.raises(TokenRefused) as caught:
        await issuer.verify(token)
    return caught.value.code


def forged(algorithm: str, secret: bytes, kid: str) -> str:
    """A token signed by HMAC, whatever its header says of it; libraries refuse to make some of these."""
    claims = {"sub": "usr_1", "role": "admin", "iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 60}
    header = {"alg": algorithm, "typ": "JWT", "kid": kid}
    text = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims))
    signature = hmac.new(secret, text, hashlib.sha256).digest()
    return (text + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


@pytest.mark.parametrize("algorithm", list(KEYS))
async def test_a_token_of_each_algorithm_is_taken(issuer: ExternalIssuer, algorithm: str) -> None:
    signed = issued(algorithm, name="Asha", jti="t1", sid="s1")
    assert issuer.signs(signed)
    identity = await issuer.verify(signed)
    assert identity.actor == Actor(Role.CUSTOMER, "cus_7", "Asha")
    assert identity.names == ("t1", "s1")
    assert identity.expires_at is not None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exp": 1}, "token_expired"),
        ({"iss": "https://elsewhere.example"}, "token_invalid"),
        ({"aud": "another-program"}, "token_invalid"),
        ({"aud": None}, "token_invalid"),
        ({"iss": None}, "token_invalid"),
        ({"exp": None}, "token_invalid"),
        ({"sub": None}, "token_invalid"),
        ({"nbf": 2**33}, "token_invalid"),
        ({"role": None}, "token_invalid"),
        ({"role": "guest"}, "token_invalid"),
        ({"role": "emperor"}, "token_invalid"),
        ({"role": {"admin": True}}, "token_invalid"),
        ({"key": STRANGER}, "token_invalid"),
        ({"kid": "nobodys"}, "token_invalid"),
        ({"kid": "ES256"}, "token_invalid"),
    ],
    ids=[
        "expired", "issuer", "audience", "no-audience", "no-issuer", "no-end", "nobody", "not-yet", "no-role", "guest",
        "unknown-role", "odd-role", "other-key", "unknown-key", "key-of-another-kind",
    ],
)  # fmt: skip
async def test_any_other_is_refused(issuer: ExternalIssuer, changes: dict[str, Any], code: str) -> None:
    assert await refusal(issuer, issued(**changes)) == code


# --- Confusing the algorithm (RFC 8725 section 2.1) -------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["HS256", "RS256"])
async def test_a_public_key_is_no_secret_to_sign_with(store: SqliteStore, published: KeyServer, algorithm: str) -> None:
    async with shop(store, published) as http:
        attack = forged(algorithm, public_pem("RS256"), "RS256")
        refused = problem(await Client(http).get("/api/me", bearer(attack)), 401, "token-refused")
        assert refused["code"] == "token_invalid"


async def test_our_secret_signs_nothing_in_the_issuers_name(store: SqliteStore, published: KeyServer) -> None:
    async with shop(store, published) as http:
        for algorithm in ("HS256", "RS256"):
            attack = forged(algorithm, SECRET.encode(), "RS256")
            problem(await Client(http).get("/api/me", bearer(attack)), 401, "token-refused")


async def test_a_token_of_ours_signed_with_the_issuers_key_is_refused(issuer: ExternalIssuer) -> None:
    assert await refusal(issuer, issued(iss="ordercast")) == "token_invalid"


async def test_a_shared_secret_among_the_keys_is_no_key(published: KeyServer) -> None:
    secret = {"kty": "oct", "kid": "shared", "alg": "HS256", "k": base64.urlsafe_b64encode(b"x" * 32).decode()}
    published.keys.append(secret)
    issuer = ExternalIssuer(Jwks(published.url), ISSUER, AUDIENCE, OWN_CLAIMS)
    attack = forged("HS256", b"x" * 32, "shared")
    assert not issuer.signs(attack)
    assert await refusal(issuer, attack) == "token_invalid"


# --- Roles ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "name", "role"),
    [
        ({"role": "store"}, "role", "store"),
        ({"roles": ["editor", "driver", "admin"]}, "roles", "admin"),
        ({"realm_access": {"roles": ["offline", "customer"]}}, "realm_access.roles", "customer"),
        ({"https://shop.example.com/role": "driver"}, "https://shop.example.com/role", "driver"),
    ],
    ids=["text", "list", "path", "url"],
)
def test_the_claim_of_the_role_is_the_issuers_to_choose(claims: dict[str, Any], name: str, role: str) -> None:
    assert ClaimNames(role=name).role_in(claims) == role


@pytest.mark.parametrize(
    "claims", [{}, {"a": None}, {"a": 5}, {"a": {"b": "admin"}}, {"a": []}, {"a": [["admin"]]}], ids=str
)
def test_a_claim_that_names_no_role_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(ClaimRefused, match='"a"'):
        ClaimNames(role="a").role_in(claims)


# --- A shop that trusts one -------------------------------------------------------------------------------------------


def shop(store: SqliteStore, published: KeyServer) -> Any:
    settings = Settings(secret=SECRET, jwks_url=published.url, jwt_issuer=ISSUER, jwt_audience=AUDIENCE)
    return over(settings, store)


async def test_their_people_use_the_shop_beside_ours(store: SqliteStore, published: KeyServer) -> None:
    async with shop(store, published) as http:
        client = Client(http)
        order = await client.place(bearer(issued()))
        assert order["customerId"] == "cus_7"
        theirs = issued("ES256", sub="boss", role="store")
        assert (await client.get(f"/api/orders/{order['id']}", bearer(theirs))).status_code == 200
        assert (await client.get("/api/orders", bearer(token("store")))).status_code == 200


async def test_their_tokens_can_be_revoked_too(store: SqliteStore, published: KeyServer) -> None:
    mine = issued(jti="theirs-1")
    async with shop(store, published) as http:
        assert (await Client(http).get("/api/me", bearer(mine))).status_code == 200
        await Client(http).post("/api/auth/revoke", {"name": "theirs-1"}, bearer(token("admin")))
    async with shop(store, published) as http:
        refused = problem(await Client(http).get("/api/me", bearer(mine)), 401, "token-refused")
        assert refused["code"] == "token_revoked"


async def test_when_the_keys_cannot_be_had_nobody_is_refused_for_it(store: SqliteStore, published: KeyServer) -> None:
    published.status = 500
    async with shop(store, published) as http:
        answer = await Client(http).get("/api/me", bearer(issued()))
        problem(answer, 503, "issuer-silent")
        assert answer.headers["retry-after"] == "5"
        # Ours need no keys of theirs.
        assert (await Client(http).get("/api/me", bearer(token("store")))).status_code == 200


async def test_without_one_its_tokens_are_not_ours(client: Client) -> None:
    refused = problem(await client.get("/api/me", bearer(issued())), 401, "token-refused")
    assert refused["code"] == "token_invalid"


def test_a_key_is_described_for_what_it_is() -> None:
    assert described("RS256")["kty"] == "RSA"
