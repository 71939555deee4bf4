"""What the mails need of the front door: where their links lead."""

from __future__ import annotations

from typing import Protocol

from ordercast.db.accounts import Account


class Links(Protocol):
    """Makes links, those with a token in them good for as long as the letters say."""

    def home(self) -> str: ...
    def board(self) -> str: ...
    def forgot(self) -> str: ...
    def verify(self, email: str) -> str: ...
    def reset(self, account: Account) -> str: ...

    def order(self, order_id: str, tracking_hash: bytes | None) -> str:
        """Of a guest's order, whose tracking token has that hash, with the token."""
