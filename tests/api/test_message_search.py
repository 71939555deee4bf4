"""Search in conversations: every script, the newest first, and nothing that was deleted or erased."""

from __future__ import annotations

from typing import Any

import pytest

from ordercast.db import Transaction

from .client import CUSTOMER, STORE, Client, problem
from .stores import AnyStore


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> AnyStore:
    store: AnyStore = request.getfixturevalue(f"{request.param}_store")
    return store


async def opened(client: Client) -> str:
    order = await client.place(CUSTOMER)
    answer = await client.post("/api/conversations", {"orderId": order["id"]}, STORE)
    id_: str = answer.json()["id"]
    return id_


async def write(client: Client, conversation: str, text: str) -> dict[str, Any]:
    answer = await client.post(f"/api/conversations/{conversation}/messages", {"text": text}, CUSTOMER)
    assert answer.status_code == 201, answer.text
    written: dict[str, Any] = answer.json()
    return written


async def found(client: Client, q: str, **more: Any) -> list[str]:
    answer = await client.http.get("/api/messages", params={"q": q, **more}, headers=STORE)
    assert answer.status_code == 200, answer.text
    return [each["text"] for each in answer.json()["items"]]


TEXTS = [
    "The bell is broken; ring 0171-555 or knock",
    "Bring the broken JAR back",
    "অর্ডারটা কখন আসবে? ক্রেতা অপেক্ষা করছেন",
    "কেমন আছেন",
    "La crème brûlée, s'il vous plaît",
    "注文はいつ届きますか",
    '100% "sure" (not) a:b - c* AND OR NOT NEAR ^x {y}',
]


async def test_words_of_every_script_are_found_whole_or_as_a_beginning(client: Client) -> None:
    conversation = await opened(client)
    for text in TEXTS:
        await write(client, conversation, text)
    for q, numbers in {
        "broken": [1, 0], "BROKEN": [1, 0], "broken bell": [0], "bell broken": [0], "bro": [1, 0], "ell": [],
        "jar bro": [1], "কেমন": [3], "কেম": [3], "মন": [], "অর্ডারটা": [2], "ক্রে": [2], "আছেন কেমন": [3],
        "crème": [4], "brûl": [4], "plaît": [4], "注文はいつ届きますか": [5], "sure": [6], "100": [6],
        "broken 注文": [],
    }.items():  # fmt: skip
        assert await found(client, q) == [TEXTS[number] for number in numbers], q


async def test_nothing_that_is_asked_breaks_the_question(client: Client) -> None:
    conversation = await opened(client)
    for text in TEXTS:
        await write(client, conversation, text)
    for q in (
        '""', "''", "a\\", "\\'", "'x':*", "!!", "& |", "x & !y", "<->", "(((", "a:b", "NEAR(a b)", "AND", "sure AND",
        "^x",
        "{y}", "- c*", "* *", "%%", "__", ";--", "'; DROP TABLE messages", "x" * 200,
        " ".join("abcdefghijklmn"),
    ):  # fmt: skip
        await found(client, q)
    assert await found(client, "..") == []
    assert await found(client, "AND OR NOT") == [TEXTS[6]]


async def test_a_page_goes_on_where_the_one_before_ended_and_a_conversation_can_be_named(client: Client) -> None:
    first, second = await opened(client), await opened(client)
    for number in range(7):
        await write(client, second if number == 3 else first, f"word{number} parcel")
    texts: list[str] = []
    cursor = ""
    while True:
        params: dict[str, Any] = {"q": "parcel", "limit": 3, "cursor": cursor}
        page = (await client.http.get("/api/messages", params=params, headers=STORE)).json()
        texts += [each["text"] for each in page["items"]]
        if page["nextCursor"] is None:
            break
        cursor = page["nextCursor"]
    assert texts == [f"word{number} parcel" for number in reversed(range(7))]
    assert await found(client, "parcel", conversationId=second) == ["word3 parcel"]
    assert await found(client, "parcel", conversationId="cnv_nothing") == []


async def test_what_another_program_writes_changes_or_deletes_is_found_as_it_is(
    client: Client, store: AnyStore
) -> None:
    conversation = await opened(client)
    written = await write(client, conversation, "a yellow box")
    values = {"id": written["id"], "conversation": conversation}

    def other_program(*statements: str) -> Any:
        def unit(transaction: Transaction) -> None:
            for statement in statements:
                names = {name for name in values if f":{name}" in statement}
                transaction.run(statement, **{name: values[name] for name in names})

        return store.write(unit)

    await other_program(
        "INSERT INTO messages (conversation_id, text) VALUES (:conversation, 'a yellow van')",
        "UPDATE messages SET text = 'a green box' WHERE id = :id",
    )
    assert await found(client, "yellow") == ["a yellow van"]
    assert await found(client, "green") == ["a green box"]
    await other_program("UPDATE messages SET text = '', deleted_at = created_at WHERE id = :id")
    assert await found(client, "green") == await found(client, "box") == []


async def test_whoever_is_erased_is_found_no_more(client: Client, store: AnyStore) -> None:
    await write(client, await opened(client), "my secret wish")
    assert await found(client, "secret") == ["my secret wish"]
    erase = "UPDATE messages SET text = '[erased]', actor = 'customer:erased', sender = 'customer:erased'"
    await store.write(lambda transaction: transaction.run(erase))
    assert await found(client, "secret") == await found(client, "erased") == []


@pytest.mark.parametrize("q", [None, "", "a", " a ", "x" * 201])
async def test_a_query_that_is_none_is_named(client: Client, q: str | None) -> None:
    answer = await client.http.get("/api/messages", params={} if q is None else {"q": q}, headers=STORE)
    problem(answer, 422, "invalid-field", "q")
