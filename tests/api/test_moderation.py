"""The shop keeps order in conversations: it takes messages away, and keeps people from writing."""

from __future__ import annotations

from typing import Any

import pytest

from .client import CUSTOMER, STORE, Client, bearer, problem
from .stores import AnyStore


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> AnyStore:
    store: AnyStore = request.getfixturevalue(f"{request.param}_store")
    return store


async def opened(client: Client, order: dict[str, Any]) -> str:
    answer = await client.post("/api/conversations", {"orderId": order["id"]}, STORE)
    id_: str = answer.json()["id"]
    return id_


async def test_the_shop_takes_any_message_away_and_why_is_kept_with_what_it_was(client: Client) -> None:
    conversation = await opened(client, await client.place(CUSTOMER))
    path = f"/api/conversations/{conversation}/messages"
    written = (await client.post(path, {"text": "You fool"}, CUSTOMER)).json()
    url = f"{path}/{written['id']}"
    problem(await client.http.delete(url, params={"reason": "\x1b"}, headers=STORE), 422, "invalid-field", "reason")
    answer = await client.http.delete(url, params={"reason": "an insult"}, headers=STORE)
    assert (answer.status_code, answer.json()["text"]) == (200, "")
    (kept,) = (await client.get(f"{url}/history", STORE)).json()["items"]
    assert (kept["formerText"], kept["reason"], kept["actor"].partition(":")[0]) == ("You fool", "an insult", "store")
    problem(await client.get(f"{url}/history", CUSTOMER), 403, "not-permitted")
    page = (await client.get(path, CUSTOMER)).json()
    assert (page["items"][0]["text"], "insult" in str(page)) == ("", False)


async def test_whom_the_shop_blocks_writes_nowhere_is_told_why_and_reads_on(client: Client) -> None:
    first, second = [await opened(client, await client.place(CUSTOMER)) for _ in range(2)]
    path = f"/api/conversations/{first}"
    written = (await client.post(f"{path}/messages", {"text": "Hello"}, CUSTOMER)).json()
    answer = await client.http.put(f"{path}/block", json={"reason": "Threats"}, headers=STORE)
    assert (answer.status_code, answer.json()["who"]) == (200, "customer:cus_1")

    for conversation in (first, second):
        refused = await client.post(f"/api/conversations/{conversation}/messages", {"text": "Hello"}, CUSTOMER)
        assert problem(refused, 403, "blocked")["detail"].endswith(": Threats.")
    edit = await client.http.patch(f"{path}/messages/{written['id']}", json={"text": "Bye"}, headers=CUSTOMER)
    problem(edit, 403, "blocked")
    assert (await client.get(f"{path}/messages", CUSTOMER)).status_code == 200
    assert (await client.post(f"{path}/messages", {"text": "We are sorry"}, STORE)).status_code == 201
    (listed,) = (await client.get("/api/chat/blocks", STORE)).json()["items"]
    assert (listed["who"], listed["reason"]) == ("customer:cus_1", "Threats")

    for _ in range(2):
        assert (await client.http.delete(f"{path}/block", headers=STORE)).json() == {"blocked": False}
    assert (await client.post(f"{path}/messages", {"text": "Thank you"}, CUSTOMER)).status_code == 201


async def test_a_guest_is_blocked_by_what_they_ordered(client: Client) -> None:
    order, other = await client.place(), await client.place()
    paths = [f"/api/conversations/{await opened(client, each)}" for each in (order, other)]
    await client.http.put(f"{paths[0]}/block", json={"reason": "Spam."}, headers=STORE)
    guests = [bearer(each["trackingToken"]) for each in (order, other)]
    problem(await client.post(f"{paths[0]}/messages", {"text": "Hello"}, guests[0]), 403, "blocked")
    assert (await client.post(f"{paths[1]}/messages", {"text": "Hello"}, guests[1])).status_code == 201


@pytest.mark.parametrize("reason", ["", " ", "x" * 201, "a\x00b", None])
async def test_a_block_says_why(client: Client, reason: str | None) -> None:
    path = f"/api/conversations/{await opened(client, await client.place(CUSTOMER))}/block"
    problem(await client.http.put(path, json={"reason": reason}, headers=STORE), 422, "invalid-field", "reason")
