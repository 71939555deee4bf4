"""A shop's database of either kind, and what may be done to it from outside."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg

from ordercast.db import SqliteStore
from ordercast.db.postgresql.store import PostgresqlStore
from tests.postgres import Postgres

from .shop import by_another_program

AnyStore = SqliteStore | PostgresqlStore


class ShopDatabase(ABC):
    """One migrated database, on which any number of stores may be opened, as by the nodes of a shop."""

    external_actor: str
    """Who history says has made a change by `execute`."""

    @abstractmethod
    def store(self) -> AnyStore:
        """A store that is not started."""

    @abstractmethod
    def execute(self, *statements: str) -> str:
        """Have another program (`sqlite3`, `psql`) run these in one transaction; gives what it prints."""

    @abstractmethod
    def connect(self) -> Any:
        """A plain DB-API connection of another program; nothing is committed by itself."""


class SqliteShop(ShopDatabase):
    external_actor = "db:external"

    def __init__(self, path: Path) -> None:
        self.path = path

    def store(self) -> SqliteStore:
        return SqliteStore(self.path)

    def execute(self, *statements: str) -> str:
        return by_another_program(self.path, f"BEGIN IMMEDIATE; {'; '.join(statements)}; COMMIT")

    def connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=60, check_same_thread=False, isolation_level="IMMEDIATE")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection


class PostgresqlShop(ShopDatabase):
    external_actor = "db:postgres@psql"

    def __init__(self, server: Postgres, template: str) -> None:
        self.server = server
        self.name = server.new_database(template)
        self.url = server.url(self.name)

    def store(self) -> PostgresqlStore:
        return PostgresqlStore(self.url)

    def execute(self, *statements: str) -> str:
        return self.server.psql(self.name, f"BEGIN; {'; '.join(statements)}; COMMIT")

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.url)

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        with closing(self.connect()) as connection:
            return list(connection.execute(question.encode()).fetchall())

    def drop(self) -> None:
        self.server.drop(self.name)
