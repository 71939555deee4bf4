"""Customers and accounts."""

from __future__ import annotations

from sqlalchemy import (
    bindparam,
    literal_column,
    select,
    update,
)

from ordercast.commerce.people import Role
from ordercast.db.schema import (
    accounts,
    customers,
)

from .compiling import ONE, ZERO, Compiler, to_change


class PeopleStatements:
    def __init__(self, text: Compiler) -> None:
        self.add_customer = text(
            text.dialect.insert(customers)
            .values({name: bindparam(name) for name in ("id", "email", "name", "created_at")})
            .on_conflict_do_nothing()
        )
        self.account_by_email = text(
            select(accounts.c.id, accounts.c.name, accounts.c.role, accounts.c.password_hash, accounts.c.active).where(
                accounts.c.email == bindparam("email")
            )
        )
        account = select(
            accounts.c.id,
            accounts.c.email,
            accounts.c.name,
            accounts.c.role,
            accounts.c.password_hash,
            accounts.c.active,
        )
        by_id = account.where(accounts.c.id == bindparam("id"))
        self.account_by_id = text(by_id)
        self.account_by_id_to_change = text(to_change(by_id))
        self.accounts_after = text(
            account.where(accounts.c.id > bindparam("after"))
            .order_by(accounts.c.id)
            .limit(bindparam("limit"))
            .offset(ZERO)
        )
        self.change_account = text(
            update(accounts)
            .values({name: bindparam(f"new_{name}") for name in ("name", "role", "active")})
            .where(accounts.c.id == bindparam("account_id"))
        )
        self.set_hash = text(
            update(accounts)
            .values(password_hash=bindparam("new_password_hash"))
            .where(accounts.c.id == bindparam("account_id"))
        )
        self.replace_hash = text(
            update(accounts)
            .values(password_hash=bindparam("new_password_hash"))
            .where(accounts.c.password_hash == bindparam("former"))
        )
        self.emails_with_hash = text(
            select(accounts.c.email)
            .where(accounts.c.password_hash == bindparam("password_hash"), accounts.c.active == ONE)
            .order_by(accounts.c.created_at, accounts.c.id)
        )
        self.an_admin = text(
            select(accounts.c.id)
            .where(accounts.c.role == literal_column(f"'{Role.ADMIN}'"), accounts.c.active == ONE)
            .limit(ONE)
            .offset(ZERO)
        )
        self.add_account = text(
            text.dialect.insert(accounts)
            .values({n: bindparam(n) for n in ("id", "email", "name", "password_hash", "role", "created_at")})
            .on_conflict_do_nothing(index_elements=["email"])
        )
