"""Accounts: finding one by its address, and making one."""

from __future__ import annotations

from dataclasses import dataclass

from ordercast.commerce.people import Role

from .transaction import Transaction


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
    id_, name, role, password_hash, active = row
    return Account(id_, email, name, Role(role), password_hash, bool(active))


def add(transaction: Transaction, account: Account, now: str) -> None:
    """Keep a new account, and a customer's record beside it; an address that has one already keeps it."""
    email = account.email.lower()
    transaction.run(
        transaction.sql.people.add_account,
        id=account.id,
        email=email,
        name=account.name,
        password_hash=account.password_hash,
        role=account.role,
        created_at=now,
    )
    if account.role is Role.CUSTOMER:
        transaction.run(
            transaction.sql.people.add_customer,
            id=account.id,
            email=email,
            registered=1,
            name=account.name,
            created_at=now,
        )


def replace_hash(transaction: Transaction, former: str, password_hash: str) -> None:
    """Give a new password to everyone who has exactly the `former` hash; salted as it is, that is who shared it."""
    transaction.run(transaction.sql.people.replace_hash, former=former, new_password_hash=password_hash)


def emails_with(transaction: Transaction, password_hash: str) -> list[str]:
    """The addresses of active accounts with exactly this hash, oldest account first."""
    return [email for (email,) in transaction.all(transaction.sql.people.emails_with_hash, password_hash=password_hash)]
