"""Customers and accounts."""

from __future__ import annotations

from sqlalchemy import (
    bindparam,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import sqlite

from ordercast.db.schema import (
    accounts,
    customers,
)

from .compiling import ONE, ZERO, Compile, values_of


class PeopleStatements:
    def __init__(self, text: Compile) -> None:
        guest = sqlite.insert(customers).values(
            {name: bindparam(name) for name in ("id", "email", "name", "mobile", "created_at")}
        )
        self.upsert_guest = text(
            guest.on_conflict_do_update(
                index_elements=["email", "registered"],
                set_={"name": guest.excluded.name, "mobile": guest.excluded.mobile},
            )
        )
        self.guests = text(
            select(customers.c.email, customers.c.id).where(
                customers.c.email.in_(values_of("emails")), customers.c.registered == ZERO
            )
        )
        self.add_customer = text(
            sqlite.insert(customers)
            .values({name: bindparam(name) for name in ("id", "email", "registered", "name", "created_at")})
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
        self.account_by_id = text(account.where(accounts.c.id == bindparam("id")))
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
            .order_by(literal_column("rowid"))
        )
        self.add_account = text(
            sqlite.insert(accounts)
            .values({n: bindparam(n) for n in ("id", "email", "name", "password_hash", "role", "created_at")})
            .on_conflict_do_nothing(index_elements=["email"])
        )
