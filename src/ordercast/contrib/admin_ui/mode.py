"""How much the dashboard is shown."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    DEVELOPMENT = "development"
    """Every socket, room and event, one by one."""
    PRODUCTION = "production"
    """Figures alone; nothing is kept or sent for a socket."""
