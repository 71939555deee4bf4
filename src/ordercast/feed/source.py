"""The port to a database's feed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ordercast.db import Change, DamagedRows


class FeedSource(Protocol):
    """Committed changes in commit order, numbered without gaps, from some retained row on."""

    @property
    def epoch(self) -> str:
        """Identifies the history of the sequence numbers; lower-case letters and digits. Changes when the database is
        restored.
        """
        ...

    @property
    def lags(self) -> bool:
        """Whether other nodes may have read further than this one."""
        ...

    @property
    def damaged(self) -> DamagedRows:
        """Records rows that cannot be encoded."""
        ...

    @property
    def first_seq(self) -> int:
        """The oldest retained row; one past `last_seq` if there is none."""
        ...

    @property
    def last_seq(self) -> int:
        """The newest committed row, or the newest read one if `lags`; 0 before the first."""
        ...

    def changes(self, after: int, limit: int) -> Sequence[Change]:
        """New rows after `after`, in order; synchronous and short. Rows before `after` may be dropped; the first call
        includes the newest rows.
        """
        ...

    async def older(self, after: int, limit: int) -> Sequence[Change]:
        """Retained rows after `after`, in order."""
        ...

    async def has(self, seq: int) -> bool:
        """Whether a row with that number or a later one was ever committed."""
        ...

    def watch(self, wake: Callable[[], None]) -> None:
        """Call `wake` on the loop after each commit that may have added rows, by whichever writer."""
        ...
