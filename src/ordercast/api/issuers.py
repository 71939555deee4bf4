"""Tokens of another issuer, such as the back end or identity provider that a shop's people sign in with already."""

from __future__ import annotations

from typing import Any, Final

import jwt

from ordercast.commerce.people import Role

from .auth import TOKEN_CHARACTERS_MAX, Identity, TokenRefused, check_length, identity_of, reading_token
from .key_set import ALGORITHMS, KeySet

# Where somebody has several roles, the first of these that they have.
_PRECEDENCE: Final = (Role.ADMIN, Role.STORE, Role.SERVICE, Role.DRIVER, Role.CUSTOMER)


class Issuer:
    """One issuer that is trusted with everything that its tokens say: ids and roles."""

    def __init__(self, keys: KeySet, issuer: str, audience: str, role_claim: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._role_claim = role_claim

    def __repr__(self) -> str:
        return f"<Issuer {self._issuer} {self._keys!r}>"

    def signs(self, token: str) -> bool:
        """Whether a token is signed as its are. Nothing but the way of checking it follows from the answer."""
        return self._header(token).get("alg") in ALGORITHMS

    async def verify(self, token: str) -> Identity:
        """Who the token speaks for. Raises TokenRefused, and IssuerSilent."""
        check_length(token)
        key = await self._keys.find(self._header(token).get("kid"))
        if key is None:
            raise TokenRefused("token_invalid", "The token was signed with a key that its issuer does not have.")
        with reading_token():
            claims = jwt.decode(
                token,
                key,
                # The key's own, so that no key is used for what it was not made for.
                [key.algorithm_name],
                issuer=self._issuer,
                audience=self._audience,
                options={"require": ["sub", "exp", "iss", "aud"]},
            )
            return identity_of(claims, role_in(claims, self._role_claim))

    def _header(self, token: str) -> dict[str, Any]:
        if len(token) > TOKEN_CHARACTERS_MAX:
            return {}
        try:
            return jwt.get_unverified_header(token)
        except (jwt.InvalidTokenError, UnicodeError):
            return {}


def role_in(claims: dict[str, Any], name: str) -> Role:
    """The role that a claim names: a text, or the first that counts of a list. Raises ValueError for none of ours."""
    value = claims[name] if name in claims else _at(claims, name.split("."))
    named = value if isinstance(value, list) else [value]
    for role in _PRECEDENCE:
        if role in named:
            return role
    raise ValueError("no role of ours")


def _at(claims: Any, path: list[str]) -> Any:
    for name in path:
        claims = claims.get(name) if isinstance(claims, dict) else None
    return claims
