"""Who may open the dashboard: a name and a password once, a session id after that."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import importlib
import logging
import secrets
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, Final

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from ordercast.hub.errors import ConnectRefused
from ordercast.hub.socket import Socket

log = logging.getLogger("ordercast.hub")

# The dashboard compares these words, and asks for the password again when it reads them.
INVALID_CREDENTIALS: Final = "invalid credentials"
# One working day, as the reference's own store has it.
SESSION_S: Final = 86_400
# A check takes a core for a tenth of a second: more of them at a time would starve the loop that serves everyone else.
CHECKS_AT_ONCE: Final = 1
# Whoever is behind so many would wait for seconds; a guessing program must not become a queue.
CHECKS_WAITING_MAX: Final = 20
# bcrypt reads no more, and the `bcrypt` package refuses more, where others cut it off in silence.
BCRYPT_BYTES_MAX: Final = 72
PASSWORD_BYTES_MAX: Final = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicAuth:
    """A name and the hash of a password, bcrypt's or Argon2's. Raises ValueError for a hash that is neither.

    bcrypt needs the package of that name.
    """

    username: str
    password_hash: str = field(repr=False)
    session_secret: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    """Signs session ids. Give every node the same, and a reconnecting dashboard is accepted by each of them, also after
    a restart; without it a session ends with its process."""

    def __post_init__(self) -> None:
        if self.password_hash.startswith(("$2a$", "$2b$", "$2y$")):
            _require_bcrypt()
            if len(self.password_hash) != 60:
                raise ValueError("the password hash is no complete bcrypt hash")
        elif self.password_hash.startswith("$argon2"):
            try:
                argon2.extract_parameters(self.password_hash)
            except InvalidHashError:
                raise ValueError("the password hash is no complete Argon2 hash") from None
        else:
            raise ValueError("the password must be given as a bcrypt or Argon2 hash, never in plain text")
        if not self.session_secret:
            raise ValueError("the session secret is empty")

    def verify(self, username: str, password: str) -> bool:
        """Whether both are right. Takes as long for a wrong name: about a tenth of a second of a core."""
        known = hmac.compare_digest(username.encode(), self.username.encode())
        return self._matches(password.encode()[:PASSWORD_BYTES_MAX]) and known

    def _matches(self, password: bytes) -> bool:
        if not self.password_hash.startswith("$argon2"):
            checked: bool = _require_bcrypt().checkpw(password[:BCRYPT_BYTES_MAX], self.password_hash.encode())
            return checked
        try:
            return argon2.PasswordHasher().verify(self.password_hash, password)
        except VerificationError:
            return False

    # Session ids: an expiry and its signature, so that nothing is stored and another password ends them all

    def new_session(self, now_s: float | None = None) -> str:
        """Give a session id that `is_session` takes for a day."""
        expires_s = int(time.time() if now_s is None else now_s) + SESSION_S
        claim = f"{expires_s}.{secrets.token_hex(8)}"
        return f"{claim}.{self._sign(claim)}"

    def is_session(self, session_id: str, now_s: float | None = None) -> bool:
        """Whether this is a session id of ours that has not expired."""
        claim, _, signature = session_id.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(claim).encode()):
            return False
        return int(claim.partition(".")[0]) > (time.time() if now_s is None else now_s)

    def _sign(self, claim: str) -> str:
        signed = f"{self.username}\n{self.password_hash}\n{claim}"
        return hmac.new(self.session_secret.encode(), signed.encode(), hashlib.sha256).hexdigest()


def _require_bcrypt() -> Any:
    try:
        return importlib.import_module("bcrypt")
    except ImportError:
        raise ValueError("a bcrypt hash needs the bcrypt package; install it, or give an Argon2 hash") from None


class Gate:
    """The middleware of the admin namespace."""

    def __init__(self, auth: BasicAuth) -> None:
        self._auth = auth
        self._turn = asyncio.Semaphore(CHECKS_AT_ONCE)
        self._waiting = 0

    def __call__(self, socket: Socket) -> Awaitable[None] | None:
        """Accept a socket by its session id at once, by its password after the check. Raises ConnectRefused."""
        session_id = socket.auth.get("sessionId")
        if isinstance(session_id, str) and self._auth.is_session(session_id):
            return None
        username, password = socket.auth.get("username"), socket.auth.get("password")
        if not isinstance(username, str) or not isinstance(password, str):
            raise ConnectRefused(INVALID_CREDENTIALS)
        if self._waiting >= CHECKS_WAITING_MAX:
            raise ConnectRefused("too many attempts, try again later")
        self._waiting += 1  # here and not in the coroutine, which begins only when many more may have passed
        return self._check(socket, username, password)

    async def _check(self, socket: Socket, username: str, password: str) -> None:
        try:
            async with self._turn:
                right = await asyncio.to_thread(self._auth.verify, username, password)
        finally:
            self._waiting -= 1
        if not right:
            log.warning("admin refused: address=%s", socket.handshake.address)
            raise ConnectRefused(INVALID_CREDENTIALS)
