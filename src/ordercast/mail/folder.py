"""A folder with one file per message, for development."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Final

from .mailer import MailServerAway

# The oldest are deleted: a load generator must not fill the disk.
FILES_MAX: Final = 2_000
# Files written between checks of their number.
LOOKED_AT_EVERY: Final = 100


class Folder:
    """Files with one `suffix`, written atomically: tests may be watching."""

    def __init__(self, path: Path, suffix: str) -> None:
        self.path = path
        self._suffix = suffix
        self._written = 0

    def write(self, name: str, content: bytes) -> None:
        """Write a file. Raises OSError."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._written % LOOKED_AT_EVERY == 0:
            self._make_room()
        self._written += 1
        draft = self.path / f".{name}.part"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        draft.replace(self.path / f"{name}{self._suffix}")

    def _make_room(self) -> None:
        files = sorted(self.path.glob(f"*{self._suffix}"), key=lambda file: file.stat().st_mtime)
        for file in files[: max(0, len(files) - FILES_MAX + LOOKED_AT_EVERY)]:
            file.unlink(missing_ok=True)


class FolderMailer:
    """Writes each mail to a file named by its id, so a repeated one overwrites the first."""

    def __init__(self, path: Path) -> None:
        self._folder = Folder(path, ".eml")

    def __repr__(self) -> str:
        return f"<FolderMailer {self._folder.path}>"

    @asynccontextmanager
    async def session(self) -> AsyncIterator[FolderMailer]:
        yield self

    async def deliver(self, message: EmailMessage) -> None:
        """Write the mail. Raises MailServerAway."""
        name = message["Message-ID"].strip("<>").partition("@")[0]
        try:
            await asyncio.to_thread(self._folder.write, name, message.as_bytes())
        except OSError as error:
            raise MailServerAway(f"{self._folder.path} cannot be written to: {error.strerror}") from None
