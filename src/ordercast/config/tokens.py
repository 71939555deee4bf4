"""Settings of tokens: the signing secret, and external issuers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta

from .errors import ConfigError
from .network import LOOPBACK, NetworkSettings
from .secrets import SIGNING_KEY, check_secret, is_standard_secret

OWN_ISSUER = "ordercast"
TOKEN_ROLES = ("admin", "store", "customer", "driver", "carer", "service")
"""Those that a token may name."""


class TokenSettings(NetworkSettings, frozen=True, kw_only=True):
    secret: str = ""
    secret_previous: str = ""
    """The secret before this one, while what was made with it is still to be good."""
    token_minutes: Annotated[int, Meta(ge=1, le=1440)] = 60
    """How long an access token of a sign-in is good; a refresh gives the next."""
    sign_in_days: Annotated[int, Meta(ge=1, le=365)] = 14
    """A sign-in that is not used for so long ends; it ends after six times that in any case."""
    jwks_url: str = ""
    """Where another issuer publishes its keys; its tokens are then taken beside our own."""
    jwt_issuer: str = ""
    jwt_audience: str = ""
    jwt_role_claim: Annotated[str, Meta(min_length=1, max_length=200)] = "role"
    """Which claim of a back end's or issuer's tokens names the role; within another, by a path such as
    ``realm_access.roles``."""
    jwt_subject_claims: tuple[str, ...] = ("sub",)
    """Which claims of those tokens name the bearer: the first that is there."""
    jwt_roles: tuple[str, ...] = ()
    """Their names of roles and ours, such as ``user:customer,store_owner:store``."""

    authorize_secret: str = ""
    """A Standard Webhooks secret (``whsec_...``): signs what is asked of a mapping file's `authorize` webhooks."""

    @property
    def role_names(self) -> dict[str, str]:
        """`jwt_roles`, read: the role of ours for each of theirs."""
        return {theirs: ours for theirs, _, ours in (pair.rpartition(":") for pair in self.jwt_roles)}

    @property
    def secret_file(self) -> Path | None:
        """Where an embedded database keeps the secret that was made for it."""
        return None if self.sqlite_path is None else self.sqlite_path.with_suffix(".secret")


# --- Checks -----------------------------------------------------------------------------------------------------------


def check_claims(settings: TokenSettings) -> None:
    if not settings.jwt_subject_claims:
        raise ConfigError("jwt_subject_claims", "must name a claim, such as sub")
    for pair in settings.jwt_roles:
        theirs, _, ours = pair.rpartition(":")
        if not theirs or ours not in TOKEN_ROLES:
            raise ConfigError(
                "jwt_roles", f"{pair!r} is no pair such as user:customer; our roles are {', '.join(TOKEN_ROLES)}"
            )


def check_issuer(settings: TokenSettings) -> None:
    if not settings.jwks_url:
        return
    parts = urlsplit(settings.jwks_url)
    # Whoever can answer in the issuer's place signs in as anybody.
    if parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in LOOPBACK):
        raise ConfigError("jwks_url", "must be an https URL")
    for name in ("jwt_issuer", "jwt_audience"):
        if not getattr(settings, name):
            raise ConfigError(name, "is required with ORDERCAST_JWKS_URL: an issuer signs for other programs too")
    if settings.jwt_issuer == OWN_ISSUER:
        raise ConfigError("jwt_issuer", f"{OWN_ISSUER} is the name of our own tokens")


def check_secrets(settings: TokenSettings) -> None:
    if settings.authorize_secret and not is_standard_secret(settings.authorize_secret):
        raise ConfigError("authorize_secret", SIGNING_KEY)
    for name in ("secret", "secret_previous"):
        check_secret(name, getattr(settings, name))
    if settings.secret_previous and settings.secret_previous == settings.secret:
        raise ConfigError("secret_previous", "is the secret of now; it names the one before")
