"""Erased customers: every node is told, for it may remember events of before."""

from __future__ import annotations

from typing import Final

from .making import FEED_COLUMNS

_ERASED: Final = f"""
CREATE TRIGGER customers_erased AFTER INSERT ON erasures
BEGIN
  INSERT INTO feed ({FEED_COLUMNS})
    VALUES ('customer.erased', NEW.customer_id, 1, NEW.actor, NULL, NEW.at, NULL, json_object('id', NEW.id));
END
"""  # noqa: S608 - made of column names alone

PRIVACY_TRIGGERS: Final[dict[str, str]] = {"customers_erased": _ERASED.strip()}
