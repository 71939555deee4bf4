"""Files in a conversation, by reference: what the shop's own back end vouches for.

Nothing is fetched here. The shop's back end takes the upload, looks at it, and signs what it found: where it is, what
it is called, its type and its size. Whoever writes a message sends these as they were given to them, so type and size
are the back end's word and not a browser's.
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

# A message is words, with a few pictures to them.
ATTACHMENTS_MAX: Final = 5
URL_CHARACTERS_MAX: Final = 2_000
# What a signature covers, in this order; a version, so that it may cover more one day.
_FORMAT: Final = "ordercast-attachment-v1"
_OFF: Final = "This shop takes no files in conversations."


@dataclass(frozen=True, slots=True)
class SignedFile:
    """What a client sends of one file; `expires` is in Unix seconds."""

    url: str
    name: str
    type: str
    size: int
    expires: int
    signature: str


@dataclass(frozen=True, slots=True)
class AttachmentRules:
    """Of a shop; without secrets it takes none."""

    secrets: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    """Names such as ``files.shop.example.com``, or ``*.example.com``."""
    types: tuple[str, ...] = ()
    """Media types such as ``image/png``."""
    bytes_max: int = 0

    def check(self, files: Sequence[SignedFile], now: Timestamp) -> None:
        """Raises InvalidField, which names what is wrong of which file."""
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
        # Programs do not agree on where the host of such an address ends; and a line each is signed.
        if not re.fullmatch(r"[!-~]+", url) or "\\" in url:
            return False
        return any(host == name or (name.startswith("*.") and host.endswith(name[1:])) for name in self.hosts)


def sign(secret: str, file: SignedFile) -> str:
    """The signature of a file: HMAC-SHA256 in hexadecimal, over its fields a line each."""
    signed = "\n".join((_FORMAT, str(file.expires), str(file.size), file.type, file.name, file.url))
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
