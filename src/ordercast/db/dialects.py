"""The two dialects.

Tables, triggers and statements are written once; where the databases differ they ask a `Dialect`. A new database is a
package beside `sqlite` and `postgresql`, with its dialect and its store.
"""

from typing import Final

from ordercast.db.dialect import Dialect
from ordercast.db.postgresql.dialect import PostgresqlDialect
from ordercast.db.sqlite.dialect import SqliteDialect
from ordercast.db.trigger import Refusal, Trigger

__all__ = ["DIALECTS", "POSTGRESQL", "SQLITE", "Dialect", "Refusal", "Trigger"]

SQLITE: Final[Dialect] = SqliteDialect()
POSTGRESQL: Final[Dialect] = PostgresqlDialect()
DIALECTS: Final = {dialect.name: dialect for dialect in (SQLITE, POSTGRESQL)}
"""By SQLAlchemy's names."""
