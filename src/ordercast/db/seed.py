"""Seeds the demo shop: its catalogue, and one person of each role."""

from __future__ import annotations

import asyncio
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from ordercast.commerce.catalogue import DEMO_CATALOGUE
from ordercast.commerce.ids import RANDOM_BYTES, new_id
from ordercast.commerce.people import Actor, Role
from ordercast.commerce.services import DEMO_HOURS, DEMO_SERVICES
from ordercast.commerce.timestamps import Timestamp, timestamp

from . import accounts, carers, meta, products, services
from .accounts import Account
from .transaction import UNREADABLE, Transaction
from .types import Store

_META: Final = "demo"


_SEEDER: Final = Actor(Role.SERVICE, "demo")


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
    DemoPerson("carer@example.com", "Demo Carer", Role.CARER, "car"),
    DemoPerson("nurse@example.com", "Demo Nurse", Role.CARER, "car"),
)

CHANCE_BYTES: Final = RANDOM_BYTES * len(DEMO_PEOPLE)
"""Source of their ids."""

_PLACES: Final = {person.email: place for place, person in enumerate(DEMO_PEOPLE)}


class _Seeded(Struct, frozen=True):
    """The record of a seeding: the password's mark, and the hash of its accounts."""

    mark: str
    password_hash: str


async def seed_demo(
    store: Store, password: str, *, mark: str, now_ms: int, random_bytes: bytes, again: bool = False
) -> list[str]:
    """Seed a new database; return the addresses that sign in with `password`.

    Deleted accounts are not recreated, unless `again`; own passwords stay. `mark` identifies the password without
    revealing it: if it differs, accounts with the former password get the new one. `random_bytes` has CHANCE_BYTES
    bytes.
    """
    emails = None
    while emails is None:
        emails = await _attempt(store, password, mark=mark, now_ms=now_ms, random_bytes=random_bytes, again=again)
    return sorted(emails, key=lambda email: _PLACES.get(email, len(_PLACES)))


async def _attempt(
    store: Store, password: str, *, mark: str, now_ms: int, random_bytes: bytes, again: bool
) -> list[str] | None:
    """Seed once; None if another node did so meanwhile, perhaps with another password."""
    seeded = await store.read(_seeded)
    password_hash = seeded.password_hash if seeded is not None else ""
    if seeded is None or seeded.mark != mark:
        from argon2 import PasswordHasher  # noqa: PLC0415 - needed once in a shop's life

        # Hashing is slow: before the unit of work, on a thread.
        password_hash = await asyncio.to_thread(PasswordHasher().hash, password)
    now = timestamp(now_ms)

    def unit(transaction: Transaction) -> list[str] | None:
        if not _is_first(transaction, seeded):
            return None
        if seeded is None or again:
            products.seed(transaction, DEMO_CATALOGUE, _SEEDER, now)
            for index, person in enumerate(DEMO_PEOPLE):
                chance = random_bytes[index * RANDOM_BYTES : (index + 1) * RANDOM_BYTES]
                account_id = new_id(person.id_prefix, now_ms, chance)
                account = Account(account_id, person.email, person.name, person.role, password_hash)
                accounts.add(transaction, account, now)
            _seed_services(transaction, now)
        if seeded is not None and seeded.password_hash != password_hash:
            accounts.replace_hash(transaction, seeded.password_hash, password_hash)
        if seeded is None or seeded.mark != mark:
            kept = msgspec.json.encode(_Seeded(mark, password_hash)).decode()
            transaction.run(meta.KEEP, name=_META, value=kept)
        return accounts.emails_with(transaction, password_hash)

    return await store.write(unit)


def _seed_services(transaction: Transaction, now: Timestamp) -> None:
    """Seed the demo's services; existing ones stay."""
    emails = [person.email for person in DEMO_PEOPLE if person.role is Role.CARER]
    found = [account for email in emails if (account := accounts.find(transaction, email)) is not None]
    carer_ids = [account.id for account in found if account.role is Role.CARER]
    for carer_id in carer_ids:
        carers.seed(transaction, carer_id, DEMO_HOURS, _SEEDER, now)
    for service in DEMO_SERVICES:
        services.seed(transaction, msgspec.structs.replace(service, carer_ids=carer_ids), _SEEDER, now)


def _seeded(transaction: Transaction) -> _Seeded | None:
    return _seeded_of(transaction.one(meta.VALUE, name=_META))


def _is_first(transaction: Transaction, seeded: _Seeded | None) -> bool:
    """Whether this node is first, under a lock until the commit."""
    if seeded is None:
        return transaction.run(meta.ADD, name=_META, value="null") == 1
    return _seeded_of(transaction.one(meta.VALUE_FOR_UPDATE, name=_META)) == seeded


def _seeded_of(row: tuple[Any, ...] | None) -> _Seeded | None:
    if row is None:
        return None
    try:
        return msgspec.json.decode(row[0], type=_Seeded)
    except UNREADABLE:
        return _UNKNOWN


# A damaged record: seeded, nothing else is known.
_UNKNOWN: Final = _Seeded("", "")


def is_seeded(transaction: Transaction) -> bool:
    """Whether the database was seeded."""
    return transaction.one(meta.VALUE, name=_META) is not None
