"""Who buys, and who may sign in."""

from __future__ import annotations

from sqlalchemy import Column, Table, UniqueConstraint
from sqlalchemy import text as sql

from ordercast.commerce.people import Role

from .columns import Integer, Text, metadata, moment, one_of, partial

customers = Table(
    "customers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False),
    # A guest who types the address of an account holder must not become that person, nor rename them.
    Column("registered", Integer, nullable=False, server_default=sql("0")),
    Column("name", Text, nullable=False),
    Column("mobile", Text, nullable=False, server_default=""),
    moment("created_at"),
    UniqueConstraint("email", "registered", name="customer_email_once"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("active", Integer, nullable=False, server_default=sql("1")),
    moment("created_at"),
    one_of("role", [Role.ADMIN, Role.STORE, Role.CUSTOMER, Role.DRIVER]),
    # A shop has a few among all its customers.
    partial("accounts_of_drivers", "id", where=f"role = '{Role.DRIVER}'"),
)
