"""Checks of secrets, and those that are kept beside an embedded database."""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import zlib
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from .errors import ConfigError

# By chance 32 hex digits have sixteen different ones, and cannot be packed below their 32 bytes and zlib's frame.
SECRET_DISTINCT_MIN = 8
SECRET_COMPRESSED_MIN = 32
_EXAMPLE = re.compile(
    r"(?i)change[ _-]?(me|this|it)|your[\w -]{0,12}secret|replace[ _-]?(me|this)|qwertyuiop|asdfghjkl"
)
SIGNING_KEY = "must be `whsec_` and at least 24 bytes in base64, as from `openssl rand -base64 32`"
SECRET_BYTES_MIN = 32  # RFC 7518 section 3.2: an HS256 key is at least as long as its hash


def check_secret(name: str, secret: str) -> None:
    if secret and len(secret.encode()) < SECRET_BYTES_MIN:
        raise ConfigError(name, f"must be at least {SECRET_BYTES_MIN} bytes long, e.g. from `openssl rand -hex 32`")
    if secret and is_guessable(secret):
        raise ConfigError(
            name, "can be guessed: it repeats itself, counts on, or is an example; `openssl rand -hex 32`"
        )


def is_guessable(secret: str) -> bool:
    """Whether it was not made by chance: few different characters or steps between them, repetition, or an example's
    words. Whoever guesses it signs tokens for everybody.
    """
    steps = {ord(after) - ord(before) for before, after in pairwise(secret)}
    return (
        min(len(set(secret)), len(steps)) < SECRET_DISTINCT_MIN
        or len(zlib.compress(secret.encode(), 9)) < SECRET_COMPRESSED_MIN
        or _EXAMPLE.search(secret) is not None
    )


def is_standard_secret(secret: str) -> bool:
    try:
        return len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) >= 24
    except binascii.Error:
        return False


def kept(name: str, path: Path) -> str | None:
    """What was made once; None where it was not."""
    try:
        found = path.read_text().strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(name, f"cannot be read from {path} ({error.strerror})") from None
    if not found:
        raise ConfigError(name, f"{path} is empty; remove it to have a new one made")
    return found


def keep_first(name: str, path: Path, made: str) -> str:
    """Keep what was `made` for a database, or take what another process has made meanwhile."""
    # Written whole under another name and then linked: nobody can read half a secret, and the first one stays.
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(made + "\n")
            with suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink()
    except OSError as error:
        raise ConfigError("database_url", f"cannot write beside the database ({error.strerror})") from None
    first = kept(name, path)
    assert first is not None
    return first
