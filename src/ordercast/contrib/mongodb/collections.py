"""The collections of one database whose documents' changes somebody makes events of: each is a source of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine
from typing import Final

from ordercast.commerce.timestamps import Timestamp
from ordercast.db import Transaction, mirrored

from .document_events import DocumentEvents, EmittingDocuments
from .reading import database_of
from .source import MongoSource, SourceStore

# Before the names of their sources: orders of the same collection may be mirrored besides.
DOCUMENTS: Final = "documents:"
# No transaction of the writer's takes longer than so many rows do.
FORGOTTEN_AT_ONCE_MAX: Final = 1_000


class Collections:
    """Follows them, each by itself."""

    def __init__(
        self,
        store: SourceStore,
        url: str,
        names: Collection[str],
        events_of: Callable[[str, str], DocumentEvents],
        *,
        now: Callable[[], Timestamp],
    ) -> None:
        """`events_of` a database and a collection hears of its changes. Raises ValueError for a URL that is none or
        names no database.
        """
        self._store = store
        database = database_of(url)
        self._events = {name: events_of(database, name) for name in names}
        self.sources = {
            name: MongoSource(
                store, url, EmittingDocuments(f"{DOCUMENTS}{database}.{name}", events), collection=name, now=now
            )
            for name, events in self._events.items()
        }

    def __repr__(self) -> str:
        return f"<Collections {', '.join(map(repr, self.sources.values()))}>"

    @property
    def jobs(self) -> tuple[Callable[[], Coroutine[None, None, None]], ...]:
        """What is to run while this node leads."""
        return (self.forget_others, *(source.run for source in self.sources.values()))

    @property
    def state(self) -> str:
        """``up`` where all are followed; else that of the first which is not, as `MongoSource.state`."""
        return next((source.state for source in self.sources.values() if source.state != "up"), "up")

    def warnings(self) -> list[str]:
        """What is not followed, or was not told, a sentence for each."""
        found = [
            f"{name} of MongoDB is not followed: {source.trouble}."
            for name, source in self.sources.items()
            if source.trouble
        ]
        return [*found, *(sentence for events in self._events.values() for sentence in events.warnings())]

    async def forget_others(self) -> None:
        """Forget the documents of collections of which nothing is told any more."""
        told = {source.name for source in self.sources.values()}

        def some(transaction: Transaction) -> bool:
            return mirrored.forget_sources(transaction, DOCUMENTS, told, FORGOTTEN_AT_ONCE_MAX)

        while await self._store.write(some):
            pass
