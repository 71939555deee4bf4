"""ATTACH: tables that are not ours fill the feed, as ``ordercast.toml`` says (decision 33).

Upstream: a mapping file, and a shop's own database. Downstream: triggers there, which insert into our feed or into an
outbox that is taken to it; and ``db``, whose rows the relay tells like any other.
Stays true: nothing here fails a write of the shop, unless its mapping asks for that.

A mapping knows no database: ``mapping`` reads the file into values, ``postgresql`` and ``sqlite`` compile those.
"""

from .mapping import Mapping, MappingError, read
from .query_language import check_query_language

__all__ = ["Mapping", "MappingError", "check_query_language", "read"]
