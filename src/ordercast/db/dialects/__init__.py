"""The two databases, and what they say differently.

Tables, triggers and statements are written once; where the databases differ they ask a `Dialect`. A new database is a
new file here, and a store beside `sqlite.py` and `postgresql.py` of the room.
"""

from typing import Final

from .dialect import Dialect
from .postgresql import PostgresqlDialect
from .sqlite import SqliteDialect

__all__ = ["POSTGRESQL", "SQLITE", "Dialect"]

SQLITE: Final[Dialect] = SqliteDialect()
POSTGRESQL: Final[Dialect] = PostgresqlDialect()
