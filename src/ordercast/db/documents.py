"""Documents of orders and bookings, as the database makes them and clients get them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from .lenient_json import read_json
from .transaction import Transaction

_ID: Final = re.compile(r'"id"\s?:\s?"([^"]{1,64})"')


class Documents:
    """Those of a table; one without the fields of `shape` is left out of lists."""

    def __init__(self, table: str, shape: type[msgspec.Struct]) -> None:
        self.table = table
        self._shape = msgspec.json.Decoder(shape)

    def __repr__(self) -> str:
        return f"<Documents of {self.table}>"

    def sound(self, row: tuple[Any, ...]) -> bytes:
        """The document in the row's first column, as returned to clients."""
        document: bytes = row[0].encode()
        try:
            self._shape.decode(document)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # Replaces lone surrogates, and numbers that no client reads.
            document = msgspec.json.encode(read_json(document))
            self._shape.decode(document)
        return document

    def listed(self, transaction: Transaction, rows: Iterable[tuple[int, str]]) -> list[tuple[int, str | None]]:
        """Numbers with their documents for a list; None for one that is left out but keeps its position."""
        return [(number, self._as_listed(transaction, number, document)) for number, document in rows]

    def _as_listed(self, transaction: Transaction, number: int, document: str) -> str | None:
        named = _ID.search(document)
        name = f"number {number}" if named is None else named[1]
        found = transaction.readable([(name, document)], lambda row: self.sound(row[1:]).decode(), self.table)
        return found[0] if found else None
