from __future__ import annotations

import pytest

from ordercast.config import ConfigError, Settings, load

ISSUER = {
    "ORDERCAST_SECRET": "a secret of at least thirty-two bytes",
    "ORDERCAST_JWKS_URL": "https://id.example.com/jwks.json",
    "ORDERCAST_JWT_ISSUER": "https://id.example.com",
    "ORDERCAST_JWT_AUDIENCE": "shop",
}


def issuer(**changes: str) -> Settings:
    return load({**ISSUER, **{f"ORDERCAST_{name}": value for name, value in changes.items()}})


def test_another_issuer_is_named_with_its_audience() -> None:
    settings = issuer(JWT_ROLE_CLAIM="realm_access.roles")
    assert (settings.jwt_audience, settings.jwt_role_claim) == ("shop", "realm_access.roles")
    assert issuer().jwt_role_claim == "role"
    assert issuer(JWKS_URL="http://localhost:8080/jwks.json").jwks_url.startswith("http://")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JWKS_URL", "http://id.example.com/jwks.json"),
        ("JWKS_URL", "file:///etc/jwks.json"),
        ("JWT_ISSUER", ""),
        ("JWT_ISSUER", "ordercast"),
        ("JWT_AUDIENCE", ""),
    ],
)
def test_an_issuer_that_cannot_be_trusted_is_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^ORDERCAST_{name}:"):
        issuer(**{name: value})


def test_claims_and_roles_of_a_back_end_are_mapped() -> None:
    settings = issuer(JWT_SUBJECT_CLAIMS="sub, userId,id", JWT_ROLES="user:customer, a:b:store")
    assert settings.jwt_subject_claims == ("sub", "userId", "id")
    assert settings.role_names == {"user": "customer", "a:b": "store"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JWT_ROLES", "user"),
        ("JWT_ROLES", ":customer"),
        ("JWT_ROLES", "user:guest"),
        ("JWT_ROLES", "user:"),
        ("JWT_SUBJECT_CLAIMS", ","),
    ],
)
def test_a_mapping_that_maps_nothing_is_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^ORDERCAST_{name}:"):
        issuer(**{name: value})
