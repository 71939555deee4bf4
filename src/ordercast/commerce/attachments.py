"""Attachments of messages: references to files that the shop's back end has signed.

Nothing is fetched here. The back end accepts the upload, inspects it, and signs URL, name, type and size. The client
sends these unchanged with the message, so type and size are the back end's, not the browser's.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from .errors import InvalidField
from .timestamps import Timestamp

# Files per message.
ATTACHMENTS_MAX: Final = 5
URL_CHARACTERS_MAX: Final = 2_000
# The signed fields, in this order; versioned.
_FORMAT: Final = "ordercast-attachment-v1"
_OFF: Final = "This shop takes no files in conversations."


@dataclass(frozen=True, slots=True)
class SignedFile:
    """A signed file, as a client sends it; `expires` is in Unix seconds."""

    url: str
    name: str
    type: str
    size: int
    expires: int
    signature: str


@dataclass(frozen=True, slots=True)
class AttachmentRules:
    """A shop's rules; without secrets no attachments are accepted."""

    secrets: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    """Host names such as ``files.shop.example.com`` or ``*.example.com``."""
    types: tuple[str, ...] = ()
    """Media types such as ``image/png``."""
    bytes_max: int = 0

    def check(self, files: Sequence[SignedFile], now: Timestamp) -> None:
        """Check the files. Raises InvalidField with the file and field."""
        if files and not self.secrets:
            raise InvalidField("attachments", _OFF)
        for index, file in enumerate(files):
            for field, problem in self._problems(file, now):
                raise InvalidField(f"attachments[{index}].{field}", problem)

    def _problems(self, file: SignedFile, now: Timestamp) -> list[tuple[str, str]]:
        found = []
        if not self._is_ours(file.url):
            found.append(("url", "It must be an https address on a host that this shop keeps files on."))
        if "\n" in file.name:
            found.append(("name", "It must be one line."))
        if file.type not in self.types:
            found.append(("type", f"This shop takes {', '.join(self.types)}."))
        if not 0 < file.size <= self.bytes_max:
            found.append(("size", f"A file has between 1 and {self.bytes_max} bytes."))
        if not any(
            hmac.compare_digest(sign(secret, file).encode(), file.signature.encode()) for secret in self.secrets
        ):
            found.append(("signature", "It is not the signature of this file."))
        elif file.expires < datetime.fromisoformat(now).timestamp():
            found.append(("expires", "The signature has expired; ask for another."))
        return found

    def _is_ours(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return False
        if parts.scheme != "https" or parts.username is not None or port not in {None, 443}:
            return False
        # Parsers disagree where the host of other URLs ends; and the signed text has a line per field.
        if not re.fullmatch(r"[!-~]+", url) or "\\" in url:
            return False
        return any(host == name or (name.startswith("*.") and host.endswith(name[1:])) for name in self.hosts)


def sign(secret: str, file: SignedFile) -> str:
    """Sign a file: HMAC-SHA256 in hexadecimal over its fields, a line each."""
    signed = "\n".join((_FORMAT, str(file.expires), str(file.size), file.type, file.name, file.url))
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
