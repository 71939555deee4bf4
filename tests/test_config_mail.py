"""Who takes mails, and what cannot be told to."""

from __future__ import annotations

from typing import Any

import pytest

from ordercast.config import ConfigError, Settings, load
from ordercast.mail import mail_summary, mailer_of

SECRET = {"ORDERCAST_SECRET": "8f3b1c9d7e5a4f6082b4c6d8e0f1a3b5"}
SERVER = {"mail_from": "Our Shop <orders@shop.example.com>"}


def loaded(**variables: str) -> Settings:
    return load({**SECRET, **{f"ORDERCAST_{name.upper()}": value for name, value in variables.items()}})


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"database_url": "sqlite:////data/my shop.db"}, "<FolderMailer /data/my shop.mail>"),
        ({"mail_url": "file:///var/mails%20here"}, "<FolderMailer /var/mails here>"),
        ({**SERVER, "mail_url": "smtp://a%40b:p%3A%2F@mail.example.com"}, "<SmtpMailer mail.example.com:587>"),
        ({**SERVER, "mail_url": "smtps://mail.example.com:4650"}, "<SmtpMailer mail.example.com:4650>"),
        ({"mail_url": "off"}, "None"),
        ({"database_url": "postgresql://db/shop"}, "None"),
    ],
)
def test_the_url_says_who_takes_mails(variables: dict[str, Any], told: str) -> None:
    assert repr(mailer_of(loaded(**variables))) == told


@pytest.mark.parametrize(
    ("variable", "variables"),
    [
        ("MAIL_URL", {"mail_url": "mail.example.com"}),
        ("MAIL_URL", {"mail_url": "smtp://"}),
        ("MAIL_URL", {"mail_url": "smtp://host:port"}),
        ("MAIL_URL", {"mail_url": "smtp://me:pass/word@host"}),
        ("MAIL_URL", {"mail_url": "smtp://me:12#34@host", **SERVER}),
        ("MAIL_URL", {"mail_url": "file://host/folder"}),
        ("MAIL_FROM", {"mail_url": "smtp://host"}),
        ("MAIL_FROM", {"mail_from": "nobody"}),
        ("MAIL_FROM", {"mail_from": "A <a@b.example>, c@d.example"}),
        ("MAIL_FROM", {"mail_from": "A\nBcc: x@y.example <a@b.example>"}),
        ("PUBLIC_URL", {"public_url": "shop.example.com"}),
        ("PUBLIC_URL", {"public_url": "https://shop.example.com/?a=b"}),
        ("PUBLIC_URL", {"public_url": "https://shop.example.com/#a"}),
        ("LANGUAGE", {"language": "de"}),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_name(variable: str, variables: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"^ORDERCAST_{variable}: ") as error:
        loaded(**variables)
    assert "pass/word" not in str(error.value)


def test_a_password_is_told_to_nobody() -> None:
    settings = loaded(mail_url="smtp://me:secret@mail.example.com", mail_from="a@b.example")
    assert mail_summary(settings) == "sent by smtp://mail.example.com"
    assert "secret" not in repr(mailer_of(settings))
