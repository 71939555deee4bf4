"""The port to a database's feed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ordercast.db import Change, DamagedRows


class FeedSource(Protocol):
    """Committed changes in commit order, without gaps, from some retained row on."""

    @property
    def epoch(self) -> str:
        """Which history the sequence numbers count; lower-case letters and digits. Another one, where the database was
        restored meanwhile.
        """
        ...

    @property
    def lags(self) -> bool:
        """Whether other nodes may have delivered rows that this one has yet to read."""
        ...

    @property
    def damaged(self) -> DamagedRows:
        """Where rows are noted that cannot be encoded."""
        ...

    @property
    def first_seq(self) -> int:
        """The oldest row that is still kept; one past `last_seq` when there is none."""
        ...

    @property
    def last_seq(self) -> int:
        """The newest committed row, or where that `lags` the newest that was read; 0 before the first."""
        ...

    def changes(self, after: int, limit: int) -> Sequence[Change]:
        """What is new behind `after`, in order; short and synchronous. What lies before `after` may be let go: at first
        the newest rows are here too.
        """
        ...

    async def older(self, after: int, limit: int) -> Sequence[Change]:
        """The rows behind `after`, of all that are kept, in order."""
        ...

    async def has(self, seq: int) -> bool:
        """Whether a row of that number, or a later one, was ever committed."""
        ...

    def watch(self, wake: Callable[[], None]) -> None:
        """Call `wake` on the loop after each commit that may have added rows, whoever made it."""
        ...
