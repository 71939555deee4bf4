"""The demo shop: its catalogue, and one person of each role."""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple

from argon2 import PasswordHasher

from ordercast.commerce.catalogue import DEMO_CATALOGUE
from ordercast.commerce.ids import RANDOM_BYTES, new_id
from ordercast.commerce.moments import moment
from ordercast.commerce.people import Role

from . import accounts, products
from .accounts import Account
from .transaction import Transaction
from .types import Store


class DemoPerson(NamedTuple):
    email: str
    name: str
    role: Role
    id_prefix: str


DEMO_PEOPLE: Final = (
    DemoPerson("admin@example.com", "Demo Admin", Role.ADMIN, "usr"),
    DemoPerson("store@example.com", "Demo Store", Role.STORE, "usr"),
    DemoPerson("customer@example.com", "Demo Customer", Role.CUSTOMER, "cus"),
    DemoPerson("driver@example.com", "Demo Driver", Role.DRIVER, "drv"),
)


async def seed_demo(store: Store, password: str, *, now_ms: int, random_bytes: bytes) -> int:
    """Add what of the demo is missing; answers how many people were added.

    Whoever is there already keeps their password, so a second start hashes nothing. `random_bytes` are RANDOM_BYTES
    for each of DEMO_PEOPLE.
    """
    missing = await store.read(_missing)
    # Hashing is slow on purpose: it happens before the unit of work, and off the loop.
    hashed = await asyncio.to_thread(PasswordHasher().hash, password) if missing else ""
    now = moment(now_ms)

    def unit(transaction: Transaction) -> None:
        products.add(transaction, DEMO_CATALOGUE)
        for index, person in missing:
            chance = random_bytes[index * RANDOM_BYTES : (index + 1) * RANDOM_BYTES]
            account_id = new_id(person.id_prefix, now_ms, chance)
            accounts.add(transaction, Account(account_id, person.email, person.name, person.role, hashed), now)

    await store.write(unit)
    return len(missing)


def _missing(transaction: Transaction) -> list[tuple[int, DemoPerson]]:
    return [
        (index, person) for index, person in enumerate(DEMO_PEOPLE) if accounts.find(transaction, person.email) is None
    ]
