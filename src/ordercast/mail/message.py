"""Composes a letter as a message (RFC 5322): plain text, and the same as HTML."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from email import policy
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Final

from ordercast.commerce.letters import Language, Letter, dialled

from .mailer import MailRefused

_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]")
_PAGE: Final = """\
<!doctype html>
<html lang="{language}">
<body style="font-family: sans-serif; line-height: 1.5; max-width: 40em">
{paragraphs}
</body>
</html>
"""
_PARAGRAPH: Final = "<p>{text}</p>"
_LINK: Final = '<p><a href="{link}">{action}</a></p>'


def compose(
    letter: Letter, *, mail_id: str, domain: str, sender: str, recipient: str, language: Language, now_ms: int
) -> EmailMessage:
    """Compose a message. Raises MailRefused for an invalid recipient."""
    message = EmailMessage(policy.SMTP)
    message["From"] = address_of(sender)
    try:
        message["To"] = _mailbox(recipient)
    except (MessageError, ValueError, IndexError, UnicodeError):
        raise MailRefused("address") from None
    message["Subject"] = letter.subject
    message["Date"] = datetime.fromtimestamp(now_ms // 1000, UTC)
    message["Message-ID"] = f"<{mail_id}@{domain}>"
    # RFC 3834: prevents automatic replies.
    message["Auto-Submitted"] = "auto-generated"
    plain, rich = _plain(letter), _html(letter, language)
    # ASCII text is not encoded, so links stay whole, and servers need no extension.
    message.set_content(plain, cte=_encoding(plain))
    message.add_alternative(rich, subtype="html", cte=_encoding(rich))
    message["Content-Language"] = language
    return message


def address_of(sender: str) -> Address:
    """Parse an address with an optional name. Raises ValueError, IndexError or MessageError."""
    name, spec = parseaddr(sender)
    mailbox = _mailbox(spec)
    return Address(name, mailbox.username, mailbox.domain)


def _mailbox(spec: str) -> Address:
    """Parse a bare address. Raises ValueError, IndexError or MessageError."""
    mailbox, _, domain = spec.rpartition("@")
    if mailbox.isascii():
        # An international domain has an ASCII form that every server knows (RFC 5891); a mailbox has none.
        return Address(addr_spec=f"{mailbox}@{domain if domain.isascii() else domain.encode('idna').decode()}")
    # The parser knows ASCII only (RFC 5322); other letters, which RFC 6532 allows, are checked as this one.
    stand_in = Address(addr_spec=_NOT_ASCII.sub("a", spec))
    if stand_in.addr_spec != _NOT_ASCII.sub("a", spec) or not mailbox.isprintable() or not domain.isprintable():
        raise ValueError("no address")
    return Address(username=mailbox, domain=domain)


def _plain(letter: Letter) -> str:
    link = [f"{letter.action}:\n{letter.link}"] if letter.link else []
    call = [f"{letter.call}: {letter.telephone}"] if letter.telephone else []
    return "\n\n".join([*letter.paragraphs, *link, *call]) + "\n"


def _html(letter: Letter, language: Language) -> str:
    paragraphs = [_PARAGRAPH.format(text=html.escape(text)) for text in letter.paragraphs]
    if letter.link:
        paragraphs.append(_LINK.format(link=html.escape(letter.link), action=html.escape(letter.action)))
    if letter.telephone:
        text = f"{letter.call}: {letter.telephone}"
        paragraphs.append(_LINK.format(link=f"tel:{dialled(letter.telephone)}", action=html.escape(text)))
    return _PAGE.format(language=language, paragraphs="\n".join(paragraphs))


def _encoding(text: str) -> str:
    return "7bit" if text.isascii() else "base64"
