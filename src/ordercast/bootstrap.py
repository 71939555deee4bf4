"""Creates accounts at the command line, such as the first admin."""

from __future__ import annotations

import time
from typing import Final

import msgspec
from msgspec import Struct

from ordercast.api.passwords import Passwords
from ordercast.api.random_pool import RandomPool
from ordercast.commerce.errors import AddressTaken, InvalidField
from ordercast.commerce.ids import RANDOM_BYTES, new_id
from ordercast.commerce.orders import Email, Name
from ordercast.commerce.passwords import check_choice
from ordercast.commerce.people import Role
from ordercast.commerce.text_rules import check_texts
from ordercast.commerce.timestamps import timestamp
from ordercast.db import Store, accounts
from ordercast.db.accounts import Account

HOW_TO: Final = "ordercast account create --email you@example.com"
NO_ADMIN: Final = f"This shop has no admin yet: make one on its machine with `{HOW_TO}`."

_ID_PREFIXES: Final = {Role.CUSTOMER: "cus", Role.DRIVER: "drv", Role.CARER: "car"}


class _Wanted(Struct, frozen=True):
    email: Email
    name: Name


_PROBLEMS: Final = {
    "email": "--email: that is no address such as you@example.com.",
    "name": "--name: a name has 1 to 200 characters.",
}


async def make_account(store: Store, email: str, name: str, role: Role, password: str) -> Account:
    """Insert an account. Raises InvalidField, or AddressTaken."""
    try:
        wanted = msgspec.convert({"email": email.strip().lower(), "name": name}, _Wanted)
    except msgspec.ValidationError as error:
        field = str(error).rpartition("$.")[2].rstrip("`")
        raise InvalidField(field, _PROBLEMS[field]) from None
    check_texts(wanted)
    check_choice(password, email=wanted.email, name=wanted.name)
    now_ms = time.time_ns() // 1_000_000
    account_id = new_id(_ID_PREFIXES.get(role, "usr"), now_ms, RandomPool().take(RANDOM_BYTES))
    account = Account(account_id, wanted.email, wanted.name, role, await Passwords().hash(password))
    if not await store.write(lambda transaction: accounts.add(transaction, account, timestamp(now_ms))):
        raise AddressTaken
    return account
