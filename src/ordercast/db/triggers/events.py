"""Events that a trusted back end publishes."""

from __future__ import annotations

from typing import Final

from .making import FEED_COLUMNS

_EVENT_PUBLISHED: Final = f"""
CREATE TRIGGER events_published AFTER INSERT ON published_events
BEGIN
  INSERT INTO feed ({FEED_COLUMNS})
    VALUES ('event.published', NEW.id, 1, NEW.actor, NULL, NEW.created_at, NULL,
      json_object('event', NEW.event, 'rooms', json(NEW.rooms), 'args', json(NEW.args)));
END
"""  # noqa: S608 - made of column names alone

EVENT_TRIGGERS: Final[dict[str, str]] = {"events_published": _EVENT_PUBLISHED.strip()}
