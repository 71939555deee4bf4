from __future__ import annotations

import email
import email.policy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercast.commerce import letters
from ordercast.commerce.letters import Language, Letter, OrderFacts
from ordercast.mail import MailRefused
from ordercast.mail.message import compose

from .mailbox import SENDER

LINK = "https://shop.example.com/verify#token=" + "a1-_." * 60
HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Language", "MIME-Version", "Content-Type",
}  # fmt: skip


def composed(letter: Letter, recipient: str = "asha@example.com", language: Language = Language.ENGLISH) -> Any:
    message = compose(
        letter,
        mail_id="mail_1",
        domain="shop.example.com",
        sender=SENDER,
        recipient=recipient,
        language=language,
        now_ms=1_795_241_719_608,
    )
    return email.message_from_bytes(message.as_bytes(), policy=email.policy.default)


def test_a_letter_is_told_in_plain_text_and_in_html() -> None:
    message = composed(letters.verify(Language.ENGLISH, LINK))
    assert set(message.keys()) == HEADERS
    assert message["Message-ID"] == "<mail_1@shop.example.com>"
    plain, rich = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert LINK in plain.splitlines()
    assert f'<a href="{LINK}">Confirm the address</a>' in rich


def test_a_link_stands_whole_in_the_bytes_of_an_english_mail() -> None:
    message = compose(
        letters.verify(Language.ENGLISH, LINK),
        mail_id="mail_1",
        domain="shop.example.com",
        sender=SENDER,
        recipient="asha@example.com",
        language=Language.ENGLISH,
        now_ms=0,
    )
    assert f"\r\n{LINK}\r\n".encode() in message.as_bytes()


@pytest.mark.parametrize("language", Language)
def test_every_letter_is_written_in_every_language(language: Language) -> None:
    order = OrderFacts(1001, ((2, "Masala chai & <biscuits>", "BDT 80.00"),), "BDT 144.00")
    all_ = [
        *(write(language, LINK) for write in (letters.verify, letters.reset, letters.already_registered)),
        *(write(language, LINK) for write in (letters.unconfirmed, letters.password_changed)),
        letters.order_placed(language, order, LINK),
    ]
    for letter in all_:
        message = composed(letter, language=language)
        assert message["Subject"] == letter.subject
        assert message["Content-Language"] == language
        text = message.get_body(("plain",)).get_content()
        assert LINK in text
        assert "{" not in text
        assert "<biscuits>" not in message.get_body(("html",)).get_content()
    assert ("১০০১" in all_[-1].subject) is (language is Language.BENGALI)


@pytest.mark.parametrize(
    ("recipient", "told"),
    [
        ("আশা@example.com", "আশা@example.com"),
        ("asha@münchen.example", "asha@xn--mnchen-3ya.example"),
        ("o'neil+shop@example.com", "o'neil+shop@example.com"),
    ],
)
def test_a_mail_goes_to_an_address_of_any_script(recipient: str, told: str) -> None:
    message = compose(
        letters.verify(Language.BENGALI, LINK),
        mail_id="mail_1",
        domain="shop.example.com",
        sender=SENDER,
        recipient=recipient,
        language=Language.BENGALI,
        now_ms=0,
    )
    assert message["To"].addresses[0].addr_spec == told


@given(recipient=st.text(max_size=80), subject=st.text(max_size=80), text=st.text(max_size=200))
def test_no_text_becomes_a_header_or_another_recipient(recipient: str, subject: str, text: str) -> None:
    subject = subject.replace("\r", "").replace("\n", "").replace("\x00", "")
    try:
        message = composed(Letter(subject, (text,), "Open", LINK), recipient)
    except (MailRefused, UnicodeEncodeError):  # half a surrogate pair, which the rules of texts refuse
        return
    assert set(message.keys()) == HEADERS
    assert len(message["To"].addresses) == 1
    assert message.is_multipart()
    assert len(list(message.iter_parts())) == 2


@given(
    before=st.sampled_from(["a", "", '"a']),
    line=st.sampled_from(["\r\n", "\n", "\r", "\x0b", "\x85", "\u2028", "%0d%0a", "\r\n\r\n"]),
    header=st.sampled_from(["Bcc: b@evil.example", "Subject: x", " folded", "Content-Type: text/html"]),
)
def test_a_line_break_makes_no_header(before: str, line: str, header: str) -> None:
    smuggled = f"{before}{line}{header}@example.com"
    try:
        message = composed(Letter("Order 1", ("Hello",)), smuggled)
    except (MailRefused, UnicodeEncodeError):
        pass
    else:
        assert set(message.keys()) == HEADERS
        assert [address.domain for address in message["To"].addresses] == ["example.com"]
    for break_ in ("\r", "\n"):
        with pytest.raises(ValueError, match="linefeed or carriage return"):
            composed(Letter(f"Order 1{break_}{header}", ("Hello",)))
