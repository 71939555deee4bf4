"""Publishing an event by SQL, in the caller's own transaction: the form that other programs are promised.

PostgreSQL: ``SELECT ordercast.publish('price', ARRAY['store-owners'], '[{"sku": "a"}]')``, whatever schema the tables
are in. SQLite: ``INSERT INTO ordercast_publish (event, rooms, args) VALUES (...)``, which is a view.
"""

from __future__ import annotations

from typing import Final

from ordercast.db.sql import literals
from ordercast.db.trigger import Refusal, Trigger
from ordercast.db.types import ChangeKind

from .event_names import CONNECTION_EVENTS

PUBLISH_SCHEMA: Final = "ordercast"
"""Where ``publish`` is found; our own schema, too, where nobody named another."""

# --- SQLite -----------------------------------------------------------------------------------------------------------

SQLITE_VIEWS: Final = (
    "CREATE VIEW ordercast_publish (event, rooms, args) AS SELECT event, rooms, args FROM published_events",
)
_ROOMS: Final = "rooms: the JSON array of at least one room, each a text that is not empty"
_IS_NO_ROOM: Final = (
    "CASE WHEN json_valid(NEW.rooms) AND json_type(NEW.rooms) = 'array' THEN json_array_length(NEW.rooms) = 0"
    " OR EXISTS (SELECT 1 FROM json_each(NEW.rooms) WHERE type <> 'text' OR value = '') ELSE 1 END"
)


def publish_triggers() -> tuple[Trigger, ...]:
    """Those of SQLite's view."""
    insert = """\
INSERT INTO published_events (event, rooms, args)
  VALUES (NEW.event, NEW.rooms, coalesce(NEW.args, '[]'))"""
    rooms, event = Refusal(_ROOMS, _IS_NO_ROOM), Refusal("event: it has a name", "coalesce(NEW.event, '') = ''")
    return (Trigger("published_by_sql", "INSTEAD OF INSERT", "ordercast_publish", (event, rooms, insert)),)


# --- PostgreSQL -------------------------------------------------------------------------------------------------------

BUILT_IN: Final = "built_in"
"""The row of ``meta`` that says, by ``false``, that the shop is none of ours: the names of our events are its own."""

# As its owner: who may publish needs no right to any table. Whoever may use the schema `ordercast` may.
_CORE: Final = f"""\
CREATE FUNCTION ordercast_publish(event text, rooms text[], args json) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  made text;
BEGIN
  IF coalesce($1, '') = '' THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'event: it has a name';
  END IF;
  IF coalesce(cardinality($2), 0) = 0 OR '' = ANY($2) OR array_position($2, NULL) IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation',
      MESSAGE = 'rooms: at least one room, each a text that is not empty';
  END IF;
  IF json_typeof(coalesce($3, '[]')) <> 'array' THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation',
      MESSAGE = 'args: the JSON array of the event''s arguments; put a single one between [ and ]';
  END IF;
  IF NOT EXISTS (SELECT 1 FROM meta WHERE name = '{BUILT_IN}' AND value = 'false') THEN
    INSERT INTO published_events (event, rooms, args) VALUES ($1, to_json($2), coalesce($3, '[]'))
      RETURNING id INTO made;
    RETURN made;
  END IF;
  IF $1 IN ({literals(CONNECTION_EVENTS)}) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'event_not_reserved: connections are told by it';
  END IF;
  IF NOT ordercast_is_readable(CAST($3 AS text)) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation',
      MESSAGE = 'args_is_readable: JSON of numbers within a double, whole characters, and 100 levels at most';
  END IF;
  made := ordercast_new_id('evt');
  INSERT INTO feed (kind, entity_id, version, actor, at, after)
    VALUES ('{ChangeKind.EVENT_PUBLISHED}', made, 1, ordercast_actor(), ordercast_now(),
      CAST(json_build_object('event', $1, 'rooms', to_json($2), 'args', coalesce($3, '[]')) AS text));
  RETURN made;
END
$$"""
_CORE_RIGHTS: Final = "REVOKE ALL ON FUNCTION ordercast_publish(text, text[], json) FROM PUBLIC"

# A driver that says no type of a parameter sends a text: of JSON, or as PostgreSQL writes arrays. What is written as a
# plain literal is taken for one too, where several functions of a name would do.
_ROOMS_OF_TEXT: Final = (
    "CASE WHEN ltrim($2) LIKE '[%%' THEN ARRAY(SELECT json_array_elements_text(CAST($2 AS json)))"
    " WHEN ltrim($2) LIKE '{%%' THEN CAST($2 AS text[]) ELSE ARRAY[$2] END"
)
_FORMS: Final = (
    ("text[], args json", "$2", "$3"),
    ("text[], args jsonb", "$2", "CAST($3 AS json)"),
    ("text[], args text", "$2", "CAST($3 AS json)"),
    ("text, args text", _ROOMS_OF_TEXT, "CAST($3 AS json)"),
    ("jsonb, args jsonb", "ARRAY(SELECT jsonb_array_elements_text($2))", "CAST($3 AS json)"),
)
_MADE: Final = "\n".join(
    f"""\
    EXECUTE format($f$CREATE FUNCTION {PUBLISH_SCHEMA}.publish(event text, rooms {types}) RETURNS text
      LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
      $b$ SELECT %I.ordercast_publish($1, {rooms}, {args}) $b$$f$, current_schema());"""
    for types, rooms, args in _FORMS
)
_IN_ITS_SCHEMA: Final = f"""\
DO $do$
BEGIN
  IF to_regnamespace('{PUBLISH_SCHEMA}') IS NULL AND has_database_privilege(current_database(), 'CREATE') THEN
    CREATE SCHEMA {PUBLISH_SCHEMA};
  END IF;
  IF to_regnamespace('{PUBLISH_SCHEMA}') IS NOT NULL AND has_schema_privilege('{PUBLISH_SCHEMA}', 'CREATE')
      AND to_regprocedure('{PUBLISH_SCHEMA}.publish(text, text[], json)') IS NULL THEN
{_MADE}
  END IF;
END
$do$"""

PUBLISH_FUNCTIONS: Final = (_CORE, _CORE_RIGHTS, _IN_ITS_SCHEMA)
DROP_PUBLISH: Final = f"""\
DO $do$
DECLARE
  each regprocedure;
BEGIN
  FOR each IN SELECT oid FROM pg_proc WHERE proname = 'publish' AND pronamespace = to_regnamespace('{PUBLISH_SCHEMA}')
      AND prosrc LIKE '%' || quote_ident(current_schema()) || '.ordercast_publish(%' LOOP
    EXECUTE 'DROP FUNCTION ' || each;
  END LOOP;
  IF current_schema() <> '{PUBLISH_SCHEMA}' AND NOT EXISTS (
      SELECT 1 FROM pg_depend WHERE refobjid = to_regnamespace('{PUBLISH_SCHEMA}')) THEN
    DROP SCHEMA IF EXISTS {PUBLISH_SCHEMA};
  END IF;
END
$do$"""
"""Takes back what of it stands in another schema than ours."""
