"""Functions in PostgreSQL, so that plain INSERTs of other programs are completed."""

from __future__ import annotations

from typing import Final

from ordercast.commerce.ids import ALPHABET
from ordercast.db.dialect import FLOAT_MAX, JSON_LEVELS_MAX
from ordercast.db.publish_by_sql import PUBLISH_FUNCTIONS

# Triggers must find our tables in any session: replication has an empty search path, and sessions may have temporary
# tables of the same name. The path is fixed when the schema is created, in each function with FIXED_PATH.
_PLACE: Final = "SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)"
FIXED_PATH: Final = "SET search_path FROM CURRENT"

# clock_timestamp(): transactions may be long, and rows are read by time.
_NOW: Final = """\
CREATE FUNCTION ordercast_now() RETURNS text LANGUAGE sql VOLATILE PARALLEL SAFE
  RETURN to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""

_ACTOR: Final = """\
CREATE FUNCTION ordercast_actor() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  RETURN 'db:' || session_user || '@' || coalesce(nullif(current_setting('application_name', true), ''), 'unknown')"""

# Five bits of each of a UUID's bytes: all random but one.
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

# json accepts lone surrogates, which jsonb refuses; jsonb also refuses NUL, which readers accept. Without escaped
# backslashes each backslash begins an escape.
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
"""NOTIFY channel: unnumbered feed rows were committed."""
NO_TRUNCATE_FUNCTION: Final = "ordercast_no_truncate"
_NO_TRUNCATE: Final = f"""\
CREATE FUNCTION {NO_TRUNCATE_FUNCTION}() RETURNS trigger LANGUAGE plpgsql {FIXED_PATH} AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation',
    MESSAGE = TG_TABLE_NAME || ': is never emptied by TRUNCATE, which nobody would hear of';
END
$$"""

FUNCTIONS: Final = (_PLACE, _NOW, _ACTOR, _NEW_ID, _IS_READABLE, _NO_TRUNCATE, *PUBLISH_FUNCTIONS)
