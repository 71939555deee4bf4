"""The pages' own sentences, for what the server renders of them: made by their build, so that both say the same."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from ordercast.commerce.currencies import exponent_of
from ordercast.commerce.letters import Language
from ordercast.commerce.local_times import day_and_month

FILE: Final = "render-manifest.json"
# As in the pages (`LANGUAGE_TAGS`).
_TAGS: Final = {Language.ENGLISH: "en-GB", Language.BENGALI: "bn-BD"}
_NAMED: Final = re.compile(r"\{(\w+)\}")


class _Language(Struct, frozen=True):
    messages: dict[str, str]
    digits: str
    grouping: int
    """How many digits stand together before the last three."""
    currencies: dict[str, tuple[str, str]]
    """What stands before and behind a sum."""
    scripts: list[str] = []
    """The sentences of the page's own, where a file apart has them."""


class PageManifest(Struct, frozen=True):
    """What the build leaves for rendering; files are named by their addresses."""

    scripts: list[str]
    styles: list[str]
    languages: dict[str, _Language]


def read_page_manifest(folder: Path) -> PageManifest | None:
    """None where the pages are not built, or by a build that leaves none."""
    path = folder / FILE
    return msgspec.json.decode(path.read_bytes(), type=PageManifest) if path.is_file() else None


class Translations:
    """One language's, by the shop's clock."""

    def __init__(self, manifest: PageManifest, language: Language, zone: tzinfo) -> None:
        self.manifest = manifest
        self.language = language
        self.zone = zone
        self._of = manifest.languages[language]
        self._digits = str.maketrans("0123456789", self._of.digits)

    @property
    def scripts(self) -> list[str]:
        """What a browser runs to show the page in this language."""
        return [*self.manifest.scripts, *self._of.scripts]

    @property
    def tag(self) -> str:
        return _TAGS[self.language]

    def t(self, key: str, **values: Any) -> str:
        """The sentence, with its values filled in; numbers among them in the language's digits."""

        def filled(named: re.Match[str]) -> str:
            value = values.get(named[1], named[0])
            return self.number(value) if isinstance(value, int) else str(value)

        return _NAMED.sub(filled, self._of.messages[key])

    def number(self, value: int) -> str:
        sign, digits = "-" if value < 0 else "", str(abs(value))
        whole, groups = digits[:-3], [digits[-3:]]
        while whole:
            groups.insert(0, whole[-self._of.grouping :])
            whole = whole[: -self._of.grouping]
        return sign + ",".join(groups).translate(self._digits)

    def money(self, minor: int, currency: str) -> str:
        """Without a fraction that is naught, as the pages have it."""
        before, behind = self._of.currencies.get(currency, (f"{currency}\u00a0", ""))
        exponent = exponent_of(currency)
        whole, rest = divmod(abs(minor), 10**exponent)
        fraction = f".{rest:0{exponent}d}".translate(self._digits) if rest else ""
        return f"{'-' if minor < 0 else ''}{before}{self.number(whole)}{fraction}{behind}"

    def time(self, at: str) -> str:
        return f"{self._local(at):%H:%M}".translate(self._digits)

    def moment(self, at: str, now: str) -> str:
        """The time of today; of another day with the date."""
        local = self._local(at)
        if local.date() == self._local(now).date():
            return self.time(at)
        return f"{day_and_month(local, self.language)}, {self.time(at)}"

    def _local(self, at: str) -> datetime:
        return datetime.fromisoformat(at).astimezone(self.zone)
