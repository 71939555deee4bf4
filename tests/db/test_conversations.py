"""Conversations as any program finds them: positions without a gap, receipts that never go back, unread that counts."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec
import pytest

from ordercast.commerce.conversations import Subject
from ordercast.commerce.people import Actor, Role
from ordercast.db import StoreError, Transaction
from ordercast.db import conversations as units
from ordercast.db.conversations import messages as writing
from ordercast.db.conversations.messages import NewMessage
from tests.chance import chance_of
from tests.waiting import until

from .programs import Program
from .shop import STORE, ask, now
from .shops import AnyStore, PostgresqlShop, ShopDatabase

T = TypeVar("T")
ASHA = Actor(Role.CUSTOMER, "cus_1")


@pytest.fixture
def shop(program: Program) -> Iterator[Program]:
    with program.rolled_back():
        program.do("INSERT INTO orders (id, customer_id) VALUES ('ord_1', 'cus_1')")
        program.do("INSERT INTO conversations (id, about, subject_id) VALUES ('cnv_1', 'order', 'ord_1')")
        yield program


def write(shop: Program, text: str, participant: str = "store") -> None:
    values = ["cnv_1", participant, text]
    shop.do("INSERT INTO messages (conversation_id, participant, text) VALUES (?, ?, ?)", values)


def receipts(shop: Program) -> dict[str, tuple[int, int]]:
    rows = shop.do("SELECT participant, seen, unread FROM conversation_participants WHERE whose IS NOT NULL")
    return {participant: (seen, unread) for participant, seen, unread in rows}


def told(shop: Program, kind: str) -> list[dict[str, object]]:
    return [msgspec.json.decode(row[-1]) for row in shop.feed() if row[0] == kind]


# --- Another program --------------------------------------------------------------------------------------------------


def test_what_another_program_writes_gets_the_next_position_and_is_told(shop: Program) -> None:
    for number, participant in enumerate(("customer", "store", "store"), 1):
        write(shop, f"text {number}", participant)
    assert shop.do("SELECT position, text FROM messages ORDER BY position") == [
        (1, "text 1"), (2, "text 2"), (3, "text 3"),
    ]  # fmt: skip
    assert shop.do("SELECT last_position FROM conversations") == [(3,)]
    last = told(shop, "message.sent")[-1]
    assert (last["position"], last["sender"], last["customerId"]) == (3, shop.actor, "cus_1")


def test_a_position_that_is_not_the_next_is_refused_and_none_is_changed(shop: Program) -> None:
    insert = "INSERT INTO messages (conversation_id, position, text) VALUES ('cnv_1', ?, 'x')"
    shop.do(insert, [1])
    for position in (1, 3, 99):
        with shop.refused("message_position|UNIQUE|unique"):
            shop.do(insert, [position])
    for change in ("position = 7", "participant = 'customer'", "sender = 'store:usr_9'", "id = 'other'"):
        with shop.refused("message_position"):
            shop.do(f"UPDATE messages SET {change}")
    for change in ("last_position = 0", "last_position = 9", "subject_id = 'ord_2'"):
        with shop.refused("message_position|stays about"):
            shop.do(f"UPDATE conversations SET {change}")
    for table in ("messages", "conversations", "conversation_participants"):
        with shop.refused("never"):
            shop.do(f"DELETE FROM {table}")


def test_a_message_that_says_nothing_is_refused(shop: Program) -> None:
    shop.do(
        "INSERT INTO messages (conversation_id, attachments) VALUES ('cnv_1', '[{\"url\": \"https://x.test/1.png\"}]')"
    )
    for change in (
        "INSERT INTO messages (conversation_id, text) VALUES ('cnv_1', '')",
        "UPDATE messages SET attachments = '[]'",
    ):
        with shop.refused("message_says"):
            shop.do(change)


def test_nobody_writes_as_who_takes_no_part_or_about_what_is_not_there(shop: Program) -> None:
    with shop.refused("message_participant"):
        write(shop, "Hello", "driver:drv_1")
    with shop.refused("conversation_subject"):
        shop.do("INSERT INTO conversations (about, subject_id) VALUES ('order', 'ord_none')")
    with shop.refused("UNIQUE|unique"):
        shop.do("INSERT INTO conversations (about, subject_id) VALUES ('order', 'ord_1')")


def test_unread_is_what_a_count_gives_whatever_is_written_and_read(
    shop: Program, request: pytest.FixtureRequest
) -> None:
    chance: random.Random = chance_of(request.node.name)
    for _ in range(60):
        participant = chance.choice(("store", "customer"))
        if chance.random() < 0.6:
            write(shop, "x", participant)
        else:
            ((last, seen),) = shop.do(
                "SELECT c.last_position, p.seen FROM conversations c JOIN conversation_participants p"
                " ON p.conversation_id = c.id WHERE p.participant = ?", [participant],
            )  # fmt: skip
            shop.do(
                "UPDATE conversation_participants SET seen = ? WHERE participant = ?",
                [chance.randint(seen, last), participant],
            )
        counted = shop.do(
            "SELECT p.participant, p.seen, (SELECT count(*) FROM messages m WHERE m.conversation_id = p.conversation_id"
            " AND m.position > p.seen AND m.participant <> p.participant) FROM conversation_participants p"
        )
        assert receipts(shop) == {name: (seen, unread) for name, seen, unread in counted}


def test_a_receipt_never_goes_back_nor_ahead_of_what_was_written(shop: Program) -> None:
    for _ in range(3):
        write(shop, "x")
    shop.do("UPDATE conversation_participants SET seen = 2, delivered = 3 WHERE participant = 'customer'")
    for change in ("seen = 1", "delivered = 2", "seen = 4", "delivered = 4"):
        with shop.refused("receipts_"):
            shop.do(f"UPDATE conversation_participants SET {change} WHERE participant = 'customer'")
    assert receipts(shop)["customer"] == (2, 1)
    (seen,) = told(shop, "conversation.seen")
    assert (seen["participant"], seen["seen"], seen["delivered"], seen["unread"]) == ("customer", 2, 3, 1)


def test_a_driver_takes_part_while_they_have_the_order_and_finds_what_they_have_read(shop: Program) -> None:
    def moved(status: str, driver: str | None) -> None:
        shop.do("UPDATE orders SET status = ?, driver_id = ?", [status, driver])

    for status in ("processing", "ready_for_delivery"):
        moved(status, None)
    write(shop, "one")
    moved("driver_assigned", "drv_1")
    assert receipts(shop)["driver:drv_1"] == (0, 1)
    shop.do("UPDATE conversation_participants SET seen = 1 WHERE participant = 'driver:drv_1'")
    moved("ready_for_delivery", None)
    assert "driver:drv_1" not in receipts(shop)
    moved("driver_assigned", "drv_2")
    write(shop, "two", "driver:drv_2")
    assert (receipts(shop)["driver:drv_2"], shop.do("SELECT assignee_id FROM conversations")) == ((0, 1), [("drv_2",)])
    moved("ready_for_delivery", None)
    moved("driver_assigned", "drv_1")
    assert receipts(shop)["driver:drv_1"] == (1, 1)
    for status in ("picked_up", "in_transit", "delivered"):
        moved(status, "drv_1")
    assert receipts(shop).keys() == {"store", "customer"}
    assert told(shop, "conversation.changed")[-1]["assigneeId"] is None


def test_an_order_that_a_guest_placed_is_talked_of_by_the_customer_who_claims_it(shop: Program) -> None:
    shop.do("UPDATE orders SET customer_id = 'cus_2'")
    whose = "SELECT whose FROM conversation_participants WHERE participant = 'customer'"
    assert (shop.do(whose), shop.do("SELECT customer_id FROM conversations")) == ([("customer:cus_2",)], [("cus_2",)])


def test_what_a_message_was_is_kept_when_it_is_changed_and_nobody_changes_that(shop: Program) -> None:
    write(shop, "one")
    shop.do("UPDATE messages SET text = 'two'")
    shop.do("UPDATE messages SET text = '', deleted_at = '2026-01-01T00:00:00.000Z'")
    history = "SELECT version, former_text, actor FROM message_history ORDER BY entry"
    assert shop.do(history) == [(1, "one", shop.actor), (2, "two", shop.actor)]
    changed = told(shop, "message.changed")
    assert [(each["version"], each["text"], each["position"]) for each in changed] == [(2, "two", 1), (3, "", 1)]
    for deed in ("UPDATE message_history SET former_text = 'x'", "DELETE FROM message_history"):
        with shop.refused("only ever added to"):
            shop.do(deed)


# --- Two nodes --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def conversation(database: ShopDatabase) -> str:
    database.execute("INSERT INTO products (id, slug, name, price, stock) VALUES ('prd_1', 'tea', 'Tea', 1, 9)")
    database.execute("INSERT INTO orders (id, customer_id) VALUES ('ord_1', 'cus_1')")
    database.execute("INSERT INTO conversations (id, about, subject_id) VALUES ('cnv_1', 'order', 'ord_1')")
    return "cnv_1"


async def started(database: ShopDatabase) -> list[AnyStore]:
    """Two nodes; of a shop on SQLite there is one."""
    nodes = [database.store() for _ in range(2 if isinstance(database, PostgresqlShop) else 1)]
    for node in nodes:
        await node.start()
    return [nodes[0], nodes[-1]]


async def committed(store: AnyStore, unit: Callable[[Transaction], T]) -> T:
    """What a unit of work gives, tried again while the store says to come back, as a client does."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await store.write(unit)
            except StoreError:
                await asyncio.sleep(0.01)


async def send(store: AnyStore, conversation: str, name: str, *, client_id: str | None = None) -> int:
    def unit(transaction: Transaction) -> int:
        found = units.find(transaction, conversation, for_update=True)
        assert found is not None
        new = NewMessage(f"msg_{name}", conversation, "customer", str(ASHA), "x", client_id)
        return writing.send(transaction, found, new, actor=ASHA, now=now()).message.position

    return await committed(store, unit)


async def test_two_nodes_and_another_program_write_in_one_order_without_a_gap(
    database: ShopDatabase, conversation: str
) -> None:
    nodes = await started(database)

    async def outside() -> None:
        for _ in range(5):
            insert = f"INSERT INTO messages (conversation_id, text) VALUES ('{conversation}', 'from outside')"
            await asyncio.to_thread(database.execute, insert)

    positions, _ = await asyncio.gather(
        asyncio.gather(*(send(nodes[n % 2], conversation, str(n), client_id=str(n)) for n in range(40))), outside()
    )
    again = await asyncio.gather(
        *(send(nodes[n % 2], conversation, f"again_{n}", client_id=str(n // 2)) for n in range(80))
    )
    assert again == [positions[n // 2] for n in range(80)]
    rows = await ask(nodes[0], "SELECT position, text FROM messages ORDER BY position")
    assert [position for position, _ in rows] == list(range(1, 46))
    assert len({*positions}) == 40
    unread = "SELECT participant, unread FROM conversation_participants ORDER BY participant"
    assert await ask(nodes[1], unread) == [("customer", 5), ("store", 40)]
    for node in {*nodes}:
        await node.close()


async def test_a_conversation_is_opened_once_whoever_asks_for_it(database: ShopDatabase) -> None:
    nodes = await started(database)
    await asyncio.to_thread(database.execute, "INSERT INTO orders (id, customer_id) VALUES ('ord_1', 'cus_1')")

    async def opened(number: int) -> str:
        def unit(transaction: Transaction) -> str:
            name = f"cnv_{number}"
            return units.open_(transaction, name, Subject.ORDER, "ord_1", actor=STORE, now=now()).id

        return await committed(nodes[number % 2], unit)

    assert len({*await asyncio.gather(*(opened(number) for number in range(16)))}) == 1
    for node in {*nodes}:
        await node.close()


async def test_a_conversation_that_is_opened_while_its_driver_changes_has_the_driver_that_there_is_then(
    database: ShopDatabase,
) -> None:
    database.execute("INSERT INTO orders (id, customer_id) VALUES ('ord_1', 'cus_1')")
    for status in ("processing", "ready_for_delivery"):
        database.execute(f"UPDATE orders SET status = '{status}'")
    database.execute("UPDATE orders SET status = 'driver_assigned', driver_id = 'drv_1'")
    other = database.connect()
    cursor = other.cursor()
    cursor.execute("UPDATE orders SET status = 'ready_for_delivery', driver_id = NULL")

    opening = asyncio.create_task(
        asyncio.to_thread(
            database.execute, "INSERT INTO conversations (id, about, subject_id) VALUES ('cnv_1', 'order', 'ord_1')"
        )
    )
    if isinstance(database, PostgresqlShop):
        await until(lambda: database.ask("SELECT 1 FROM pg_locks WHERE NOT granted"))
    other.commit()
    await opening
    cursor.execute("SELECT assignee_id, customer_id FROM conversations")
    assert cursor.fetchall() == [(None, "cus_1")]
    other.close()
