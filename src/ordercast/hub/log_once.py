"""Logs a warning once per name, for a bounded number of names."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

# Names logged at most: programs may send any.
LOGGED_MAX: Final = 100
SHOWN_MAX: Final = 200

log = logging.getLogger("ordercast.hub")


class LogOnce:
    """Makes a sentence about a name, for a response, and logs it once."""

    def __init__(self, sentence: Callable[[str], str]) -> None:
        """`sentence` is called with the name in printable ASCII, `SHOWN_MAX` characters at most."""
        self._sentence = sentence
        self._logged: set[str] = set()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {len(self)} logged>"

    def __len__(self) -> int:
        return len(self._logged)

    def report(self, name: str) -> str:
        """Return the sentence about `name`, and log it the first time."""
        shown = "".join(each if " " < each < "\x7f" else "?" for each in name[:SHOWN_MAX])
        sentence = self._sentence(shown)
        if shown not in self._logged and len(self._logged) < LOGGED_MAX:
            self._logged.add(shown)
            log.warning("%s", sentence)
        return sentence
