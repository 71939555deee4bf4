from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.valkey import Valkey, running_valkey


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    """One of this test alone, which it may kill."""
    with running_valkey() as valkey:
        yield valkey


@pytest.fixture(scope="module")
def shared_valkey() -> Iterator[Valkey]:
    """One for all tests of a module that leave it alive."""
    with running_valkey() as valkey:
        yield valkey
