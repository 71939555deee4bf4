from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ordercast.commerce.letters import Language, order_link
from ordercast.config import Settings
from ordercast.db import SqliteStore
from tests.mail.mailbox import Mailbox

from .client import SECRET, Client, over, problem, signed_in


@pytest.fixture
def mailbox(store: SqliteStore, tmp_path: Path) -> Mailbox:
    return Mailbox(store, tmp_path / "mails", SECRET)


async def look_up(client: Client, number: int, mobile: str, **headers: str) -> None:
    answer = await client.post("/api/orders/lookup", {"number": number, "mobile": mobile}, headers)
    assert (answer.status_code, answer.json()) == (202, {"accepted": True}), answer.text


@pytest.mark.parametrize("mobile", ["+8801700000000", "01700-000000", "+880 (1700) 000-000", "1700000000"])
async def test_who_ordered_is_mailed_the_link_by_number_and_telephone(
    client: Client, mailbox: Mailbox, mobile: str
) -> None:
    order = await client.place()
    await mailbox.receive_one()  # that it was placed
    await look_up(client, order["number"], mobile, **{"accept-language": "bn"})
    mail = await mailbox.receive_one()
    assert mail.to == "asha@example.com"
    assert mail.link == f"https://shop.example.com/track/{order['id']}?token={order['trackingToken']}"
    assert "অর্ডার" in mail.subject


@pytest.mark.parametrize("wrong", [{"mobile": "+8801700000001"}, {"mobile": "00000"}, {"number": 999_999}])
async def test_a_wrong_guess_is_answered_alike_and_mails_nobody(
    client: Client, mailbox: Mailbox, wrong: dict[str, Any]
) -> None:
    order = await client.place()
    await mailbox.receive_one()
    await look_up(client, **{"number": order["number"], "mobile": "+8801700000000", **wrong})
    assert await mailbox.receive() == []


async def test_the_order_of_somebody_with_an_account_leads_to_their_sign_in(client: Client, mailbox: Mailbox) -> None:
    order = await client.place(signed_in("customer", "cus_7"))
    await mailbox.receive()
    await look_up(client, order["number"], "+8801700000000")
    assert (await mailbox.receive_one()).link == f"https://shop.example.com/track/{order['id']}"


async def test_an_order_is_mailed_so_often_and_nobody_learns_of_the_bound(
    store: SqliteStore, settings: Settings, mailbox: Mailbox
) -> None:
    async with over(Settings(secret=settings.secret, budget_account_mails="2/1h"), store) as http:
        client = Client(http)
        order = await client.place()
        await mailbox.receive()
        for _ in range(4):
            await look_up(client, order["number"], "+8801700000000")
        assert len(await mailbox.receive()) == 2


async def test_a_shop_that_sends_no_mail_says_so(store: SqliteStore, settings: Settings) -> None:
    async with over(Settings(secret=settings.secret, mail_url="off"), store) as http:
        answer = await Client(http).post("/api/orders/lookup", {"number": 1, "mobile": "+8801700000000"})
        problem(answer, 409, "no-mail")


def test_every_language_has_the_letter() -> None:
    assert len({order_link(language, 7, "https://x.example").subject for language in Language}) == len(Language)
