"""Outgoing webhooks: endpoints, their deliveries, and the log of attempts.

An endpoint has a cursor in the feed (`through`): the transaction that advances it inserts the deliveries of the rows
between, so each event becomes one delivery per endpoint, whichever node crashes.
"""

from __future__ import annotations

from typing import Final

from ordercast.db.noun import Copies, Impersonal, Noun
from ordercast.db.statement import statements_in
from ordercast.db.trigger import Trigger

from . import statements
from .table import ATTEMPTS, DELIVERIES, ENDPOINTS, webhook_attempts, webhook_deliveries, webhook_endpoints

NOUN: Final = Noun(
    name="webhooks",
    tables=(webhook_endpoints, webhook_deliveries, webhook_attempts),
    statements=statements_in(vars(statements)),
    triggers=(
        Trigger(
            "webhook_attempts_forgotten",
            "AFTER DELETE",
            DELIVERIES,
            ("DELETE FROM webhook_attempts WHERE delivery_id = OLD.id",),
        ),
    ),
    personal={
        ENDPOINTS: Impersonal("addresses of the shop's own systems"),
        DELIVERIES: Copies("events of their orders that the shop's systems were or are to be sent: rewritten"),
        ATTEMPTS: Copies("what those systems answered: its headers and beginning are forgotten"),
    },
)
