"""Settings of rate limits, and bounds per caller."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from .errors import ConfigError
from .shop import ShopSettings

_RATE = re.compile(r"[1-9]\d{0,8}/[1-9]\d{0,5}[smh]")  # as `hub.Rate` reads it


class BudgetSettings(ShopSettings, frozen=True, kw_only=True):
    budgets: Literal["on", "off"] = "on"
    """Whether callers are bounded at all; ``off`` is for load generators and test suites."""
    # What each budget counts, and by whom, stands in ``api/budgets.py``; why so many, in docs/reference/budgets.md.
    budget_handshakes: str = "1000/10s"
    budget_socket_events: str = "500/5s"
    budget_reads: str = "2000/10s"
    budget_commands: str = "600/1m"
    budget_messages: str = "120/1m"
    budget_typing: str = "240/1m"
    budget_receipts: str = "240/1m"
    budget_quotes: str = "300/30s"
    budget_orders: str = "60/2m"
    budget_declined_cards: str = "20/10m"
    budget_promotion_guesses: str = "30/5m"
    budget_delivery_codes: str = "10/5m"
    budget_not_found: str = "300/1m"
    budget_refused_tokens: str = "600/1m"
    budget_sign_ins: str = "100/5m"
    budget_account_guesses: str = "10/5m"
    budget_account_strangers: str = "50/1h"
    budget_registrations: str = "30/5m"
    budget_mail_requests: str = "30/5m"
    budget_account_mails: str = "10/1h"
    budget_order_mails: str = "60/1h"
    budget_webhooks: str = "60/1m"
    connections_per_caller_max: Annotated[int, Meta(ge=0)] = 10_000
    """HTTP connections that one address may have on a node, and half of what it may have open at most; 0 for none."""
    sessions_per_caller_max: Annotated[int, Meta(ge=0)] = 5_000
    """Connections of sockets that one address may have on a node; 0 for no bound."""
    sockets_per_identity_max: Annotated[int, Meta(ge=0)] = 500
    """Sockets of one person on a node; 0 for no bound."""
    guest_orders_open_max: Annotated[int, Meta(ge=0)] = 100
    """Orders of guests of one address that wait for the shop unpaid; 0 for no bound."""
    guest_pieces_max: Annotated[int, Meta(ge=0)] = 500
    """Pieces that one order of a guest may set aside; 0 for no bound."""
    guest_pieces_open_max: Annotated[int, Meta(ge=0)] = 2_000
    """Pieces that those orders of one address may set aside together; 0 for no bound."""

    def rate(self, budget: str) -> str:
        """The rate of a budget, as ``30/5m``; empty where it does not bound."""
        value: str = getattr(self, f"budget_{budget}")
        return "" if "off" in {self.budgets, value} else value

    def bound(self, name: str) -> int | None:
        """A bound on how many there may be of something at a time; None where there is none."""
        value: int = getattr(self, name)
        return None if self.budgets == "off" else value or None


BUDGETS = tuple(
    field.name.removeprefix("budget_")
    for field in msgspec.structs.fields(BudgetSettings)
    if field.name.startswith("budget_")
)


def check_budgets(settings: BudgetSettings) -> None:
    for name in BUDGETS:
        value = getattr(settings, f"budget_{name}")
        if value != "off" and _RATE.fullmatch(value) is None:
            raise ConfigError(f"budget_{name}", f"{value!r} is not a count and a time, such as 30/5m, nor `off`")
