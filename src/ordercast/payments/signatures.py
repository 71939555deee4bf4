"""Who wrote a webhook: a signature over the raw body and the time of its sending, by a secret that both sides know."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from ordercast.commerce.errors import EventRefused

# Both schemes' own figure: a message recorded on its way is worth nothing five minutes later.
TOLERANCE_S: Final = 300
_STANDARD_PREFIX: Final = "whsec_"


def check_stripe(secret: str, body: bytes, header: str, now_s: float) -> None:
    """Stripe's scheme: ``Stripe-Signature: t=<seconds>,v1=<hex>``, several ``v1`` while a secret is rolled.

    Raises EventRefused.
    """
    parts = [part.strip().partition("=") for part in header.split(",")]
    sent_at = next((value for name, _, value in parts if name == "t"), "")
    _check_time(sent_at, now_s)
    expected = hmac.new(secret.encode(), sent_at.encode() + b"." + body, hashlib.sha256).hexdigest()
    _check_any(expected, [value for name, _, value in parts if name == "v1"])


def check_standard(secret: str, body: bytes, headers: Mapping[str, str], now_s: float) -> str:
    """Standard Webhooks: ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature: v1,<base64>``, several of
    these between spaces. Gives the message's id. Raises EventRefused.
    """
    message_id = headers.get("webhook-id", "")
    sent_at = headers.get("webhook-timestamp", "")
    if not message_id:
        raise EventRefused("The message has no webhook-id.")
    _check_time(sent_at, now_s)
    signed = message_id.encode() + b"." + sent_at.encode() + b"." + body
    key = base64.b64decode(secret.removeprefix(_STANDARD_PREFIX))
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    given = (part.partition(",") for part in headers.get("webhook-signature", "").split())
    _check_any(base64.b64encode(digest).decode(), [value for version, _, value in given if version == "v1"])
    return message_id


def _check_time(sent_at: str, now_s: float) -> None:
    # ASCII digits alone: int() reads those of every script, and a sign.
    if not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) <= 12):
        raise EventRefused("The message does not say when it was sent.")
    if abs(now_s - int(sent_at)) > TOLERANCE_S:
        raise EventRefused(f"The message was not sent within {TOLERANCE_S} seconds of now.")


def _check_any(expected: str, given: list[str]) -> None:
    # As bytes: compare_digest takes no other texts than ASCII.
    if not any(hmac.compare_digest(expected.encode(), value.encode()) for value in given):
        raise EventRefused("The signature is not the provider's.")
