from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import threading
import time
from contextlib import ExitStack, closing
from email.message import EmailMessage
from pathlib import Path

import pytest

from ordercast.commerce import letters
from ordercast.commerce.letters import Language
from ordercast.mail import MailDelayed, MailRefused, MailServerAway
from ordercast.mail.message import compose
from ordercast.mail.smtp import ANSWER_S_MAX, SmtpMailer, SmtpServer

from .certificates import contexts
from .mailbox import SENDER
from .smtp_server import SmtpServerAt, running

LINK = "https://shop.example.com/verify#token=x"
USER = "orders%40shop.example.com:p%40ss%20word@"


def a_message(recipient: str = "asha@example.com", language: Language = Language.ENGLISH) -> EmailMessage:
    return compose(
        letters.verify(language, LINK),
        mail_id="mail_1",
        domain="shop.example.com",
        sender=SENDER,
        recipient=recipient,
        language=language,
        now_ms=0,
    )


async def send(url: str, *messages: EmailMessage, tls: ssl.SSLContext | None = None) -> None:
    mailer = SmtpMailer(SmtpServer.of_url(url), "shop.example.com", tls)
    async with mailer.session() as session:
        for message in messages:
            await session.deliver(message)


async def test_mails_go_one_after_another_over_one_connection(smtp: SmtpServerAt) -> None:
    await send(f"smtp://127.0.0.1:{smtp.port}", a_message(), a_message("other@example.com", Language.BENGALI))
    assert [envelope.rcpt_tos for envelope in smtp.envelopes] == [["asha@example.com"], ["other@example.com"]]
    assert {envelope.mail_from for envelope in smtp.envelopes} == {"orders@shop.example.com"}
    first, second = smtp.received
    assert (first.subject, first.link) == ("Confirm your address", LINK)
    assert second.subject == "আপনার ইমেইল ঠিকানা নিশ্চিত করুন"


async def test_a_mailbox_of_another_script_is_written_to_where_the_server_knows_such(smtp: SmtpServerAt) -> None:
    await send(f"smtp://127.0.0.1:{smtp.port}", a_message("আশা@example.com"))
    (envelope,) = smtp.envelopes
    assert envelope.rcpt_tos == ["আশা@example.com"]
    assert "SMTPUTF8" in envelope.mail_options
    async with running(utf8=False) as ascii_only:
        with pytest.raises(MailRefused, match="smtputf8"):
            await send(f"smtp://127.0.0.1:{ascii_only.port}", a_message("আশা@example.com"))


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_password_and_mail_go_over_tls(scheme: str, tmp_path: Path) -> None:
    """At an address that is not taken for this machine's own; nothing else listens there."""
    server, client = contexts(tmp_path, "127.0.0.2")
    async with running("127.0.0.2", tls=server, starts_tls=scheme == "smtp") as smtp:
        url = f"{scheme}://{USER}127.0.0.2:{smtp.port}"
        await send(url, a_message(), tls=client)
        assert smtp.logins == [("orders@shop.example.com", "p@ss word")]
        assert len(smtp.envelopes) == 1
        with pytest.raises(MailServerAway, match="certificate is not believed"):
            await send(url, a_message())
    assert len(smtp.envelopes) == 1


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_the_machines_certificates_are_read_beside_the_loop_and_only_for_tls(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = []

    def noting() -> ssl.SSLContext:
        readers.append(threading.current_thread())
        return client

    server, client = contexts(tmp_path, "127.0.0.2")
    monkeypatch.setattr(ssl, "create_default_context", noting)
    async with running("127.0.0.2") as smtp:
        await send(f"smtp://127.0.0.2:{smtp.port}", a_message())
    assert readers == []
    async with running("127.0.0.2", tls=server, starts_tls=scheme == "smtp") as smtp:
        await send(f"{scheme}://{USER}127.0.0.2:{smtp.port}", a_message())
    assert len(readers) == 1
    assert threading.current_thread() not in readers


async def test_a_password_is_not_sent_in_the_clear() -> None:
    async with running("127.0.0.2") as smtp:
        with pytest.raises(MailServerAway, match="no STARTTLS") as error:
            await send(f"smtp://{USER}127.0.0.2:{smtp.port}", a_message())
    assert smtp.logins == []
    assert "p@ss" not in str(error.value)


async def test_a_password_that_is_refused_is_told_without_it(smtp: SmtpServerAt) -> None:
    with pytest.raises(MailServerAway, match=r"refuses our user or password \(535\)") as error:
        await send(f"smtp://me:wrong%20one@127.0.0.1:{smtp.port}", a_message())
    assert "wrong one" not in str(error.value)


@pytest.mark.parametrize(
    ("command", "answer", "raised"),
    [
        ("RCPT", "550 5.1.1 <asha@example.com> unknown", MailRefused),
        ("RCPT", "450 4.2.1 <asha@example.com> come again", MailDelayed),
        ("DATA", "554 5.7.1 spam", MailRefused),
        ("DATA", "452 4.3.1 full", MailDelayed),
        ("MAIL", "552 5.3.4 too large", MailRefused),
        ("MAIL", "550 5.7.1 <orders@shop.example.com> not yours", MailServerAway),
    ],
)
async def test_an_answer_says_whether_the_mail_is_ever_taken(
    smtp: SmtpServerAt, command: str, answer: str, raised: type[Exception]
) -> None:
    smtp.answers[command] = [answer]
    url = f"smtp://127.0.0.1:{smtp.port}"
    with pytest.raises(raised) as error:
        await send(url, a_message())
    assert answer[:3] in str(error.value)
    assert "@" not in str(error.value)
    await send(url, a_message())


async def test_a_mail_that_is_refused_keeps_none_behind_it(smtp: SmtpServerAt) -> None:
    smtp.answers["RCPT"] = ["550 no"]
    mailer = SmtpMailer(SmtpServer.of_url(f"smtp://127.0.0.1:{smtp.port}"), "shop.example.com")
    async with mailer.session() as session:
        with pytest.raises(MailRefused):
            await session.deliver(a_message())
        await session.deliver(a_message("other@example.com"))
    assert [envelope.rcpt_tos for envelope in smtp.envelopes] == [["other@example.com"]]


async def test_nobody_waits_for_a_server_that_says_nothing() -> None:
    """Whoever stops waiting leaves no thread behind that still does."""
    heard = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com\r\n")
        await reader.readline()
        heard.set()
        assert await reader.read() == b""  # it hangs up
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sending = asyncio.create_task(send(f"smtp://127.0.0.1:{port}", a_message()))
    await heard.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    server.close()
    await server.wait_closed()


def test_a_stopping_process_waits_for_no_server_that_drops_what_it_is_sent() -> None:
    """As a firewall does before the ports of mail; the end of a loop waits for its threads."""

    async def begin_and_stop(port: int) -> None:
        sending = asyncio.create_task(send(f"smtp://127.0.0.1:{port}", a_message()))
        await asyncio.wait([sending], timeout=0.1)  # long enough to begin; if it has not, it is no other end
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        begun_at.append(time.monotonic())

    begun_at: list[float] = []
    with closing(socket.socket()) as listening, ExitStack() as waiting:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)  # the kernel answers nobody once one waits
        for _ in range(3):
            waiting.enter_context(closing(other := socket.socket())).setblocking(False)
            other.connect_ex(listening.getsockname())
        asyncio.run(begin_and_stop(listening.getsockname()[1]))
    assert time.monotonic() - begun_at[0] < ANSWER_S_MAX / 2


async def test_a_server_that_is_away_is_told_of(smtp: SmtpServerAt, caplog: pytest.LogCaptureFixture) -> None:
    async with running() as gone:
        pass
    with pytest.raises(MailServerAway, match=f"127.0.0.1:{gone.port} lets nobody send: Connection refused"):
        await send(f"smtp://127.0.0.1:{gone.port}", a_message())
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
