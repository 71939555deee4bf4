"""Disables an endpoint: staff are notified, and admins mailed."""

from __future__ import annotations

import logging
from typing import Final
from urllib.parse import urlsplit

import msgspec

from ordercast.commerce.letters import Language, MailKind
from ordercast.commerce.notifications import SHOP, NotificationKind, Severity
from ordercast.commerce.timestamps import Timestamp
from ordercast.commerce.webhook_endpoints import DisabledBy
from ordercast.db import Transaction, mails
from ordercast.db.notifications import statements as notifications
from ordercast.db.webhooks import endpoints
from ordercast.db.webhooks.endpoints import WebhookEndpoint

log = logging.getLogger("ordercast.webhooks")

# Admins who are mailed, at most.
MAILED_MAX: Final = 20
ACTOR: Final = "service:webhooks"


def disable(
    transaction: Transaction,
    endpoint: WebhookEndpoint,
    by: DisabledBy,
    *,
    failing_before: Timestamp,
    now: Timestamp,
    mailed_in: Language | None,
) -> bool:
    """Disable an endpoint that is gone, or that accepted nothing since `failing_before`, and notify the shop; return
    whether it was enabled until now. `mailed_in` is the language of mails to admins; None if mail is off.
    """
    if not endpoints.disable(transaction, endpoint.id, by, before=failing_before, actor=ACTOR, now=now):
        return False
    # The host only: the path may be a secret.
    host = urlsplit(endpoint.url).netloc
    transaction.run(
        notifications.ADD,
        recipient=SHOP,
        kind=NotificationKind.WEBHOOK_DISABLED,
        order_id=None,
        data=msgspec.json.encode({"place": host, "reason": by}).decode(),
        severity=Severity.ERROR,
        created_at=now,
    )
    if mailed_in is not None:
        for number, email in enumerate(endpoints.admins(transaction, MAILED_MAX)):
            mail_id = f"mail_{endpoint.id}_{now}_{number}"
            mails.owe(transaction, mail_id, MailKind.WEBHOOK_DISABLED, email, language=mailed_in, now=now)
    return True
