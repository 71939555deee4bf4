"""Encrypts Web Push messages (RFC 8291): one aes128gcm record (RFC 8188) that only the subscribed browser can read."""

from __future__ import annotations

import base64
import binascii
import os
import re
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVE: Final = ec.SECP256R1()
POINT_BYTES: Final = 65  # uncompressed, SEC 1 section 2.3.3
AUTH_BYTES: Final = 16  # RFC 8291 section 3.2
SALT_BYTES: Final = 16
RECORD_BYTES: Final = 4_096
# RFC 8291 section 4: 4,096 bytes are taken everywhere; the header takes 86, the tag 16, the delimiter one.
PLAINTEXT_BYTES_MAX: Final = RECORD_BYTES - 86 - 16 - 1
_BASE64: Final = re.compile(r"[A-Za-z0-9_+/-]+={0,2}")


@dataclass(frozen=True, slots=True)
class BrowserKeys:
    """The keys of a PushSubscription."""

    point: bytes
    auth: bytes

    @classmethod
    def parse(cls, p256dh: str, auth: str) -> BrowserKeys:
        """Raises ValueError with the name of the invalid key."""
        point, secret = decoded(p256dh), decoded(auth)
        if point is None or len(point) != POINT_BYTES or not _is_on_curve(point):
            raise ValueError("p256dh")
        if secret is None or len(secret) != AUTH_BYTES:
            raise ValueError("auth")
        return cls(point, secret)


def encrypt(
    plaintext: bytes, browser: BrowserKeys, *, own: ec.EllipticCurvePrivateKey | None = None, salt: bytes | None = None
) -> bytes:
    """Return the body of a push message. `own` and `salt` are random unless a test vector gives them."""
    assert len(plaintext) <= PLAINTEXT_BYTES_MAX
    own = own or ec.generate_private_key(CURVE)
    salt = os.urandom(SALT_BYTES) if salt is None else salt
    own_point = own.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    key, nonce = content_keys(own, browser.point, browser, own_point, salt)
    # RFC 8188 section 2.1: the salt, the record size, and the key id, which is our public key.
    header = salt + RECORD_BYTES.to_bytes(4, "big") + bytes([len(own_point)]) + own_point
    return header + AESGCM(key).encrypt(nonce, plaintext + b"\x02", None)


def content_keys(
    private: ec.EllipticCurvePrivateKey, public_point: bytes, browser: BrowserKeys, sender_point: bytes, salt: bytes
) -> tuple[bytes, bytes]:
    """Derive the content key and nonce (RFC 8291 section 3.4), the same for sender and browser."""
    shared = private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, public_point))
    info = b"WebPush: info\x00" + browser.point + sender_point
    ikm = _hkdf(browser.auth, shared, info, 32)
    return (
        _hkdf(salt, ikm, b"Content-Encoding: aes128gcm\x00", 16),
        _hkdf(salt, ikm, b"Content-Encoding: nonce\x00", 12),
    )


def _hkdf(salt: bytes, key: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(key)


def decoded(text: str) -> bytes | None:
    """Decode base64 or base64url, with or without padding; None if it is neither."""
    if _BASE64.fullmatch(text) is None:
        return None
    digits = text.rstrip("=")
    try:
        return base64.urlsafe_b64decode(digits.replace("+", "-").replace("/", "_") + "=" * (-len(digits) % 4))
    except (binascii.Error, ValueError):
        return None


def encoded(content: bytes) -> str:
    """Encode as base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _is_on_curve(point: bytes) -> bool:
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(CURVE, point)
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True
