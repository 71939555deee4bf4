"""All settings of a node, loaded from the environment and ``.env``."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec
from dotenv import dotenv_values

from .budgets import BudgetSettings, check_budgets
from .database import check_database, check_mongodb, check_redis, without_parameters_of_prisma
from .errors import PREFIX, ConfigError
from .network import check_places
from .notifications import check_mail, check_notifications
from .payments import check_payments
from .secrets import SECRET_BYTES_MIN, keep_first, kept
from .shop import check_attachments, check_place_and_time
from .tokens import check_claims, check_issuer, check_secrets


class Settings(BudgetSettings, frozen=True, kw_only=True):
    """One node's configuration; field ``x_y`` is the variable ``ORDERCAST_X_Y``."""


def load(environ: Mapping[str, str] | None = None, *, make_secret: bool = True, **overrides: Any) -> Settings:
    """Read the settings: `overrides` (from the command line) before the environment before ``.env``.

    An embedded database without a secret has one made, unless `make_secret` is false.
    Raises ConfigError for the first value that cannot be used.
    """
    environ = _environment() if environ is None else environ
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(Settings):
        raw = overrides.get(field.name)
        if raw is None:
            raw = environ.get(f"{PREFIX}{field.name.upper()}")
        if raw is not None and raw != "":
            values[field.name] = _convert(field.name, raw, field.type)
    if "database_url" in values:
        values["database_url"] = without_parameters_of_prisma(values["database_url"])
    settings = _with_source(Settings(**values))
    _check(settings)
    return _with_secret(settings, make_secret)


def misspelt(environ: Mapping[str, str] | None = None) -> list[str]:
    """A sentence for each variable with our prefix that is no setting."""
    known = [f"{PREFIX}{field.name.upper()}" for field in msgspec.structs.fields(Settings)]
    strange = {name for name in (_environment() if environ is None else environ) if name.startswith(PREFIX)} - {*known}
    return [_misspelt(name, get_close_matches(name, known, 1)) for name in sorted(strange)]


def _misspelt(name: str, near: list[str]) -> str:
    return f"{name} is no setting, and is not read" + (f"; did you mean {near[0]}?" if near else "")


def _environment() -> Mapping[str, str]:
    return {**{k: v for k, v in dotenv_values(".env").items() if v is not None}, **os.environ}


def _convert(name: str, raw: Any, type_: Any) -> Any:
    if type_ == tuple[str, ...] and isinstance(raw, str):
        return tuple(part.strip().rstrip("/") for part in raw.split(",") if part.strip())
    try:
        return msgspec.convert(raw, type_, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(name, f"{str(error)[:1].lower()}{str(error)[1:]} (given: {raw!r})") from None


def _with_source(settings: Settings) -> Settings:
    """With a mapping file `database_url` names the shop's database. What of ours is in it on a server, in a schema of
    its own, is a file of its own beside an embedded one.
    """
    path = settings.mapping_path
    if path is None:
        return settings
    source, own = settings.source_url or _source_in(path), settings.sqlite_path
    if source or own is None:
        return msgspec.structs.replace(settings, source_url=source)
    beside = own.with_name(f"{own.stem}.ordercast.db")
    return msgspec.structs.replace(settings, source_url=settings.database_url, database_url=f"sqlite:///{beside}")


def _source_in(path: Path) -> str:
    """The mapping file's database URL, or empty. The mapping's reader reports the file's errors."""
    import tomllib  # noqa: PLC0415 - most shops have no such file

    try:
        url = tomllib.loads(path.read_text(encoding="utf-8")).get("source", {}).get("url", "")
    except (OSError, ValueError, AttributeError):
        return ""
    return url if isinstance(url, str) else ""


def _with_secret(settings: Settings, make: bool) -> Settings:
    """An embedded database keeps its own secret beside it; any other must be given one."""
    if settings.secret:
        return settings
    if settings.sqlite_path is None:
        raise ConfigError("secret", "is required with a database server; make one with `openssl rand -hex 32`")
    path = settings.sqlite_path.with_suffix(".secret")
    secret = kept("secret", path)
    if secret is None and not make:
        raise ConfigError("secret", f"is not set, and there is none in {path}; `ordercast serve` makes one there")
    made = secrets.token_hex(SECRET_BYTES_MIN)
    return msgspec.structs.replace(settings, secret=secret or keep_first("secret", path, made))


def _check(settings: Settings) -> None:
    check_database(settings)
    check_claims(settings)
    check_issuer(settings)
    check_redis(settings)
    check_mongodb(settings)
    check_payments(settings)
    check_mail(settings)
    check_notifications(settings)
    check_places(settings)
    check_place_and_time(settings)
    check_budgets(settings)
    check_attachments(settings)
    check_secrets(settings)
