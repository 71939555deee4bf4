"""Signs and verifies messages: HMAC over the raw body and its timestamp, with a shared secret.

Tests sign and verify with the libraries of both schemes' authors;
docs/decisions/0018-a-provider-is-one-small-service.md says why production code does not.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from typing import Final

from ordercast.commerce.errors import WebhookRefused

# Both schemes' own tolerance: limits replays of a recorded message.
TOLERANCE_S: Final = 300
_STANDARD_PREFIX: Final = "whsec_"
# Stored as the event's id, and logged.
_MESSAGE_ID: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,255}")


# --- Stripe -----------------------------------------------------------------------------------------------------------


def check_stripe(secret: str, body: bytes, header: str, now_s: float) -> None:
    """Verify Stripe's ``Stripe-Signature: t=<seconds>,v1=<hex>``, several ``v1`` while a secret is rotated.

    Raises WebhookRefused.
    """
    parts = [part.strip().partition("=") for part in header.split(",")]
    sent_at = next((value for name, _, value in parts if name == "t"), "")
    _check_time(sent_at, now_s)
    _check_any([_stripe(secret, sent_at, body)], [value for name, _, value in parts if name == "v1"])


def sign_stripe(secret: str, body: bytes, now_s: float) -> str:
    """Return the value of ``Stripe-Signature``."""
    sent_at = str(int(now_s))
    return f"t={sent_at},v1={_stripe(secret, sent_at, body)}"


def _stripe(secret: str, sent_at: str, body: bytes) -> str:
    return hmac.new(secret.encode(), sent_at.encode() + b"." + body, hashlib.sha256).hexdigest()


# --- Standard Webhooks ------------------------------------------------------------------------------------------------


def check_standard(secrets: Iterable[str], body: bytes, headers: Mapping[str, str], now_s: float) -> str:
    """Verify Standard Webhooks: ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature: v1,<base64>``, of which
    several may be separated by spaces; one must be by one of `secrets`. Return the message's id. Raises
    WebhookRefused.
    """
    message_id = headers.get("webhook-id", "")
    sent_at = headers.get("webhook-timestamp", "")
    if _MESSAGE_ID.fullmatch(message_id) is None:
        raise WebhookRefused("The message's webhook-id is missing, or is none.")
    _check_time(sent_at, now_s)
    expected = [_standard(secret, message_id, sent_at, body) for secret in secrets]
    given = (part.partition(",") for part in headers.get("webhook-signature", "").split())
    _check_any(expected, [value for version, _, value in given if version == "v1"])
    return message_id


def sign_standard(secrets: Iterable[str], message_id: str, body: bytes, now_s: float) -> dict[str, str]:
    """Return the three headers of Standard Webhooks, with a signature by each of `secrets`."""
    sent_at = str(int(now_s))
    signatures = [f"v1,{_standard(secret, message_id, sent_at, body)}" for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": sent_at,
        "webhook-signature": " ".join(signatures),
    }


def _standard(secret: str, message_id: str, sent_at: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_STANDARD_PREFIX))
    signed = message_id.encode() + b"." + sent_at.encode() + b"." + body
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


# --- Steps ------------------------------------------------------------------------------------------------------------


def _check_time(sent_at: str, now_s: float) -> None:
    # ASCII digits only: int() accepts other scripts, and a sign.
    if not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) <= 12):
        raise WebhookRefused("The message does not say when it was sent.")
    if abs(now_s - int(sent_at)) > TOLERANCE_S:
        raise WebhookRefused(f"The message was not sent within {TOLERANCE_S} seconds of now.")


def _check_any(expected: list[str], given: list[str]) -> None:
    # As bytes: compare_digest accepts only ASCII texts.
    if not any(hmac.compare_digest(ours.encode(), theirs.encode()) for ours in expected for theirs in given):
        raise WebhookRefused("The signature is not the provider's.")
