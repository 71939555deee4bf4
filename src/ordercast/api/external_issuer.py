"""Verifies tokens of another issuer, such as the shop's own back end or identity provider."""

from __future__ import annotations

from typing import Any

import jwt

from .auth import TOKEN_CHARACTERS_MAX, Identity, TokenRefused, check_length, identity_of, reading_token
from .claims import ClaimNames
from .jwks import ALGORITHMS, Jwks


class ExternalIssuer:
    """A trusted issuer of ids and roles."""

    def __init__(self, keys: Jwks, issuer: str, audience: str, claims: ClaimNames) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._claims = claims

    def __repr__(self) -> str:
        return f"<ExternalIssuer {self._issuer} {self._keys!r}>"

    def signs(self, token: str) -> bool:
        """Whether the token's algorithm is this issuer's: that alone decides who verifies it."""
        return self._header(token).get("alg") in ALGORITHMS

    async def verify(self, token: str) -> Identity:
        """The token's identity. Raises TokenRefused and IssuerUnavailable."""
        check_length(token)
        key = await self._keys.find(self._header(token).get("kid"))
        if key is None:
            raise TokenRefused("token_invalid", "The token was signed with a key that its issuer does not have.")
        with reading_token():
            claims = jwt.decode(
                token,
                key,
                # The key's own algorithm, so that it is not used for another.
                [key.algorithm_name],
                issuer=self._issuer,
                audience=self._audience,
                options={"require": ["exp", "iss", "aud"], "verify_sub": False},
            )
            return identity_of(claims, self._claims)

    def _header(self, token: str) -> dict[str, Any]:
        if len(token) > TOKEN_CHARACTERS_MAX:
            return {}
        try:
            return jwt.get_unverified_header(token)
        except (jwt.InvalidTokenError, UnicodeError):
            return {}
