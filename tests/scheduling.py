"""Which worker of a run takes which tests: whole files, and those that wait among those that compute.

A file's tests share what is dear to make (a browser, a shop that has grown, a server): in one worker it is made once.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadGroupScheduling

# Their processes start, reconnect and time out while those of other workers compute. Taken up early, so that no worker
# has the longest of them to end when the others are done.
_WAITING = ("tests/attach/", "tests/journey/", "tests/wire/")
_OTHERS_BETWEEN = 2


class FileScheduling(LoadGroupScheduling):  # type: ignore[misc]
    """The tests of a file go to one worker, in their order; those of a group too, from whatever file."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # as `mixed` has them

    def _split_scope(self, nodeid: str) -> str:
        group_or_test: str = super()._split_scope(nodeid)
        return group_or_test.partition("::")[0]


def mixed(items: list[pytest.Item]) -> list[pytest.Item]:
    """The order in which files are handed out."""
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.nodeid.partition("::")[0], []).append(item)
    waiting = iter([name for name in files if name.startswith(_WAITING)])
    others = iter([name for name in files if not name.startswith(_WAITING)])
    return [item for name in _alternating(waiting, others) for item in files[name]]


def _alternating(waiting: Iterator[str], others: Iterator[str]) -> Iterator[str]:
    for name in waiting:
        yield name
        yield from islice(others, _OTHERS_BETWEEN)
    yield from others
