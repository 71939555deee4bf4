"""Sends mails by SMTP (RFC 5321), with the standard library's client on a thread."""

from __future__ import annotations

import asyncio
import contextlib
import os
import smtplib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from .mailer import MailDelayed, MailRefused, MailServerAway

# Per response. RFC 5321 (4.5.3.2) allows minutes, but others wait behind a slow server.
ANSWER_S_MAX: Final = 20.0
# All responses to one mail: a server may send a byte at a time.
STEP_S_MAX: Final = 60.0
# Responses to MAIL FROM that concern this mail: too large, or unknown parameters.
_OF_THE_MAIL: Final = frozenset({552, 555})
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS: Final = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """The server's address, and our credentials."""

    host: str
    port: int
    is_tls: bool
    """TLS from the start (RFC 8314); else STARTTLS if the server offers it."""
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def of_url(cls, url: str) -> SmtpServer:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(parts.hostname or "", port, parts.scheme == "smtps", user, password)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class SmtpMailer:
    def __init__(self, server: SmtpServer, our_name: str, tls: ssl.SSLContext | None = None) -> None:
        """`our_name` is sent in EHLO. `tls` verifies the server; by default with the system's certificates."""
        self._server = server
        self._our_name = our_name
        self._tls = tls

    def __repr__(self) -> str:
        return f"<SmtpMailer {self._server}>"

    @asynccontextmanager
    async def session(self) -> AsyncIterator[SmtpSession]:
        """Open a connection. Raises MailServerAway."""
        session = SmtpSession(self._server, self._our_name, self._tls)
        await session.open()
        try:
            yield session
        finally:
            await session.close()


class SmtpSession:
    """A connection; used by one task."""

    def __init__(self, server: SmtpServer, our_name: str, tls: ssl.SSLContext | None) -> None:
        self._server = server
        self._our_name = our_name
        self._tls = tls
        self._client: smtplib.SMTP | None = None

    def __repr__(self) -> str:
        return f"<SmtpSession {self._server}>"

    async def open(self) -> None:
        """Open a connection. Raises MailServerAway."""
        try:
            connection = await _connected(self._server)
            await self._in_thread(self._greet, connection)
        except (OSError, smtplib.SMTPException) as error:
            if self._client is not None:
                self._client.close()
            raise MailServerAway(f"{self._server} lets nobody send: {_reason(error)}") from None

    async def deliver(self, message: EmailMessage) -> None:
        """Raises MailRefused, MailDelayed, MailServerAway."""
        assert self._client is not None
        try:
            await self._in_thread(self._client.send_message, message)
        except smtplib.SMTPNotSupportedError:
            # The address is not ASCII, and the server lacks SMTPUTF8 (RFC 6531).
            raise MailRefused("smtputf8") from None
        except smtplib.SMTPRecipientsRefused as error:
            ((code, _),) = error.recipients.values()
            raise _rejection(code) from None
        except smtplib.SMTPSenderRefused as error:
            # The server rejects our sender address: the operator must fix that; the mail is not at fault.
            if error.smtp_code in _OF_THE_MAIL:
                raise MailRefused(str(error.smtp_code)) from None
            raise MailServerAway(f"{self._server} refuses ORDERCAST_MAIL_FROM ({error.smtp_code})") from None
        except smtplib.SMTPResponseException as error:
            raise _rejection(error.smtp_code) from None
        except (OSError, smtplib.SMTPException) as error:
            raise MailServerAway(f"{self._server} broke off: {_reason(error)}") from None

    async def close(self) -> None:
        if self._client is None:
            return
        with contextlib.suppress(OSError, smtplib.SMTPException):
            await self._in_thread(self._client.quit)

    def _greet(self, connection: socket.socket) -> None:
        server = self._server
        client = self._client = smtplib.SMTP(local_hostname=self._our_name, timeout=ANSWER_S_MAX)
        # By name, which TLS verifies against the certificate.
        client._host = server.host  # type: ignore[attr-defined]
        client.sock = connection
        if server.is_tls:
            tls = self._tls_context()
            secured = tls.wrap_socket(connection, server_hostname=server.host, do_handshake_on_connect=False)
            client.sock = secured
            secured.do_handshake()
        code, _ = client.getreply()
        if code != 220:
            raise smtplib.SMTPConnectError(code, "")
        client.ehlo_or_helo_if_needed()
        if not server.is_tls and client.has_extn("starttls"):
            client.starttls(context=self._tls_context())
            client.ehlo()
            is_private = True
        else:
            is_private = server.is_tls or server.host in _LOOPBACK
        if server.user:
            if not is_private:
                raise smtplib.SMTPException("it offers no STARTTLS, and the password is not sent in the clear")
            client.login(server.user, server.password)

    def _tls_context(self) -> ssl.SSLContext:
        """Called on the thread: loading the system's certificates takes 20 ms, and would block the event loop."""
        return self._tls or ssl.create_default_context()

    async def _in_thread(self, work: Callable[..., Any], *args: Any) -> None:
        """Run `work` on a thread. Raises its errors, and OSError if it takes too long. Cancelling closes the
        connection, so that no thread is left for a stopping process to wait for.
        """
        try:
            async with asyncio.timeout(STEP_S_MAX):
                await asyncio.to_thread(work, *args)
        except TimeoutError:
            self._abort()
            raise OSError("it is too slow") from None
        except asyncio.CancelledError:
            self._abort()
            raise

    def _abort(self) -> None:
        connection: socket.socket | None = None if self._client is None else self._client.sock
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._client = None


async def _connected(server: SmtpServer) -> socket.socket:
    """Connect by the event loop: on a thread, a stopping process would wait for a firewall that drops packets. Raises
    OSError.
    """
    loop = asyncio.get_running_loop()
    failure = OSError("it has no address")
    for family, kind, protocol, _, address in await loop.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.setblocking(False)
            async with asyncio.timeout(ANSWER_S_MAX):
                await loop.sock_connect(connection, address)
            connection.settimeout(ANSWER_S_MAX)
        except OSError as error:
            connection.close()
            failure = OSError("it is too slow") if error.errno is None else OSError(os.strerror(error.errno))
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise failure


def _rejection(code: int) -> MailRefused | MailDelayed:
    """Classify a rejection by its first digit (RFC 5321 section 4.2.1)."""
    return MailDelayed(str(code)) if 400 <= code < 500 else MailRefused(str(code))


def _reason(error: Exception) -> str:
    """The reason for the log; of a response only its code, which contains no address."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"it refuses our user or password ({error.smtp_code})"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"it answers {error.smtp_code}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not believed ({error.verify_message})"
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    return str(error) or type(error).__name__
