from __future__ import annotations

from functools import partial

import pytest
from argon2 import PasswordHasher

from ordercast.commerce.catalogue import DEMO_CATALOGUE
from ordercast.commerce.people import Role
from ordercast.commerce.services import DEMO_SERVICES
from ordercast.db import SqliteStore, accounts
from ordercast.db.seed import CHANCE_BYTES, DEMO_PEOPLE, seed_demo

from .shop import ask

CHANCE = bytes(range(CHANCE_BYTES))


async def seed(store: SqliteStore, password: str, *, again: bool = False) -> list[str]:
    return await seed_demo(
        store, password, mark=f"of {password}", now_ms=1_795_241_719_608, random_bytes=CHANCE, again=again
    )


async def test_the_demo_has_its_catalogue_and_its_people(store: SqliteStore) -> None:
    assert await seed(store, "a password") == [person.email for person in DEMO_PEOPLE]
    assert await ask(store, "SELECT count(*) FROM products") == [(len(DEMO_CATALOGUE),)]
    for person in DEMO_PEOPLE:
        account = await store.read(partial(accounts.find, email=person.email.upper()))
        assert account is not None
        assert (account.role, account.name) == (person.role, person.name)
        assert account.id.startswith(person.id_prefix)
        assert PasswordHasher().verify(account.password_hash, "a password")
    assert await ask(store, "SELECT email FROM customers") == [("customer@example.com",)]
    assert await ask(store, "SELECT count(*) FROM services WHERE json_array_length(carer_ids) = 2") == [
        (len(DEMO_SERVICES),)
    ]


async def test_seeding_again_hashes_nothing_and_keeps_what_is_there(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await seed(store, "first")
    await store.write(lambda transaction: transaction.run("UPDATE products SET stock = 1 WHERE slug = 'samosa'"))
    kept = await ask(store, "SELECT id, password_hash FROM accounts")
    with monkeypatch.context() as patch:
        patch.delattr("argon2.PasswordHasher.hash")
        assert len(await seed(store, "first")) == len(DEMO_PEOPLE)
    assert await ask(store, "SELECT id, password_hash FROM accounts") == kept
    assert await ask(store, "SELECT stock FROM products WHERE slug = 'samosa'") == [(1,)]


async def test_who_was_deleted_stays_away_unless_asked_for_again(store: SqliteStore) -> None:
    await seed(store, "first")
    gone = "DELETE FROM accounts WHERE email IN ('store@example.com', 'driver@example.com')"
    await store.write(lambda transaction: transaction.run(gone))
    stayed = ["admin@example.com", "customer@example.com", "carer@example.com", "nurse@example.com"]
    assert await seed(store, "first") == stayed
    assert await seed(store, "second") == stayed
    assert len(await seed(store, "second", again=True)) == len(DEMO_PEOPLE)


async def test_another_password_is_given_to_those_who_still_have_the_former(store: SqliteStore) -> None:
    await seed(store, "first")
    own = "UPDATE accounts SET password_hash = 'own' WHERE email = 'admin@example.com'"
    await store.write(lambda transaction: transaction.run(own))
    others = [person.email for person in DEMO_PEOPLE if person.role is not Role.ADMIN]
    assert await seed(store, "second") == others
    for email, password_hash in await ask(store, "SELECT email, password_hash FROM accounts"):
        if email == "admin@example.com":
            assert password_hash == "own"
        else:
            assert PasswordHasher().verify(password_hash, "second")
