"""Reading everything covers what could be seen, and nothing else, on both databases."""

from __future__ import annotations

from contextlib import closing

from ordercast.db import notifications
from ordercast.db.notifications import Page, Unread

from .shop import now
from .shops import AnyStore, PostgresqlShop, ShopDatabase

ADD = "INSERT INTO notifications (recipient, kind, data) VALUES ('store', 'assigned', '{\"number\":7}')"
SHOP = ("store", "usr_1")


async def page(store: AnyStore, *, unread_only: bool = False) -> Page:
    return await store.read(
        lambda t: notifications.page(t, SHOP, "usr_1", unread_only=unread_only, before=None, limit=10)
    )


async def read_all(store: AnyStore) -> None:
    assert await store.write(lambda t: notifications.mark_read(t, SHOP, "usr_1", None, now())) == Unread(0)


async def test_a_mark_covers_all_that_was_there_and_nothing_that_comes_later(database: ShopDatabase) -> None:
    store = database.store()
    await store.start()
    database.execute(ADD, ADD)
    assert (await page(store)).unread == Unread(2)
    await read_all(store)
    assert await page(store, unread_only=True) == Page([], None, Unread(0))
    database.execute(ADD)
    unread = await page(store, unread_only=True)
    assert (len(unread.items), unread.unread) == (1, Unread(1))
    assert [item.read_at is None for item in (await page(store)).items] == [True, False, False]
    await store.write(lambda t: notifications.mark_read(t, SHOP, "usr_1", [unread.items[0].id], now()))
    assert (await page(store)).unread == Unread(0)
    await store.close()


async def test_what_was_not_committed_when_everything_was_read_is_unread(postgresql: PostgresqlShop) -> None:
    store = postgresql.store()
    await store.start()
    with closing(postgresql.connect()) as early, closing(postgresql.connect()) as later:
        early.execute(ADD.encode())
        postgresql.execute(ADD)
        later.execute(ADD.encode())
        postgresql.execute(ADD)
        await read_all(store)
        early.commit()
        late = await page(store, unread_only=True)
        assert (len(late.items), late.unread) == (1, Unread(1))
        assert [item.read_at is None for item in (await page(store)).items] == [False, False, True]
        await store.write(lambda t: notifications.mark_read(t, SHOP, "usr_1", [late.items[0].id], now()))
        assert (await page(store)).unread == Unread(0)
        await read_all(store)  # while the other one is still at it
        later.commit()
        assert (await page(store)).unread == Unread(1)
        await read_all(store)
        assert (await page(store)).unread == Unread(0)
        assert all(item.read_at is not None for item in (await page(store)).items)
    await store.close()


def test_who_has_an_entry_has_a_transaction_number(postgresql: PostgresqlShop) -> None:
    # The entry is drawn behind it, so who drew a lower entry than one that is seen is known to be at work.
    plan = postgresql.ask(f"EXPLAIN (VERBOSE) {ADD}")
    output = next(line for (line,) in plan if "Output:" in line)
    assert output.index("pg_current_xact_id") < output.index("nextval")


async def test_what_old_and_read_is_forgotten_and_the_marks_below_it(database: ShopDatabase) -> None:
    store = database.store()
    await store.start()
    old = "UPDATE notifications SET created_at = '2020-01-01T00:00:00.000Z'"
    for _ in range(2):
        database.execute(ADD)
        await read_all(store)
    database.execute(old, ADD)
    await store.write(lambda t: notifications.forget_old(t, 30, now()))
    assert len((await page(store)).items) == 1
    await read_all(store)
    assert await store.read(lambda t: t.all("SELECT count(*) FROM notification_marks")) == [(1,)]
    await store.close()
