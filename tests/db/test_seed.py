from __future__ import annotations

import time
from functools import partial

from argon2 import PasswordHasher

from ordercast.commerce.catalogue import DEMO_CATALOGUE
from ordercast.db import SqliteStore, accounts
from ordercast.db.seed import DEMO_PEOPLE, seed_demo

from .shop import ask

CHANCE = bytes(range(40))


async def test_the_demo_has_its_catalogue_and_its_people(store: SqliteStore) -> None:
    assert await seed_demo(store, "a password", now_ms=1_795_241_719_608, random_bytes=CHANCE) == 4
    assert await ask(store, "SELECT count(*) FROM products") == [(len(DEMO_CATALOGUE),)]
    for person in DEMO_PEOPLE:
        account = await store.read(partial(accounts.find, email=person.email.upper()))
        assert account is not None
        assert (account.role, account.name) == (person.role, person.name)
        assert account.id.startswith(person.id_prefix)
        assert PasswordHasher().verify(account.password_hash, "a password")
    assert await ask(store, "SELECT email, registered FROM customers") == [("customer@example.com", 1)]


async def test_seeding_again_hashes_nothing_and_keeps_what_is_there(store: SqliteStore) -> None:
    await seed_demo(store, "first", now_ms=0, random_bytes=CHANCE)
    await store.write(lambda transaction: transaction.run("UPDATE products SET stock = 1 WHERE slug = 'samosa'"))
    kept = await ask(store, "SELECT id, password_hash FROM accounts")
    began = time.process_time()
    assert await seed_demo(store, "second", now_ms=1, random_bytes=CHANCE) == 0
    assert time.process_time() - began < 0.05
    assert await ask(store, "SELECT id, password_hash FROM accounts") == kept
    assert await ask(store, "SELECT stock FROM products WHERE slug = 'samosa'") == [(1,)]
