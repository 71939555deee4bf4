"""Files in messages, by reference: heard by everybody as the shop's back end signed them, or refused by the field."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from typing import Any

import msgspec
import pytest

from ordercast.commerce.attachments import SignedFile, sign
from ordercast.config import Settings
from tests.api.client import CUSTOMER, STORE, Client, problem

from .conftest import Connect

SECRET = "a secret that the shop's back end knows, too"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(
        settings, chat_attachment_secret=SECRET, chat_attachment_hosts=("files.shop.example.com",)
    )


# Signed while tests are collected, and shown to a shop when a long run has come to them.
HOUR_S = 3_600


def signed(**changes: Any) -> dict[str, Any]:
    file = SignedFile("https://files.shop.example.com/1.png", "দরজা.png", "image/png", 9, int(time.time()) + HOUR_S, "")
    file = replace(file, **changes)
    return asdict(replace(file, signature=sign(SECRET, file)))


async def test_a_file_that_is_vouched_for_is_heard_and_read_without_its_signature(
    client: Client, connect: Connect
) -> None:
    order = await client.place(CUSTOMER)
    conversation = (await client.post("/api/conversations", {"orderId": order["id"]}, STORE)).json()["id"]
    clerk, customer, file = await connect("store"), await connect("customer", "cus_1"), signed()
    command = {"conversationId": conversation, "text": "This door", "attachments": [file], "clientId": "c-1"}
    sent = await customer.ask("send_message", command)
    shown = {"url": file["url"], "name": "দরজা.png", "type": "image/png", "size": 9}
    assert sent["attachments"] == [shown]
    assert await customer.ask("send_message", command) == sent
    ((heard, _),) = await clerk.heard("message")
    assert heard["attachments"] == [shown]
    page = (await client.get(f"/api/conversations/{conversation}/messages", CUSTOMER)).json()
    assert page["items"][0]["attachments"] == [shown]
    assert (await customer.refused("send_message", {**command, "attachments": []}))["code"] == "idempotency_key_reused"


async def test_a_file_needs_no_text_and_a_message_one_of_both(client: Client, connect: Connect) -> None:
    order = await client.place(CUSTOMER)
    conversation = (await client.post("/api/conversations", {"orderId": order["id"]}, STORE)).json()["id"]
    clerk, customer = await connect("store"), await connect("customer", "cus_1")
    sent = await customer.ask("send_message", {"conversationId": conversation, "attachments": [signed()]})
    assert (sent["text"], len(sent["attachments"])) == ("", 1)
    ((heard, _),) = await clerk.heard("message")
    assert heard["id"] == sent["id"]
    path = f"/api/conversations/{conversation}/messages"
    assert (await client.post(path, {"text": "", "attachments": [signed()]}, CUSTOMER)).status_code == 201
    for nothing in ({}, {"text": ""}, {"text": "", "attachments": []}):
        error = await customer.refused("send_message", {"conversationId": conversation, **nothing})
        assert (error["code"], error["field"]) == ("invalid_field", "text")
        problem(await client.post(path, nothing, CUSTOMER), 422, "invalid-field", "text")


@pytest.mark.parametrize(
    ("files", "field"),
    [
        ([{**signed(), "size": 8}], "attachments[0].signature"),
        ([signed(), signed(type="text/html")], "attachments[1].type"),
        ([signed(url="https://elsewhere.example.com/1.png")], "attachments[0].url"),
        ([signed()] * 6, "attachments"),
        ([{"url": "https://files.shop.example.com/1.png"}], "attachments[0].name"),
        ([signed(name="a\u202egnp.exe")], "attachments[0].name"),
        ([7], "attachments[0]"),
        ("x", "attachments"),
    ],
    ids=[str(number) for number in range(8)],
)
async def test_what_is_not_vouched_for_is_refused_by_its_field(
    client: Client, connect: Connect, files: Any, field: str
) -> None:
    order = await client.place(CUSTOMER)
    conversation = (await client.post("/api/conversations", {"orderId": order["id"]}, STORE)).json()["id"]
    customer = await connect("customer", "cus_1")
    command = {"conversationId": conversation, "text": "This door", "attachments": files}
    error = await customer.refused("send_message", command)
    assert (error["code"], error["field"]) == ("invalid_field", field)
