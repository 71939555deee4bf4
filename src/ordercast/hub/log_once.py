"""Log lines about what strangers name: one for each name, and no more than so many in all."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

# Past so many the log says no more: whoever is no browser may send as many names as they like.
LOGGED_MAX: Final = 100
SHOWN_MAX: Final = 200

log = logging.getLogger("ordercast.hub")


class LogOnce:
    """Makes a sentence about a name, for an answer's body, and logs it as a warning unless that was done."""

    def __init__(self, sentence: Callable[[str], str]) -> None:
        """`sentence` is given the name as it may be shown: printable ASCII of `SHOWN_MAX` characters at most."""
        self._sentence = sentence
        self._logged: set[str] = set()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {len(self)} logged>"

    def __len__(self) -> int:
        return len(self._logged)

    def report(self, name: str) -> str:
        """Log the sentence about `name`, unless that was done; gives it."""
        shown = "".join(each if " " < each < "\x7f" else "?" for each in name[:SHOWN_MAX])
        sentence = self._sentence(shown)
        if shown not in self._logged and len(self._logged) < LOGGED_MAX:
            self._logged.add(shown)
            log.warning("%s", sentence)
        return sentence
