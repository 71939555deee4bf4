"""Positions in the feed: the offset that clients keep and present."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_FORM: Final = re.compile(r"([0-9a-z]{1,32}):(\d{1,18})(?:\.(\d{1,4}))?")

# Greater than every event number: the whole row is delivered.
ROW_END: Final = 1 << 31


class Position(NamedTuple):
    """The position after event `event` of row `seq`; a row may have several events, of which a client gets some.

    Written ``epoch:seq.event``, or ``epoch:seq`` after the whole row. The epoch identifies the history: numbers of
    another history mean nothing.
    """

    epoch: str
    seq: int
    event: int = ROW_END

    @classmethod
    def parse(cls, text: str) -> Position | None:
        """Parse an offset; None if it is malformed."""
        match = _FORM.fullmatch(text)
        if match is None:
            return None
        return cls(match[1], int(match[2]), ROW_END if match[3] is None else int(match[3]))

    def __str__(self) -> str:
        return f"{self.epoch}:{self.seq}" if self.event == ROW_END else f"{self.epoch}:{self.seq}.{self.event}"
