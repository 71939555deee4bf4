"""Messages as providers send them, signed by the schemes' own libraries."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime
from typing import Any

import stripe
from standardwebhooks import Webhook

STANDARD = "whsec_" + base64.b64encode(bytes(range(32))).decode()
STRIPE = "whsec_of_stripe"
SANDBOX_PATH, STRIPE_PATH, HTTP_PATH = (f"/api/payments/webhook/{name}" for name in ("sandbox", "stripe", "http"))


def standard_headers(
    body: bytes, message_id: str = "msg_1", at: float | None = None, secret: str = STANDARD
) -> dict[str, str]:
    sent = datetime.fromtimestamp(int(time.time() if at is None else at), UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(sent.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, sent, body.decode()),
    }


def stripe_headers(body: bytes, at: float | None = None, secret: str = STRIPE) -> dict[str, str]:
    sent = int(time.time() if at is None else at)
    signature = stripe.WebhookSignature._compute_signature(f"{sent}.{body.decode()}", secret)
    return {"stripe-signature": f"t={sent},v1={signature}"}


def standard_body(kind: str, **data: Any) -> bytes:
    return json.dumps({"type": kind, "timestamp": "2026-01-01T00:00:00Z", "data": data}).encode()


def stripe_body(event_id: str, kind: str, **about: Any) -> bytes:
    return json.dumps({"id": event_id, "object": "event", "type": kind, "data": {"object": about}}).encode()
