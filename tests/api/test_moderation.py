"""The shop keeps order in conversations: it takes messages away, and keeps people from writing."""

from __future__ import annotations

from typing import Any

import pytest

from .client import CUSTOMER, STORE, Client, problem
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
