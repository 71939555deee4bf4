"""Rows that are there once, without which nobody is served: they are changed, never deleted."""

from __future__ import annotations

from ordercast.db.dialects import Trigger

from .making import refused


def shop_triggers() -> list[Trigger]:
    return [
        refused("shop_kept", "DELETE", "shop", "shop_kept: the rules of the shop are changed by UPDATE, never deleted"),
        refused(
            "epoch_kept",
            "DELETE",
            "meta",
            "epoch_kept: the epoch names the history that is in this database",
            when="OLD.name = 'epoch'",
        ),
        refused(
            "epoch_named",
            "UPDATE",
            "meta",
            "epoch_kept: the epoch names the history that is in this database",
            when="OLD.name = 'epoch' AND NEW.name <> 'epoch'",
        ),
    ]
