"""A browser and its push service, as RFC 8291 and RFC 8292 have them; of the shop's own code nothing is used.

The service is a real HTTP server. What it is given it checks, decrypts as the browser would, and keeps.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.outgoing.places import Reply, Request, serving


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _expanded(salt: bytes, key: bytes, info: bytes, length: int) -> bytes:
    """HKDF (RFC 5869) of up to 32 bytes."""
    extracted = hmac.digest(salt, key, hashlib.sha256)
    return hmac.digest(extracted, info + b"\x01", hashlib.sha256)[:length]


class Browser:
    """One subscription of a browser; with `private` and `auth` that of an example."""

    def __init__(self, private: int | None = None, auth: bytes | None = None) -> None:
        curve = ec.SECP256R1()
        self._key = ec.generate_private_key(curve) if private is None else ec.derive_private_key(private, curve)
        self.point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.auth = os.urandom(16) if auth is None else auth

    @property
    def keys(self) -> dict[str, str]:
        return {"p256dh": b64(self.point), "auth": b64(self.auth)}

    def decrypt(self, body: bytes) -> bytes:
        salt, record_size, id_length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        sender, content = body[21 : 21 + id_length], body[21 + id_length :]
        assert len(content) <= record_size
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        shared = self._key.exchange(ec.ECDH(), public)
        ikm = _expanded(self.auth, shared, b"WebPush: info\0" + self.point + sender, 32)
        key = _expanded(salt, ikm, b"Content-Encoding: aes128gcm\0", 16)
        nonce = _expanded(salt, ikm, b"Content-Encoding: nonce\0", 12)
        padded = AESGCM(key).decrypt(nonce, content, None).rstrip(b"\0")
        assert padded.endswith(b"\x02"), "the last record's delimiter"
        return padded[:-1]


class Push(NamedTuple):
    """A message that the service took."""

    browser: str
    shown: dict[str, Any]
    """The notification in it."""
    headers: dict[str, str]
    claims: dict[str, Any]
    """Of the VAPID token."""
    key: str
    """The public key of whoever sent it."""


class PushService:
    """Browsers are known by the last part of their endpoint. `answers` are given in place of 201, one after another."""

    def __init__(self) -> None:
        self.origin = ""
        self.taken: list[Push] = []
        self.asked = 0
        self.answers: list[Reply | int] = []
        self.gone: set[str] = set()
        self._browsers: dict[str, Browser] = {}
        self._lock = threading.Lock()

    def browser(self, name: str) -> dict[str, Any]:
        """A new browser's subscription, as `JSON.stringify` makes it."""
        browser = self._browsers[name] = Browser()
        return {"endpoint": f"{self.origin}/push/{name}", "expirationTime": None, "keys": browser.keys}

    def titles(self, name: str | None = None) -> list[str]:
        return [push.shown["title"] for push in self.taken if name in {None, push.browser}]

    def response(self, request: Request) -> Reply:
        with self._lock:
            self.asked += 1
            if self.answers:
                given = self.answers.pop(0)
                return given if isinstance(given, Reply) else Reply(given)
            name = request.path.rpartition("/")[2]
            if name in self.gone or name not in self._browsers:
                return Reply(410)
            self.taken.append(self._read(name, request))
            return Reply(201, {"Location": f"{self.origin}/message/{len(self.taken)}"})

    def _read(self, name: str, request: Request) -> Push:
        headers = dict(request.headers)
        assert headers["content-encoding"] == "aes128gcm"
        assert 0 <= int(headers["ttl"]) <= 2_419_200
        assert headers["urgency"] in {"very-low", "low", "normal", "high"}
        assert len(headers["topic"]) <= 32
        assert set(headers["topic"]) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        scheme, _, parameters = headers["authorization"].partition(" ")
        assert scheme == "vapid"
        given = dict(part.strip().split("=", 1) for part in parameters.split(","))
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(given["k"]))
        claims = jwt.decode(given["t"], public, ["ES256"], audience=self.origin)
        assert 0 < claims["exp"] - time.time() <= 86_400
        message = json.loads(self._browsers[name].decrypt(request.body))
        assert message["web_push"] == 8030
        return Push(name, message["notification"], headers, claims, given["k"])


@contextmanager
def push_service() -> Iterator[PushService]:
    """Run one until the end of the block."""
    service = PushService()
    with serving(service.response) as port:
        service.origin = f"http://127.0.0.1:{port}"
        yield service
