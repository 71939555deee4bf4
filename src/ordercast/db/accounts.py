"""Accounts: finding, making and changing one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from ordercast.commerce.errors import InvalidField, LastAdmin, NotFound
from ordercast.commerce.people import Role

from .transaction import Transaction
from .triggers.access import LAST_ADMIN

TABLE: Final = "accounts"

_Row = tuple[str, str, str, Role, str, int]


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    email: str
    name: str
    role: Role
    password_hash: str
    active: bool = True


def find(transaction: Transaction, email: str) -> Account | None:
    """The account of an address, in whatever case it was typed."""
    email = email.lower()
    row = transaction.one(transaction.sql.people.account_by_email, email=email)
    if row is None:
        return None
    id_, *rest = row
    return transaction.decoded((id_, email, *rest), account_of, TABLE)


def find_by_id(transaction: Transaction, account_id: str) -> Account | None:
    return transaction.read_one(transaction.sql.people.account_by_id, account_of, TABLE, id=account_id)


def hold(transaction: Transaction, account_id: str) -> None:
    """Have it stay as it is until this unit's commit, whatever another node is about to make of it."""
    transaction.one(transaction.sql.people.account_by_id_to_change, id=account_id)


def is_unchanged(transaction: Transaction, account: Account) -> bool:
    """Whether it is still open, of that role, and with that password."""
    found = find_by_id(transaction, account.id)
    return found is not None and found.active and replace(found, name=account.name) == account


def page(transaction: Transaction, after: str, limit: int) -> list[Account]:
    """The next accounts by id after `after` ("" for the first)."""
    return transaction.page(transaction.sql.people.accounts_after, account_of, TABLE, after=after, limit=limit)


def account_of(row: tuple[Any, ...]) -> Account:
    """An account from its columns. Raises msgspec.ValidationError."""
    id_, email, name, role, password_hash, active = msgspec.convert(row, _Row)
    return Account(id_, email, name, role, password_hash, bool(active))


def add(transaction: Transaction, account: Account, now: str) -> bool:
    """Keep a new account, and a customer's record beside it; False for an address that has an account already."""
    email = account.email.lower()
    added = transaction.run(
        transaction.sql.people.add_account,
        id=account.id,
        email=email,
        name=account.name,
        password_hash=account.password_hash,
        role=account.role,
        created_at=now,
    )
    if added and account.role is Role.CUSTOMER:
        transaction.run(
            transaction.sql.people.add_customer,
            id=account.id,
            email=email,
            name=account.name,
            created_at=now,
        )
    return bool(added)


def change(
    transaction: Transaction, account_id: str, *, name: str | None, role: Role | None, active: bool | None
) -> Account:
    """Change what is given. A role that changes, or an account that is closed, ends its sign-ins by a trigger.

    Raises NotFound, LastAdmin, and InvalidField where a customer's account would become another's or the other way
    round: what a customer bought hangs on its id.
    """
    row = transaction.one(transaction.sql.people.account_by_id_to_change, id=account_id)
    if row is None:
        raise NotFound("account")
    account = transaction.decoded(row, account_of, TABLE)
    if role is not None and role is not account.role and Role.CUSTOMER in (role, account.role):
        raise InvalidField("role", "A customer's account stays one, and no other becomes one.")
    changed = replace(
        account,
        name=account.name if name is None else name,
        role=account.role if role is None else role,
        active=account.active if active is None else active,
    )
    values = {"new_name": changed.name, "new_role": changed.role, "new_active": int(changed.active)}
    try:
        transaction.run(transaction.sql.people.change_account, account_id=account_id, **values)
    except transaction.refusals as error:
        if LAST_ADMIN in str(error):
            raise LastAdmin from None
        raise
    return changed


def has_admin(transaction: Transaction) -> bool:
    """Whether somebody can sign in who may make accounts."""
    return transaction.one(transaction.sql.people.an_admin) is not None


def set_hash(transaction: Transaction, account_id: str, password_hash: str) -> None:
    """Give an account a new password; what was signed in with the former one ends, by a trigger."""
    transaction.run(transaction.sql.people.set_hash, account_id=account_id, new_password_hash=password_hash)


def replace_hash(transaction: Transaction, former: str, password_hash: str) -> None:
    """Give a new password to everyone who has exactly the `former` hash; salted as it is, that is who shared it."""
    transaction.run(transaction.sql.people.replace_hash, former=former, new_password_hash=password_hash)


def emails_with(transaction: Transaction, password_hash: str) -> list[str]:
    """The addresses of active accounts with exactly this hash, oldest account first."""
    return [email for (email,) in transaction.all(transaction.sql.people.emails_with_hash, password_hash=password_hash)]
