"""What a token says of itself; whether it is genuine only the server knows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import jwt

from .findings import Finding, fault

REMEDIES: Final = {
    "token_expired": "sign in again, or renew it before (`auth_refresh`); give `auth` as a function, so that each"
    " connection has the newest",
    "token_revoked": "the account was signed out or closed: sign in again",
    "token_malformed": "send the token alone, without `Bearer` and quotes: io(url, {auth: {token}})",
    "token_invalid": "it is signed with another secret than the server's ORDERCAST_SECRET, or for another audience",
}
"""By the code of a refusal, `data.code` of the client's ``connect_error``."""


def check_token(token: str, offset_s: float | None) -> Finding | None:
    """A fault that can be read in the token, by the server's time; None where there is none."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        return fault(
            "token",
            "the token is no JWT: three parts of base64url with dots between them",
            REMEDIES["token_malformed"],
        )
    now_s = datetime.now(UTC).timestamp() + (offset_s or 0.0)
    if (until_s := _moment(claims, "exp")) is not None and until_s <= now_s:
        return fault(
            "token",
            f"the token expired {now_s - until_s:,.0f} s ago by the server's clock",
            REMEDIES["token_expired"],
        )
    if (from_s := _moment(claims, "nbf")) is not None and from_s > now_s:
        return fault(
            "token",
            f"the token is valid in {from_s - now_s:,.0f} s only, by the server's clock",
            "the clock of whoever issues tokens is ahead: set it by NTP",
        )
    return None


def _moment(claims: dict[str, Any], name: str) -> float | None:
    value = claims.get(name)
    return float(value) if isinstance(value, int | float) else None
