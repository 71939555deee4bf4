"""Who buys, and who may sign in."""

from __future__ import annotations

from sqlalchemy import Table, UniqueConstraint

from ordercast.commerce.people import Role
from ordercast.db.columns import flag, identifier, line, metadata, moment, one_of, partial, word

# Who has an account here. A guest is no row but their order: an address that was typed proves nothing, so it must not
# join two orders, rename anybody, or use up what somebody else was promised.
customers = Table(
    "customers",
    metadata,
    identifier("id", primary_key=True),
    line("email"),
    line("name"),
    line("mobile", default=""),
    moment("created_at"),
    UniqueConstraint("email", name="customer_email_once"),
)

accounts = Table(
    "accounts",
    metadata,
    identifier("id", primary_key=True),
    line("email", unique=True),
    line("name"),
    line("password_hash"),
    word("role"),
    flag("active", True),
    moment("created_at"),
    one_of("role", [Role.ADMIN, Role.STORE, Role.CUSTOMER, Role.DRIVER]),
    # A shop has a few among all its customers.
    partial("accounts_of_admins", "id", where=f"role = '{Role.ADMIN}' AND active = 1"),
    partial("accounts_of_drivers", "id", where=f"role = '{Role.DRIVER}'"),
)
