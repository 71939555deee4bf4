"""What a buyer is mailed about an order: that it was placed, when it will be ready, and where to call."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ordercast.commerce.letters import Language
from ordercast.commerce.local_times import written_out
from ordercast.config import ConfigError, Settings, load
from ordercast.db import SqliteStore
from tests.mail.mailbox import Mailbox

from .client import SECRET, STORE, Client, over

TELEPHONE = "+880 2 5500-1234"
DHAKA = ZoneInfo("Asia/Dhaka")


@pytest.fixture
def mailbox(store: SqliteStore, tmp_path: Path) -> Mailbox:
    return Mailbox(store, tmp_path / "mails", SECRET, zone=DHAKA, telephone=TELEPHONE)


async def accepted(client: Client, order: dict[str, Any], minutes: int = 20) -> dict[str, Any]:
    body = {"status": "processing", "version": order["version"], "preparationMinutes": minutes}
    answer = await client.post(f"/api/orders/{order['id']}/status", body, STORE)
    assert answer.status_code == 200, answer.text
    moved: dict[str, Any] = answer.json()
    return moved


async def promised_anew(client: Client, order: dict[str, Any], minutes: int) -> dict[str, Any]:
    body = {"preparationMinutes": minutes, "version": order["version"], "reason": "the oven is full"}
    answer = await client.post(f"/api/orders/{order['id']}/promised-time", body, STORE)
    assert answer.status_code == 200, answer.text
    later: dict[str, Any] = answer.json()
    return later


@pytest.mark.parametrize("language", Language)
async def test_who_ordered_is_mailed_when_it_will_be_ready_in_their_language(
    client: Client, mailbox: Mailbox, language: Language
) -> None:
    order = await client.place({"accept-language": language})
    assert order["trackingToken"] in (await mailbox.receive_one()).link
    moved = await accepted(client, order)
    mail = await mailbox.receive_one()
    when = written_out(moved["promisedAt"], DHAKA, language)
    words = {
        Language.ENGLISH: f"It will be ready on {when}.\n",
        Language.BENGALI: f"তৈরি হবে {when}।\n",
    }
    assert mail.text.startswith(words[language])
    assert mail.subject.endswith(when)
    assert mail.link == f"https://shop.example.com/track/{order['id']}?token={order['trackingToken']}"


async def test_another_time_is_mailed_as_that_and_one_that_holds_no_more_by_nobody(
    client: Client, mailbox: Mailbox
) -> None:
    order = await accepted(client, await client.place())
    await mailbox.receive()
    passed = await promised_anew(client, order, 45)
    later = await promised_anew(client, passed, 60)
    mail = await mailbox.receive_one()
    assert mail.text.startswith(f"The time for order {order['number']} has changed.\n")
    assert written_out(later["promisedAt"], DHAKA, Language.ENGLISH) in mail.text


async def test_a_confirmation_that_is_sent_late_says_the_time_itself(client: Client, mailbox: Mailbox) -> None:
    moved = await accepted(client, await client.place())
    when = written_out(moved["promisedAt"], DHAKA, Language.ENGLISH)
    assert [when in mail.text for mail in await mailbox.receive()] == [True, True]


async def test_what_was_called_off_is_promised_to_nobody(client: Client, mailbox: Mailbox) -> None:
    order = await accepted(client, await client.place())
    assert (await client.move(order, "cancelled", STORE, reason="no rice")).status_code == 200
    (confirmation,) = await mailbox.receive()
    assert "ready" not in confirmation.subject


async def test_a_mail_about_an_order_says_where_to_call(client: Client, mailbox: Mailbox) -> None:
    await client.place()
    mail = await mailbox.receive_one()
    assert mail.text.endswith(f"Call the shop: {TELEPHONE}\n")
    html: Any = mail.message.get_body(("html",))
    assert '<a href="tel:+880255001234">Call the shop: +880 2 5500-1234</a>' in html.get_content()


async def test_the_pages_are_told_the_shops_telephone_or_that_it_has_none(
    settings: Settings, store: SqliteStore, client: Client
) -> None:
    assert (await client.get("/api/config")).json()["telephone"] is None
    async with over(Settings(secret=settings.secret, shop_telephone=TELEPHONE), store) as http:
        assert (await Client(http).get("/api/config")).json()["telephone"] == TELEPHONE


@pytest.mark.parametrize("wrong", ["call us", "1", "+", "tel:123456", "123456789012345678901234567890123"])
def test_a_telephone_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigError, match="SHOP_TELEPHONE"):
        load({"ORDERCAST_SECRET": SECRET, "ORDERCAST_SHOP_TELEPHONE": wrong})
