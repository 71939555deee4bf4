"""Tokens of the tests: each is made when it is needed, so that none depends on how long a run lasts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Final

from ordercast.api import issue_token

# With 60, what made its token early is found: see docs/testing.md.
TTL_S: Final = int(os.environ.get("ORDERCAST_TEST_TOKEN_TTL_S", "3600"))


def make_token(secret: str, role: str, sub: str, ttl_s: int | None = None) -> str:
    """Sign a token for the test that runs. While tests are collected there is none: it would be old when they run."""
    assert "PYTEST_CURRENT_TEST" in os.environ, "a token is made by the test that needs it"
    return issue_token(secret, role, sub, TTL_S if ttl_s is None else ttl_s)


class SignedIn(Mapping[str, str]):
    """The headers of somebody, with a token that is made anew whenever they are sent."""

    def __init__(self, secret: str, role: str, sub: str) -> None:
        self._secret, self._role, self._sub = secret, role, sub

    def __repr__(self) -> str:
        return f"<SignedIn {self._role} {self._sub}>"

    def __getitem__(self, name: str) -> str:
        if name != "Authorization":
            raise KeyError(name)
        return f"Bearer {make_token(self._secret, self._role, self._sub)}"

    def __iter__(self) -> Iterator[str]:
        return iter(["Authorization"])

    def __len__(self) -> int:
        return 1
