"""Who is pushed to and texted, and by which key."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ordercast.commerce.notification_preferences import Channel
from ordercast.config import ConfigError, Settings, load, vapid_private_key
from ordercast.notify import channels_summary, configured_channels, push_key

SECRET = {"ORDERCAST_SECRET": "8f3b1c9d7e5a4f6082b4c6d8e0f1a3b5"}
KEY = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"
SMS_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
# The order of P-256's group: no private key is as large.
ORDER = "_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE"


def loaded(**variables: str) -> Settings:
    return load({**SECRET, **{f"ORDERCAST_{name.upper()}": value for name, value in variables.items()}})


def test_a_shop_on_a_file_makes_its_key_when_it_is_first_needed_and_keeps_it(tmp_path: Path) -> None:
    settings = loaded(database_url=f"sqlite:///{tmp_path / 'shop.db'}")
    told = push_key(settings)
    assert told is not None
    file = tmp_path / "shop.vapid"
    assert not file.exists()
    public = told()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = push_key(settings)
    assert again is not None
    assert again() == public
    assert len(public) == 87


def test_processes_that_make_it_at_once_have_the_same_key(tmp_path: Path) -> None:
    settings = loaded(database_url=f"sqlite:///{tmp_path / 'shop.db'}")
    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(lambda _: vapid_private_key(settings), range(16)))) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["shop.vapid"]


@pytest.mark.parametrize("content", ["", "nonsense", ORDER])
def test_a_key_that_was_kept_and_is_none_is_refused_by_its_file(tmp_path: Path, content: str) -> None:
    (tmp_path / "shop.vapid").write_text(content)
    with pytest.raises(ConfigError, match=r"shop\.vapid"):
        vapid_private_key(loaded(database_url=f"sqlite:///{tmp_path / 'shop.db'}"))


@pytest.mark.parametrize("key", [KEY, KEY + "=", "/" * 42 + "8="])
def test_a_key_is_taken_in_either_alphabet(key: str) -> None:
    if key.startswith("/"):  # all ones: larger than the group's order
        with pytest.raises(ConfigError, match="VAPID_PRIVATE_KEY"):
            loaded(vapid_private_key=key)
    else:
        assert vapid_private_key(loaded(vapid_private_key=key)) == key


@pytest.mark.parametrize(
    ("variable", "variables"),
    [
        ("PUSH", {"push": "maybe"}),
        ("VAPID_PRIVATE_KEY", {"vapid_private_key": "short"}),
        ("VAPID_PRIVATE_KEY", {"vapid_private_key": "A" * 43}),
        ("VAPID_PRIVATE_KEY", {"vapid_private_key": ORDER}),
        ("VAPID_PRIVATE_KEY", {"vapid_private_key": KEY + "AAAA"}),
        ("VAPID_SUBJECT", {"vapid_subject": "ops@shop.example.com"}),
        ("VAPID_SUBJECT", {"vapid_subject": "http://shop.example.com"}),
        ("SMS_URL", {"sms_url": "http://sms.example.com", "sms_secret": SMS_SECRET}),
        ("SMS_URL", {"sms_url": "sms.example.com"}),
        ("SMS_SECRET", {"sms_url": "https://sms.example.com"}),
        ("SMS_SECRET", {"sms_url": "https://sms.example.com", "sms_secret": "whsec_short"}),
        ("SMS_SECRET", {"sms_url": "file:///var/texts", "sms_secret": SMS_SECRET}),
        ("SMS_URL", {"sms_url": "file://host/texts"}),
        ("OUTGOING_NETWORKS", {"outgoing_networks": "shop.example.com"}),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_name(variable: str, variables: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=f"ORDERCAST_{variable}:") as refused:
        loaded(**variables)
    assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    ("variables", "channels", "sentence"),
    [
        ({}, {Channel.PUSH, Channel.MAIL}, "push on, mail on, sms off (ORDERCAST_SMS_URL)"),
        (
            {"database_url": "postgresql://db/shop"},
            set(),
            "push off (ORDERCAST_VAPID_PRIVATE_KEY), mail off (ORDERCAST_MAIL_URL), sms off (ORDERCAST_SMS_URL)",
        ),
        (
            {"database_url": "postgresql://db/shop", "vapid_private_key": KEY, "sms_url": "file:///var/texts"},
            {Channel.PUSH, Channel.SMS},
            "push on, mail off (ORDERCAST_MAIL_URL), sms on",
        ),
        (
            {"sms_url": "https://sms.example.com/send", "sms_secret": SMS_SECRET},
            {Channel.PUSH, Channel.MAIL, Channel.SMS},
            None,
        ),
        ({"push": "off", "mail_url": "off"}, set(), None),
    ],
)
def test_the_settings_say_which_ways_there_are(
    variables: dict[str, str], channels: set[Channel], sentence: str | None
) -> None:
    settings = loaded(**variables)
    assert configured_channels(settings) == channels
    assert sentence is None or channels_summary(settings) == sentence
    assert (push_key(settings) is None) is (Channel.PUSH not in channels)


@pytest.mark.parametrize(
    ("variables", "contact"),
    [
        ({"vapid_subject": "https://shop.example.com/contact"}, "https://shop.example.com/contact"),
        ({"mail_from": "Our Shop <orders@example.com>"}, "mailto:orders@example.com"),
        ({"mail_from": "orders@example.com"}, "mailto:orders@example.com"),
        ({"public_url": "https://shop.example.com"}, "https://shop.example.com"),
        ({"public_url": "http://shop.example.com"}, "mailto:noreply@localhost"),
        ({}, "mailto:noreply@localhost"),
    ],
)
def test_a_push_service_is_told_whom_to_write_to(variables: dict[str, str], contact: str) -> None:
    assert loaded(**variables).vapid_contact == contact
