"""Web Push (RFC 8030): an encrypted message is left with the browser's push service, which wakes the browser."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ordercast.commerce.notifications import Severity
from ordercast.outgoing import AddressRefused
from ordercast.outgoing.http import OutgoingHttp, RequestFailed

from .push_encryption import PLAINTEXT_BYTES_MAX, BrowserKeys, encoded, encrypt
from .responses import raise_for_status
from .sender import Delayed, Gone, OutgoingNotification, Refused
from .vapid import VapidKey

# A browser that is offline for longer misses the push, and finds the notification when it opens a page.
TTL_S: Final = 86_400
# RFC 8030 section 5.3: at low battery a device is woken for high urgency only.
_URGENCY: Final = {Severity.INFO: "normal", Severity.WARNING: "high", Severity.ERROR: "high"}
# RFC 8030 section 7.3: the subscription has ended; older services answer 404.
_GONE: Final = frozenset({404, 410})


class PushSender:
    def __init__(self, http: OutgoingHttp, key: VapidKey) -> None:
        self._http = http
        self._key = key

    def __repr__(self) -> str:
        return f"<PushSender {self._key!r}>"

    async def send(self, notification: OutgoingNotification) -> None:
        endpoint = notification.address
        try:
            browser = BrowserKeys.parse(str(notification.keys["p256dh"]), str(notification.keys["auth"]))
        except (KeyError, TypeError, ValueError):
            raise Gone("keys") from None
        headers = {
            "Authorization": self._key.authorization(endpoint),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(TTL_S),
            "Urgency": _URGENCY[notification.severity],
            "Topic": topic(notification.tag),
        }
        try:
            response = await self._http.post(endpoint, headers, encrypt(payload(notification), browser))
        except AddressRefused:
            raise Gone("private_address") from None
        except RequestFailed as why:
            raise Delayed(str(why)) from None
        raise_for_status(response, "a push service", gone=_GONE)

    async def close(self) -> None:
        await self._http.close()


def topic(tag: str) -> str:
    """The Topic header (RFC 8030 section 5.4): a push service keeps only the last waiting message of a topic."""
    return encoded(hashlib.sha256(tag.encode()).digest()[:24])


def payload(notification: OutgoingNotification) -> bytes:
    """Encode as Declarative Web Push (W3C Push API, section 3.3). Browsers that know it show it themselves; in others
    our service worker does.
    """
    shown = {
        "title": notification.title,
        "body": notification.text,
        "lang": notification.language,
        "tag": notification.tag,
        "navigate": notification.link,
        "timestamp": notification.created_at_ms,
        "requireInteraction": notification.severity is Severity.ERROR,
    }
    content = _message(shown)
    excess = len(content) - PLAINTEXT_BYTES_MAX
    if excess > 0:
        # A name in the text may be too long. Cut by bytes, as the limit is in bytes.
        body = notification.text.encode()[: max(0, len(notification.text.encode()) - excess - 3)]
        content = _message({**shown, "body": body.decode(errors="ignore") + "\N{HORIZONTAL ELLIPSIS}"})
    if len(content) > PLAINTEXT_BYTES_MAX:
        raise Refused("too_large")
    return content


def _message(shown: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode({"web_push": 8030, "notification": shown})
