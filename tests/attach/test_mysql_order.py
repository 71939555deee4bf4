"""The feed's promises on attached tables of MariaDB: all that is committed, once, each row in its order."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from ordercast import attach
from ordercast.attach.mysql.outbox import MysqlOutbox
from ordercast.attach.outbox_relay import BATCH_ROWS
from tests.mariadb import Mariadb
from tests.waiting import until

from .mysql_shop import MysqlShop, run
from .test_postgresql import emit

WRITERS = 8
TRANSACTIONS = 25
ROWS = 12


@pytest.fixture
async def shop(mariadb_server: Mariadb, tmp_path: Path) -> AsyncIterator[MysqlShop]:
    shop = MysqlShop(mariadb_server, tmp_path)
    await shop.store.start()
    yield shop
    await shop.store.close()
    shop.close()


def write(shop: MysqlShop, number: int, chance: random.Random) -> int:
    """Count some rows up, one after another so that nobody waits in a circle, and take some of it back.

    They are there already: those who insert into one gap of an index wait for each other in circles by themselves.
    """
    rolled_back = 0
    with shop.server.connect(shop.name, autocommit=False) as connection:
        for _ in range(TRANSACTIONS):
            for row in sorted(chance.sample(range(ROWS), chance.randint(1, 3))):
                run(connection, "UPDATE counted SET n = n + 1 WHERE a = %s", f"row {row:02}")
                if chance.random() < 0.2:
                    run(connection, "DO SLEEP(0.002)")
            if chance.random() < 0.3:
                connection.rollback()
                rolled_back += 1
            else:
                connection.commit()
    return rolled_back


async def test_every_commit_is_told_once_in_the_order_of_its_row(shop: MysqlShop, chance: random.Random) -> None:
    shop.do("CREATE TABLE counted (a VARCHAR(9) PRIMARY KEY, b CHAR(36), n INT, UNIQUE (b, a))")
    shop.do(f"INSERT INTO counted SELECT CONCAT('row ', LPAD(seq, 2, '0')), UUID(), 0 FROM seq_0_to_{ROWS - 1}")
    shop.apply(emit("counted", '["insert", "update"]', rest='payload = ["{a}", "{b}", "{n}"]'))
    async with shop.relayed():
        writers = [asyncio.to_thread(write, shop, n, random.Random(chance.random())) for n in range(WRITERS)]
        rolled_back = sum(await asyncio.gather(*writers))
        committed = {str(a): int(n) for a, n in shop.do("SELECT a, n FROM counted WHERE n > 0")}
        events = await shop.told(sum(committed.values()))
    told: dict[str, list[int]] = defaultdict(list)
    for ((a, _, n),) in (event["args"] for event in events):
        told[a].append(n)
    assert told == {a: list(range(1, n + 1)) for a, n in committed.items()}
    assert rolled_back > 0


async def test_who_commits_late_is_told_and_holds_nobody_up(shop: MysqlShop) -> None:
    shop.apply(emit("orders", rest='payload = "{id}"'))
    with shop.server.connect(shop.name, autocommit=False) as late:
        run(late, "INSERT INTO orders (id, customer_id) VALUES (1, 'c1')")
        shop.do("INSERT INTO orders (id, customer_id) VALUES (2, 'c1'), (3, 'c1')")
        async with shop.relayed():
            assert [event["args"] for event in await shop.told(2)] == [[2], [3]]
            late.commit()
            assert [event["args"] for event in await shop.told(3)] == [[2], [3], [1]]


async def test_a_bulk_of_20_000_rows_is_told_in_batches(shop: MysqlShop) -> None:
    shop.apply(emit("orders", '"update"', rest='payload = "{id}"'))
    shop.do("INSERT INTO orders (customer_id) SELECT 'c1' FROM seq_1_to_20000")
    shop.do("UPDATE orders SET status = 'shipped'")
    async with shop.relayed():
        events = await shop.told(20_000)
    assert [event["args"][0] for event in events] == [id_ for (id_,) in shop.do("SELECT id FROM orders ORDER BY id")]


class Cut(Exception):
    """The process ends here."""


class CutOutbox(MysqlOutbox):
    """Told, and then the process dies before the rows are deleted."""

    errors: tuple[type[Exception], ...] = (Cut,)
    cuts = 0

    def delete(self, ids: Sequence[int]) -> None:
        del ids
        self.cuts += 1
        raise Cut


async def test_rows_are_told_once_though_others_committed_before_them_since_a_crash(shop: MysqlShop) -> None:
    shop.apply(emit("orders", rest='payload = "{id}"'))
    outbox = CutOutbox(shop.url, attach.read(shop.mapping_path))
    with shop.server.connect(shop.name, autocommit=False) as late:
        run(late, f"INSERT INTO orders (id, customer_id) SELECT seq, 'c1' FROM seq_1_to_{BATCH_ROWS + 1}")
        shop.do("INSERT INTO orders (id, customer_id) VALUES (1001, 'c1'), (1002, 'c1')")
        async with shop.relayed(outbox):
            await until(lambda: outbox.cuts)
        late.commit()
    assert shop.waiting() == BATCH_ROWS + 3
    async with shop.relayed():
        events = await shop.told(BATCH_ROWS + 3)
    assert [event["args"][0] for event in events] == [1001, 1002, *range(1, BATCH_ROWS + 2)]


async def test_an_outbox_that_counts_from_one_again_is_told(shop: MysqlShop) -> None:
    text = emit("orders", rest='payload = "{id}"')
    for number in (1, 2):
        shop.apply(text)
        shop.do("INSERT INTO orders (id, customer_id) VALUES (%s, 'c1')", number)
        async with shop.relayed():
            assert [event["args"] for event in await shop.told(number)] == [[n + 1] for n in range(number)]
        with shop.attaching() as attaching:
            attaching.detach(with_schema=True)
