"""The functions that PostgreSQL is given, so that a plain INSERT of another program is completed as one of ours."""

from __future__ import annotations

from typing import Final

from ordercast.commerce.ids import ALPHABET
from ordercast.db.dialect import FLOAT_MAX, JSON_LEVELS_MAX
from ordercast.db.publish_by_sql import PUBLISH_FUNCTIONS

# Triggers must find our tables whoever's session fires them: replication applies with an empty path, and a session may
# have a temporary table that is called like one of ours. The place is chosen when the schema is made; it stays in each
# function that says FIXED_PATH.
_PLACE: Final = "SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)"
FIXED_PATH: Final = "SET search_path FROM CURRENT"

# The clock, not the transaction's beginning: a transaction may be long, and its rows are read by their times.
_NOW: Final = """\
CREATE FUNCTION ordercast_now() RETURNS text LANGUAGE sql VOLATILE PARALLEL SAFE
  RETURN to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""

_ACTOR: Final = """\
CREATE FUNCTION ordercast_actor() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  RETURN 'db:' || session_user || '@' || coalesce(nullif(current_setting('application_name', true), ''), 'unknown')"""

# Of a UUID's sixteen random bytes five bits each: all of chance, but one.
_NEW_ID: Final = f"""\
CREATE FUNCTION ordercast_new_id(prefix text) RETURNS text LANGUAGE plpgsql VOLATILE PARALLEL SAFE {FIXED_PATH} AS $$
DECLARE
  now_ms bigint := floor(extract(epoch FROM clock_timestamp()) * 1000);
  chance bytea := uuid_send(gen_random_uuid());
  id text := prefix || '_';
BEGIN
  FOR place IN 0..9 LOOP
    id := id || substr('{ALPHABET}', (now_ms >> (45 - 5 * place) & 31)::int + 1, 1);
  END LOOP;
  FOR place IN 0..15 LOOP
    id := id || substr('{ALPHABET}', (get_byte(chance, place) & 31) + 1, 1);
  END LOOP;
  RETURN id;
END
$$"""

# The type JSON keeps half a surrogate pair, which JSONB refuses; a NUL, which readers take, JSONB refuses too. Without
# what is escaped a backslash begins an escape.
_IS_READABLE: Final = f"""\
CREATE FUNCTION ordercast_is_readable(document text) RETURNS boolean
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE {FIXED_PATH} AS $$
DECLARE
  value jsonb;
BEGIN
  value := replace(replace(document, '\\\\', '--'), '\\u0000', '');
  RETURN NOT jsonb_path_exists(value, '$.**{{{JSON_LEVELS_MAX}}}')
    AND NOT jsonb_path_exists(value, '$.** ? (@.type() == "number" && (@ > {FLOAT_MAX} || @ < -{FLOAT_MAX}))');
EXCEPTION WHEN OTHERS THEN
  RETURN document IS NULL;
END
$$"""

RAW_CHANNEL: Final = "ordercast_raw"
"""NOTIFY on it says that rows without a number were committed to the feed."""
NO_TRUNCATE_FUNCTION: Final = "ordercast_no_truncate"
_NO_TRUNCATE: Final = f"""\
CREATE FUNCTION {NO_TRUNCATE_FUNCTION}() RETURNS trigger LANGUAGE plpgsql {FIXED_PATH} AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation',
    MESSAGE = TG_TABLE_NAME || ': is never emptied by TRUNCATE, which nobody would hear of';
END
$$"""

FUNCTIONS: Final = (_PLACE, _NOW, _ACTOR, _NEW_ID, _IS_READABLE, _NO_TRUNCATE, *PUBLISH_FUNCTIONS)
