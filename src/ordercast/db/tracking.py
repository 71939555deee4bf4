"""Tracking tokens, by which a guest knows an order or a booking: the database knows the hash of each alone."""

from __future__ import annotations

from collections.abc import Iterable

from .lenient_json import is_moment
from .sql import literals
from .statement import Statement
from .transaction import Transaction


class Tracking:
    """Those of the rows of `table`, each of which has `history` by its `key` and is over in the states `ended`."""

    def __init__(self, table: str, *, history: str, key: str, ended: Iterable[str]) -> None:
        self.table = table
        self._by_hash = Statement(f"""
            SELECT {table}.id, (
              SELECT max({history}.at) FROM {history}
              WHERE {history}.{key} = {table}.id AND {history}.to_status IN ({literals(ended)})
                AND {history}.from_status IS DISTINCT FROM {history}.to_status)
            FROM {table} WHERE {table}.tracking_hash = :tracking_hash
        """)
        self._hash = Statement(f"SELECT tracking_hash FROM {table} WHERE id = :id")
        self._replace = Statement(f"""
            UPDATE {table} SET tracking_hash = :new_tracking_hash WHERE id = :id AND tracking_hash = :former
        """)

    def __repr__(self) -> str:
        return f"<Tracking of {self.table}>"

    @property
    def statements(self) -> dict[str, Statement]:
        """By their names, for the module of the noun's statements."""
        return {"BY_HASH": self._by_hash, "HASH": self._hash, "REPLACE_HASH": self._replace}

    def hash_of(self, transaction: Transaction, id_: str) -> bytes | None:
        """What is kept of the token of a row; None where it has none."""
        row = transaction.one(self._hash, id=id_)
        return None if row is None or row[0] is None else bytes(row[0])

    def replace_hash(self, transaction: Transaction, id_: str, former: bytes, digest: bytes) -> bool:
        """Give a row another token; False where it has lost the former one meanwhile."""
        return bool(transaction.run(self._replace, id=id_, former=former, new_tracking_hash=digest))

    def find(self, transaction: Transaction, digest: bytes) -> tuple[str, str | None] | None:
        """The id of the row with that token, and the moment at which it ended; None where none has it."""
        row = transaction.one(self._by_hash, tracking_hash=digest)
        return None if row is None else (row[0], row[1] if is_moment(row[1]) else None)
