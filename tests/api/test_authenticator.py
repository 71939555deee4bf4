from __future__ import annotations

import asyncio
import time

import pytest

from ordercast.api import Authenticator, TokenRefused, issue_token
from ordercast.api.auth import NOBODY
from ordercast.commerce.people import Role
from ordercast.commerce.timestamps import Timestamp, timestamp
from ordercast.commerce.tracking import TRACKED_AFTER_END_S
from ordercast.db import SqliteStore, access

from .client import SECRET, Client, token
from .endings import bring


@pytest.fixture
def authenticator(store: SqliteStore) -> Authenticator:
    return Authenticator(SECRET, store)


async def revoke(store: SqliteStore, name: str, since: Timestamp | None = None) -> None:
    at = since or timestamp(time.time_ns() // 1_000_000)
    await store.write(lambda t: access.revoke(t, name, since=at, until=None, actor=None, reason=None))


async def refusal(authenticator: Authenticator, token: str) -> str:
    with pytest.raises(TokenRefused) as caught:
        await authenticator.identify(token)
    assert caught.value.message.endswith(".")
    return caught.value.code


async def test_people_orders_and_nobody_are_known(authenticator: Authenticator, client: Client) -> None:
    order = await client.place()
    assert await authenticator.identify(None) == NOBODY
    assert await authenticator.identify("") == NOBODY
    guest = await authenticator.identify(order["trackingToken"])
    assert (guest.actor.role, guest.order_id, guest.expires_at) == (Role.GUEST, order["id"], None)
    person = await authenticator.identify(issue_token(SECRET, "customer", "cus_1", 60))
    assert (person.actor.role, person.actor.id, person.order_id) == (Role.CUSTOMER, "cus_1", None)
    assert person.expires_at is not None


@pytest.mark.parametrize(
    ("wrong", "code"),
    [("trk_" + "0" * 32, "token_invalid"), ("trk_é", "token_malformed"), ("trk_" + "0" * 5000, "token_malformed")],
    ids=["unknown", "not-ascii", "endless"],
)
async def test_a_wrong_tracking_token_is_refused(authenticator: Authenticator, wrong: str, code: str) -> None:
    assert await refusal(authenticator, wrong) == code


@pytest.mark.parametrize("status", ["delivered", "cancelled", "rejected", "expired", "returned"])
async def test_a_tracking_token_expires_two_days_after_its_orders_end(
    authenticator: Authenticator, client: Client, store: SqliteStore, status: str
) -> None:
    order = await client.place()
    await bring(store, order["id"], status)
    ended = await authenticator.identify(order["trackingToken"])
    assert ended.expires_at is not None
    assert 0 <= ended.expires_at - time.time() - TRACKED_AFTER_END_S + 10 <= 20

    # What is corrected afterwards is not another end.
    await store.write(lambda t: t.run("UPDATE orders SET customer_name = 'Asha' WHERE id = :id", id=order["id"]))
    assert await authenticator.identify(order["trackingToken"]) == ended


async def test_a_tracking_token_that_has_expired_is_refused(
    authenticator: Authenticator, client: Client, store: SqliteStore
) -> None:
    order = await client.place()
    await bring(store, order["id"], "delivered", seconds_ago=TRACKED_AFTER_END_S + 1)
    assert await refusal(authenticator, order["trackingToken"]) == "token_expired"


async def test_a_revoked_token_is_refused_and_others_of_the_person_are_not(
    authenticator: Authenticator, store: SqliteStore
) -> None:
    one, other = token("store"), token("store")
    (name,) = (await authenticator.identify(one)).names
    authenticator = Authenticator(SECRET, store)
    await revoke(store, name)
    assert await refusal(authenticator, one) == "token_revoked"
    await authenticator.identify(other)


async def test_a_revoked_person_is_refused_until_a_newer_token(
    authenticator: Authenticator, store: SqliteStore
) -> None:
    former = token("store")
    await revoke(store, "usr_1", timestamp(time.time_ns() // 1_000_000 + 1))
    assert await refusal(authenticator, former) == "token_revoked"
    await asyncio.sleep(0.01)
    assert (await authenticator.identify(token("store"))).actor.id == "usr_1"


async def test_a_tracking_token_can_be_revoked_by_its_orders_id(
    authenticator: Authenticator, client: Client, store: SqliteStore
) -> None:
    order = await client.place()
    await revoke(store, order["id"])
    assert await refusal(authenticator, order["trackingToken"]) == "token_revoked"


async def test_what_the_feed_tells_is_refused_from_then_on(authenticator: Authenticator, store: SqliteStore) -> None:
    mine = token("store")
    await authenticator.identify(mine)
    await revoke(store, "usr_1")
    (change,) = store.changes(0, 10)
    assert (change.kind, change.entity_id) == ("access.revoked", "usr_1")
    authenticator.on_revoked(change)
    assert await refusal(authenticator, mine) == "token_revoked"


async def test_a_revocation_is_forgotten_when_its_tokens_have_expired(
    authenticator: Authenticator, store: SqliteStore
) -> None:
    now_ms = time.time_ns() // 1_000_000
    now, until = timestamp(now_ms), timestamp(now_ms + 1000)
    await store.write(lambda t: access.revoke(t, "usr_2", since=now, until=until, actor=None, reason=None))
    await store.write(lambda t: access.revoke(t, "usr_3", since=now, until=None, actor=None, reason=None))
    await authenticator.identify(token("store"))
    assert repr(authenticator) == "<Authenticator <RevocationList 2 names>>"
    authenticator.revocations.forget(now_ms + 2000)
    assert repr(authenticator) == "<Authenticator <RevocationList 1 names>>"
    await store.prune(feed_rows_max=100, sessions_age_s_max=60, now=timestamp(now_ms + 2000))
    assert [row.name for row in await store.read(access.revoked)] == ["usr_3"]
