from __future__ import annotations

import asyncio
import random
from typing import Any

import msgspec
import pytest
from bson import Decimal128, ObjectId
from tests.waiting import until

from ordercast.contrib.mongodb import order_source
from ordercast.contrib.mongodb import source as source_module
from ordercast.contrib.mongodb.kept_documents import KeptDocuments
from ordercast.contrib.mongodb.reading import ForeignCollection, SnapshotBatch

from .conftest import Foreign, MirroredRow

# A driver that is interrupted while it connects leaves its socket to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

STATUSES = ["accepted", "packing", "ready", "driver_assigned", "picked_up", "out_for_delivery", "completed"]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "RETRY_S_FIRST", 0.01)
    monkeypatch.setattr(source_module, "RETRY_S_MAX", 0.05)


def order(**changes: Any) -> dict[str, Any]:
    return {
        "status": "new",
        "paymentStatus": "unpaid",
        "items": [{"name": "Rice", "price": 60.5, "quantity": 2}],
        "total": Decimal128("121.00"),
        "customer": {"name": "Asha Rahman", "email": "asha@example.com", "phone": "+8801700000000"},
        "customerId": ObjectId("65f000000000000000000001"),
        **changes,
    }


# --- From the stream --------------------------------------------------------------------------------------------------


async def test_an_order_that_is_inserted_is_told_as_placed(foreign: Foreign, mirror: MirroredRow) -> None:
    async with mirror.following() as source:
        inserted = await foreign.orders.insert_one(order())
        await until(lambda: mirror.of(inserted.inserted_id))
        assert source.state == "up"

    (placed,) = mirror.of(inserted.inserted_id)
    assert (placed.kind, placed.version, placed.actor, placed.before) == ("order.placed", 1, source.name, None)
    told = msgspec.json.decode(placed.after or b"")
    assert (told["status"], told["total"], told["currency"]) == ("pending", 12100, "BDT")
    assert told["customerId"] == "65f000000000000000000001"
    assert told["customerInfo"] == {"name": "Asha Rahman", "email": "asha@example.com", "mobile": "+8801700000000"}


async def test_quick_moves_are_told_one_by_one_each_as_it_was(foreign: Foreign, mirror: MirroredRow) -> None:
    async with mirror.following():
        id_ = (await foreign.orders.insert_one(order())).inserted_id
        for status in STATUSES:
            await foreign.orders.update_one({"_id": id_}, {"$set": {"status": status}})
        await foreign.settle(mirror)

    # packing is processing, as accepted is: nothing that anybody sees has changed.
    assert mirror.told(id_) == [
        "pending", "processing", "ready_for_delivery", "driver_assigned", "picked_up", "in_transit", "delivered",
    ]  # fmt: skip
    assert mirror.kinds(id_) == ["order.placed", *["order.status_changed"] * 6]
    assert [change.version for change in mirror.of(id_)] == list(range(1, 8))
    for earlier, later in zip(mirror.of(id_), mirror.of(id_)[1:], strict=False):
        assert later.before == earlier.after


async def test_a_payment_and_an_edit_are_told_as_what_they_are(foreign: Foreign, mirror: MirroredRow) -> None:
    async with mirror.following():
        id_ = (await foreign.orders.insert_one(order())).inserted_id
        await foreign.orders.update_one({"_id": id_}, {"$set": {"paymentStatus": "paid"}})
        await foreign.orders.update_one({"_id": id_}, {"$push": {"items": {"name": "Tea", "price": 5, "quantity": 1}}})
        await foreign.orders.update_one({"_id": id_}, {"$set": {"items.1.quantity": 3}})
        await foreign.orders.replace_one({"_id": id_}, order(status="accepted", paymentStatus="paid"))
        await foreign.orders.update_one({"_id": id_}, {"$set": {"__v": 7, "internalNote": "nothing to tell"}})
        await foreign.settle(mirror)

    assert mirror.kinds(id_) == [
        "order.placed", "order.payment_changed", "order.changed", "order.changed", "order.status_changed",
    ]  # fmt: skip
    assert [[line["quantity"] for line in lines] for lines in mirror.told(id_, "cartItems")] == [
        [2], [2], [2, 1], [2, 3], [2],
    ]  # fmt: skip
    assert mirror.told(id_, "amountPaid") == [0, 12100, 12100, 12100, 12100]


async def test_an_open_order_that_is_deleted_is_told_as_cancelled_and_an_ended_one_stays(
    foreign: Foreign, mirror: MirroredRow
) -> None:
    async with mirror.following():
        open_id = (await foreign.orders.insert_one(order())).inserted_id
        ended_id = (await foreign.orders.insert_one(order(status="completed"))).inserted_id
        await foreign.orders.delete_one({"_id": open_id})
        await foreign.orders.delete_one({"_id": ended_id})
        await foreign.settle(mirror)

    assert mirror.told(open_id) == ["pending", "cancelled"]
    assert mirror.of(open_id)[1].reason == "The order was deleted in MongoDB."
    assert mirror.told(ended_id) == ["delivered"]


async def test_an_order_that_comes_back_under_its_id_goes_on_with_its_versions(
    foreign: Foreign, mirror: MirroredRow
) -> None:
    async with mirror.following():
        id_ = (await foreign.orders.insert_one(order())).inserted_id
        await foreign.orders.delete_one({"_id": id_})
        await foreign.orders.insert_one(order(_id=id_, status="accepted"))
        await foreign.settle(mirror)

    assert mirror.told(id_) == ["pending", "cancelled", "processing"]
    assert [change.version for change in mirror.of(id_)] == [1, 2, 3]


async def test_a_transaction_that_was_rolled_back_is_never_told(foreign: Foreign, mirror: MirroredRow) -> None:
    rolled_back, committed = ObjectId(), ObjectId()
    async with mirror.following(), foreign.client.start_session() as session:
        await foreign.orders.insert_one(order(status="completed"))  # there is a collection to write to
        async with await session.start_transaction():
            await foreign.orders.insert_one(order(_id=rolled_back), session=session)
            await session.abort_transaction()
        async with await session.start_transaction():
            await foreign.orders.insert_one(order(_id=committed), session=session)
            await foreign.orders.insert_one(order(status="ready"), session=session)
        await foreign.settle(mirror)

    assert mirror.of(rolled_back) == []
    assert mirror.told(committed) == ["pending"]
    assert len(mirror.changes()) == 4


# --- What is no order -------------------------------------------------------------------------------------------------


async def test_documents_that_are_no_orders_stop_nothing(
    foreign: Foreign, mirror: MirroredRow, caplog: pytest.LogCaptureFixture
) -> None:
    async with mirror.following():
        await foreign.orders.insert_one({"_id": "counter", "seq": 7})
        await foreign.orders.insert_one({"_id": {"nested": 1}, "status": "new"})
        await foreign.orders.insert_one({"_id": "odd", "status": "new", "total": float("nan"), "items": [7, None]})
        await foreign.settle(mirror)

    assert mirror.of("counter") == []
    assert mirror.told("odd", "total") == [None]
    assert len(mirror.changes()) == 2
    assert "is not mirrored: it is no order" in caplog.text
    assert caplog.text.count("its total cannot be read") == 1


async def test_a_document_that_becomes_an_order_is_told_then(foreign: Foreign, mirror: MirroredRow) -> None:
    async with mirror.following():
        id_ = (await foreign.orders.insert_one({"note": "a draft"})).inserted_id
        await foreign.orders.update_one({"_id": id_}, {"$set": {"status": "new", "total": 3}})
        await foreign.settle(mirror)

    assert mirror.kinds(id_) == ["order.placed"]
    assert mirror.told(id_, "total") == [300]


async def test_an_id_that_another_order_has_is_left_out(foreign: Foreign, mirror: MirroredRow) -> None:
    async with mirror.following():
        await foreign.orders.insert_one({"_id": 5, "status": "new"})
        await foreign.orders.insert_one({"_id": "5", "status": "completed"})
        await foreign.settle(mirror)

    assert mirror.told(5) == ["pending"]


async def test_a_change_that_cannot_be_written_is_left_out_and_those_beside_it_are_not(
    foreign: Foreign, mirror: MirroredRow, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    taking = KeptDocuments._take

    def refuse_some(self: Any, transaction: Any, change: Any, *rest: Any) -> None:
        taking(self, transaction, change, *rest)
        if "poison" in change.key:
            raise ZeroDivisionError

    monkeypatch.setattr(KeptDocuments, "_take", refuse_some)
    async with mirror.following():
        await foreign.orders.insert_many([{"_id": name, "status": "new"} for name in ("one", "poison", "two")])
        await foreign.settle(mirror)

    assert [change.entity_id for change in mirror.changes()][:2] == ["one", "two"]
    assert mirror.of("poison") == []
    assert "cannot be applied" in caplog.text


# --- The snapshot -----------------------------------------------------------------------------------------------------


async def test_what_was_there_before_is_imported_and_no_news(foreign: Foreign, mirror: MirroredRow) -> None:
    ids = [ObjectId(), "a-text", 7]
    await foreign.orders.insert_many([order(_id=id_, status="ready") for id_ in ids])
    async with mirror.following():
        pass

    await until(lambda: len(mirror.changes()) >= len(ids))  # numbered behind the commit
    assert {change.entity_id for change in mirror.changes()} == {str(id_) for id_ in ids}
    assert {change.kind for change in mirror.changes()} == {"order.imported"}


async def test_an_empty_collection_is_followed_from_there(foreign: Foreign, mirror: MirroredRow) -> None:
    async with mirror.following():
        pass
    id_ = (await foreign.orders.insert_one(order())).inserted_id
    async with mirror.following():
        await foreign.settle(mirror)
    assert mirror.kinds(id_) == ["order.placed"]


async def test_a_snapshot_has_no_gap_while_others_write(
    foreign: Foreign, mirror: MirroredRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ordercast.contrib.mongodb.reading.SNAPSHOT_DOCUMENTS", 7)
    ids: list[Any] = [f"{number:03}" for number in range(60)]
    await foreign.orders.insert_many([order(_id=id_, total=0) for id_ in ids])
    steps = dict.fromkeys(ids, 0)
    reading = ForeignCollection.piece

    async def written_to_meanwhile(self: ForeignCollection, after_key: str | None) -> SnapshotBatch:
        """Before each piece, some orders move: read ones, those about to be read, and those to be read later."""
        for id_ in ids[::5]:
            await foreign.orders.update_one({"_id": id_}, {"$inc": {"total": 1}})
            steps[id_] += 1
        return await reading(self, after_key)

    monkeypatch.setattr(ForeignCollection, "piece", written_to_meanwhile)
    async with mirror.following():
        await foreign.settle(mirror)

    for id_, last in steps.items():
        totals = mirror.told(id_, "total")
        # From wherever the snapshot found it, each step once and in order, up to the last.
        assert totals == [100 * step for step in range(totals[0] // 100, last + 1)], id_
    assert mirror.told("000", "total")[0] < mirror.told("055", "total")[0] < 100 * steps["055"]


async def test_a_snapshot_goes_on_where_it_was_when_its_process_died(
    foreign: Foreign, mirror: MirroredRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ordercast.contrib.mongodb.reading.SNAPSHOT_DOCUMENTS", 5)
    await foreign.orders.insert_many([order(_id=f"{number:03}") for number in range(50)])
    for seen in (5, 20):
        task = asyncio.create_task(mirror.source().run())
        await until(lambda seen=seen: len(mirror.changes()) >= seen)  # type: ignore[misc]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        # Behind what was read, and before it.
        await foreign.orders.update_one({"_id": "000"}, {"$set": {"status": "accepted" if seen == 5 else "ready"}})
        await foreign.orders.update_one({"_id": "049"}, {"$set": {"status": "accepted" if seen == 5 else "ready"}})
        await foreign.orders.delete_one({"_id": "048" if seen == 5 else "001"})
    async with mirror.following():
        await foreign.settle(mirror)

    assert mirror.told("000") == ["pending", "processing", "ready_for_delivery"]
    assert mirror.told("049")[-1] == "ready_for_delivery"
    assert mirror.told("001") == ["pending", "cancelled"]
    assert mirror.of("048") == []
    assert all(len(mirror.of(f"{number:03}")) == 1 for number in range(2, 48))


# --- Each once and in order -------------------------------------------------------------------------------------------


async def test_eight_writers_at_once_are_told_each_once_and_in_order(foreign: Foreign, mirror: MirroredRow) -> None:
    async with mirror.following():
        orders = await _eight_writers(foreign, steps=25)
        await foreign.settle(mirror)
    _assert_exact(mirror, orders, steps=25)


async def test_a_source_that_dies_again_and_again_tells_each_once_and_in_order(
    foreign: Foreign, mirror: MirroredRow, chance: random.Random
) -> None:
    writing = asyncio.create_task(_eight_writers(foreign, steps=40))
    while not writing.done():
        task = asyncio.create_task(mirror.source().run())
        await asyncio.sleep(chance.uniform(0, 0.12))
        task.cancel()  # what it had given to the writer is still written, and the next one begins at once
        if chance.random() < 0.5:
            await asyncio.gather(task, return_exceptions=True)
    async with mirror.following():
        await foreign.settle(mirror)
    _assert_exact(mirror, writing.result(), steps=40)


async def test_a_connection_that_is_cut_again_and_again_loses_nothing(foreign: Foreign, mirror: MirroredRow) -> None:
    stand_in = foreign.stand_in
    async with mirror.following():
        writing = asyncio.create_task(_eight_writers(foreign, steps=40))
        for answers in range(1, 12):
            stand_in.drop_in(answers % 3 + 1)
            await asyncio.sleep(0.05)
        orders = await writing
        await foreign.settle(mirror)
    _assert_exact(mirror, orders, steps=40)


async def test_two_sources_of_one_collection_tell_nothing_twice(foreign: Foreign, mirror: MirroredRow) -> None:
    other = asyncio.create_task(mirror.source().run())
    async with mirror.following():
        orders = await _eight_writers(foreign, steps=10)
        await foreign.settle(mirror)
    other.cancel()
    await asyncio.gather(other, return_exceptions=True)
    _assert_exact(mirror, orders, steps=10)


async def _eight_writers(foreign: Foreign, steps: int) -> list[Any]:
    """Each places orders and raises their totals by one, of its own and of one that all share; gives all ids."""
    await foreign.orders.insert_one(order(_id="shared", total=0))

    async def write(number: int) -> list[Any]:
        ids = [f"{number}-{index}" for index in range(2)]
        for id_ in ids:
            await foreign.orders.insert_one(order(_id=id_, total=0))
        for _ in range(steps):
            for id_ in ids:
                await foreign.orders.update_one({"_id": id_}, {"$inc": {"total": 1}})
            await foreign.orders.update_one({"_id": "shared"}, {"$inc": {"total": 1}})
        return ids

    written = await asyncio.gather(*(write(number) for number in range(8)))
    return [id_ for ids in written for id_ in ids]


def _assert_exact(mirror: MirroredRow, orders: list[Any], steps: int) -> None:
    for id_ in orders:
        _assert_steps(mirror, id_, steps)
    _assert_steps(mirror, "shared", steps * 8)


def _assert_steps(mirror: MirroredRow, id_: Any, last: int) -> None:
    totals = mirror.told(id_, "total")
    # A snapshot that a writer overtook begins later; from there on no step may be missing.
    assert totals == [100 * step for step in range(totals[0] // 100, last + 1)], id_
    assert [change.version for change in mirror.of(id_)] == list(range(1, len(totals) + 1))


# --- When MongoDB is not there, or has forgotten ----------------------------------------------------------------------


async def test_a_server_that_was_away_is_followed_from_where_it_was(
    foreign: Foreign, mirror: MirroredRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ordercast.contrib.mongodb.reading.SELECTION_MS_MAX", 500)
    stand_in = foreign.stand_in
    async with mirror.following() as source:
        await foreign.orders.insert_one(order(_id="before"))
        await until(lambda: mirror.of("before"))
        stand_in.stop()
        await until(lambda: source.state == "connecting")
        stand_in.data.commit(lambda: stand_in.data.insert(_where(foreign), order(_id="meanwhile")))
        await stand_in.start()
        await until(lambda: mirror.of("meanwhile"))
        await until(lambda: source.state == "up")

    assert len(mirror.changes()) == 2


async def test_a_primary_that_steps_down_is_not_missed(foreign: Foreign, mirror: MirroredRow) -> None:
    async with mirror.following():
        foreign.stand_in.fail_next("getMore", 10107, "NotWritablePrimary", "ResumableChangeStreamError")
        await foreign.orders.insert_one(order(_id="one"))
        await foreign.settle(mirror)
    assert mirror.told("one") == ["pending"]


async def test_history_that_is_lost_is_told_and_made_good(
    foreign: Foreign, mirror: MirroredRow, caplog: pytest.LogCaptureFixture
) -> None:
    stand_in = foreign.stand_in
    async with mirror.following():
        await foreign.orders.insert_many([order(_id=name) for name in ("same", "moved", "gone")])
        await foreign.settle(mirror)
    await foreign.orders.update_one({"_id": "moved"}, {"$set": {"status": "accepted"}})
    await foreign.orders.update_one({"_id": "moved"}, {"$set": {"status": "ready"}})
    await foreign.orders.delete_one({"_id": "gone"})
    await foreign.orders.insert_one(order(_id="new"))
    stand_in.forget_history()
    async with mirror.following() as source:
        await foreign.settle(mirror)

    assert mirror.told("same") == ["pending"]
    assert mirror.told("moved") == ["pending", "ready_for_delivery"]
    assert mirror.told("gone") == ["pending", "cancelled"]
    assert mirror.kinds("new") == ["order.placed"]
    (resync,) = [change for change in mirror.changes() if change.kind == "feed.resync"]
    assert resync.entity_id == source.name
    assert msgspec.json.decode(resync.after or b"") == {"reason": "source_history_lost"}
    assert "history was lost" in caplog.text


async def test_an_order_that_goes_and_comes_back_while_history_is_made_good_is_not_missed(
    foreign: Foreign, mirror: MirroredRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Before whatever else is in the collection.
    async with mirror.following():
        await foreign.orders.insert_many([order(_id=name) for name in ("-a", "-b", "-c")])
        await foreign.settle(mirror)
    await foreign.orders.update_one({"_id": "-a"}, {"$set": {"status": "accepted"}})
    foreign.stand_in.forget_history()
    monkeypatch.setattr("ordercast.contrib.mongodb.reading.SNAPSHOT_DOCUMENTS", 1)
    reading, pieces = ForeignCollection.piece, 0

    async def written_to_meanwhile(self: ForeignCollection, after_key: str | None) -> SnapshotBatch:
        nonlocal pieces
        piece = await reading(self, after_key)
        pieces += 1
        if pieces == 1:  # the snapshot has seen the first, and is to come to the others
            await foreign.orders.update_one({"_id": "-b"}, {"$set": {"status": "ready"}})
            await foreign.orders.delete_one({"_id": "-b"})
            await foreign.orders.delete_one({"_id": "-a"})
        if pieces == 3:  # it is behind all of them
            await foreign.orders.insert_one(order(_id="-b", status="completed"))
        return piece

    monkeypatch.setattr(ForeignCollection, "piece", written_to_meanwhile)
    async with mirror.following():
        await foreign.settle(mirror)

    assert mirror.told("-a") == ["pending", "processing", "cancelled"]
    assert mirror.told("-b") == ["pending", "cancelled", "delivered"]
    assert mirror.told("-c") == ["pending"]


@pytest.mark.parametrize(("code", "name"), [(286, "ChangeStreamHistoryLost"), (280, "ChangeStreamFatalError")])
async def test_history_that_is_lost_under_way_is_told_too(
    foreign: Foreign, mirror: MirroredRow, code: int, name: str
) -> None:
    async with mirror.following():
        foreign.stand_in.fail_next("getMore", code, name, "NonResumableChangeStreamError")
        await until(lambda: any(change.kind == "feed.resync" for change in mirror.changes()))
        await foreign.settle(mirror)


async def test_a_place_that_cannot_be_read_any_more_is_lost(foreign: Foreign, mirror: MirroredRow) -> None:
    async with mirror.following():
        pass
    await mirror.store.write(lambda t: t.run('UPDATE source_positions SET token = \'{"v":{"_data":"00"}}\''))
    async with mirror.following():
        await foreign.settle(mirror)
    assert mirror.changes()[0].kind == "feed.resync"


async def test_a_collection_that_is_dropped_leaves_its_open_orders_cancelled(
    foreign: Foreign, mirror: MirroredRow
) -> None:
    async with mirror.following():
        await foreign.orders.insert_one(order(_id="one"))
        await until(lambda: mirror.of("one"))
        await foreign.orders.drop()
        await until(lambda: len(mirror.of("one")) == 2)
        await foreign.orders.insert_one(order(_id="two"))
        await foreign.settle(mirror)

    assert mirror.told("one") == ["pending", "cancelled"]
    assert mirror.told("two") == ["pending"]
    assert [change.kind for change in mirror.changes()].count("feed.resync") == 1


async def test_a_place_moves_on_where_nothing_happens(
    foreign: Foreign, mirror: MirroredRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "POSITION_EVERY_S", 0.1)
    async with mirror.following():
        await foreign.client.get_default_database()["others"].insert_many([{"n": number} for number in range(5)])
        await until(lambda: "getMore" in foreign.stand_in.asked)
        first = await _token(mirror)
        await foreign.client.get_default_database()["others"].insert_one({"n": 6})
        async with asyncio.timeout(60):
            while await _token(mirror) in {first, None}:  # noqa: ASYNC110 - as in `until`
                await asyncio.sleep(0.05)
    assert mirror.changes() == []


async def _token(mirror: MirroredRow) -> str | None:
    row = await mirror.store.read(lambda t: t.one("SELECT token FROM source_positions"))
    return None if row is None else row[0]


async def test_a_url_that_names_no_database_is_refused(mirror: MirroredRow) -> None:
    for url in (
        "mongodb://localhost",
        "mongodb://localhost/?replicaSet=rs0",
        "http://localhost/shop",
        "mongodb+srv://x",
    ):
        with pytest.raises(ValueError, match=r"is no URL|must name the database|must start with"):
            order_source(mirror.store, url, collection="orders", currency="BDT", now=lambda: "")  # type: ignore[arg-type, return-value]


def _where(foreign: Foreign) -> tuple[str, str]:
    return foreign.orders.database.name, foreign.orders.name
