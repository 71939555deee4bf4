"""Where in the feed a client has got to: the offset that it keeps and presents."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_FORM: Final = re.compile(r"([0-9a-z]{1,32}):(\d{1,18})(?:\.(\d{1,4}))?")

# After every event of the row: nothing of it is still to come.
ROW_END: Final = 1 << 31


class Position(NamedTuple):
    """Behind event number `event` of row `seq`; one row may tell several events, and a client may hear only some.

    Written ``epoch:seq.event``, or ``epoch:seq`` behind the whole row. The epoch is a database's own: a number of
    another one means nothing.
    """

    epoch: str
    seq: int
    event: int = ROW_END

    @classmethod
    def parse(cls, text: str) -> Position | None:
        """Read an offset; None for what we cannot have given."""
        match = _FORM.fullmatch(text)
        if match is None:
            return None
        return cls(match[1], int(match[2]), ROW_END if match[3] is None else int(match[3]))

    def __str__(self) -> str:
        return f"{self.epoch}:{self.seq}" if self.event == ROW_END else f"{self.epoch}:{self.seq}.{self.event}"
