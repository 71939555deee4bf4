"""Shared by commands: settings and the database."""

from __future__ import annotations

import gc
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ordercast import config, telemetry
from ordercast.config import Settings

if TYPE_CHECKING:
    from ordercast.db import Store

DatabaseUrl = Annotated[str | None, Parameter(help="Instead of ORDERCAST_DATABASE_URL.")]

log = logging.getLogger("ordercast.config")


def load_settings(*, make_secret: bool = True, **overrides: Any) -> Settings:
    """Load the settings and configure logging. Raises ConfigError."""
    gc.freeze()  # freezes all imports, which would be scanned at once
    gc.enable()
    settings = config.load(make_secret=make_secret, **overrides)
    telemetry.configure_logging(settings.log_level, settings.log_format)
    for sentence in config.misspelt():
        log.warning(sentence)
    return settings


def load_settings_unsigned(database_url: str | None) -> Settings:
    """As `load_settings`, for a command that signs nothing: who runs it need not know the secret."""
    return load_settings(make_secret=False, database_url=database_url, secret=secrets.token_hex(32), secret_previous="")


@asynccontextmanager
async def started_store(settings: Settings) -> AsyncIterator[Store]:
    """The started database, beside serving nodes. Raises ConfigError for an unusable one."""
    from ordercast.app import begin, open_store  # noqa: PLC0415 - slow to load; not every command has a database

    store = open_store(settings)
    await begin(store)
    try:
        yield store
    finally:
        await store.close()
