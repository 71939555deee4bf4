"""Events that a trusted back end publishes."""

from __future__ import annotations

from inspect import cleandoc

from ordercast.db.dialects import Dialect, Trigger

from .making import FEED_COLUMNS


def event_triggers(dialect: Dialect) -> list[Trigger]:
    rooms, args = dialect.json_of("NEW.rooms"), dialect.json_of("NEW.args")
    document = dialect.object_of(["'event', NEW.event", f"'rooms', {rooms}", f"'args', {args}"])
    told = cleandoc(f"""
        INSERT INTO feed ({FEED_COLUMNS})
          VALUES ('event.published', NEW.id, 1, NEW.actor, NULL, NEW.created_at, NULL,
            {dialect.json_text(document)})
    """)
    return [Trigger("events_published", "AFTER INSERT", "published_events", (told,))]
