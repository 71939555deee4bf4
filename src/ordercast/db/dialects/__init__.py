"""The two databases, and what they say differently.

Tables, triggers and statements are written once; where the databases differ they ask a `Dialect`. A new database is a
new file here, and a store beside `sqlite.py` and `postgresql.py` of the room.
"""

from typing import Final

from .dialect import Dialect
from .postgresql import PostgresqlDialect
from .sqlite import SqliteDialect
from .trigger import Refusal, Trigger

__all__ = ["DIALECTS", "POSTGRESQL", "SQLITE", "Dialect", "Refusal", "Trigger"]

SQLITE: Final[Dialect] = SqliteDialect()
POSTGRESQL: Final[Dialect] = PostgresqlDialect()
DIALECTS: Final = {dialect.name: dialect for dialect in (SQLITE, POSTGRESQL)}
"""By the names that SQLAlchemy has for them."""
