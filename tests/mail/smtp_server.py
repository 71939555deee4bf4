"""A real SMTP server (aiosmtpd) on a free loopback port, in the loop of the test."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope

from .mailbox import Received, read

ACCEPTED = "250 Taken"


@dataclass
class SmtpServerAt:
    """Where it is, and what it was handed."""

    port: int = 0
    envelopes: list[Envelope] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)
    """By a command, as ``RCPT``: what it is answered next; once nothing is left, that all is well."""

    @property
    def received(self) -> list[Received]:
        return [read(envelope.content) for envelope in self.envelopes if isinstance(envelope.content, bytes)]

    def _next(self, command: str) -> str | None:
        answers = self.answers.get(command, [])
        return answers.pop(0) if answers else None

    # What aiosmtpd asks of a handler: the server, the session, the envelope, and for two of them address and options.

    async def handle_MAIL(self, *asked: Any) -> str:
        _, _, envelope, address, options = asked
        if (answer := self._next("MAIL")) is not None:
            return answer
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return ACCEPTED

    async def handle_RCPT(self, *asked: Any) -> str:
        _, _, envelope, address, _ = asked
        if (answer := self._next("RCPT")) is not None:
            return answer
        envelope.rcpt_tos.append(address)
        return ACCEPTED

    async def handle_DATA(self, *asked: Any) -> str:
        _, _, envelope = asked
        if (answer := self._next("DATA")) is not None:
            return answer
        self.envelopes.append(envelope)
        return ACCEPTED

    def login(self, *asked: Any) -> AuthResult:
        data = asked[-1]
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password == b"p@ss word", handled=False)


@contextlib.asynccontextmanager
async def running(
    host: str = "127.0.0.1", *, tls: ssl.SSLContext | None = None, starts_tls: bool = False, **options: Any
) -> AsyncIterator[SmtpServerAt]:
    """Serve until the block ends; with `tls` from the first byte, or once STARTTLS says so."""
    at = SmtpServerAt()

    def protocol() -> SMTP:
        return SMTP(
            at,
            hostname="mail.example.com",
            authenticator=at.login,
            auth_require_tls=False,
            tls_context=tls if starts_tls else None,
            enable_SMTPUTF8=options.get("utf8", True),
            loop=asyncio.get_running_loop(),
        )

    server = await asyncio.get_running_loop().create_server(protocol, host, 0, ssl=None if starts_tls else tls)
    at.port = server.sockets[0].getsockname()[1]
    try:
        yield at
    finally:
        server.close()
        await server.wait_closed()
