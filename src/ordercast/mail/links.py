"""The port to the front door: the URLs in mails."""

from __future__ import annotations

from typing import Protocol

from ordercast.db.accounts import Account


class Links(Protocol):
    """Makes URLs; those with a token expire as the letters say."""

    def home(self) -> str: ...
    def board(self) -> str: ...
    def forgot(self) -> str: ...
    def verify(self, email: str) -> str: ...
    def reset(self, account: Account) -> str: ...

    def order(self, order_id: str, tracking_hash: bytes | None) -> str:
        """The tracking page of a guest's order; `tracking_hash` selects the guest's token."""
