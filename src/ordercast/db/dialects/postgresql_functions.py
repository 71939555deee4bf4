"""The functions that PostgreSQL is given, so that a plain INSERT of another program is completed as one of ours."""

from __future__ import annotations

from typing import Final

from ordercast.commerce.ids import ALPHABET

# The clock, not the transaction's beginning: a transaction may be long, and its rows are read by their times.
_NOW: Final = """\
CREATE FUNCTION ordercast_now() RETURNS text LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
  SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$"""

_ACTOR: Final = """\
CREATE FUNCTION ordercast_actor() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT 'db:' || session_user || '@' || coalesce(nullif(current_setting('application_name', true), ''), 'unknown')
$$"""

# Of a UUID's sixteen random bytes five bits each: all of chance, but one.
_NEW_ID: Final = f"""\
CREATE FUNCTION ordercast_new_id(prefix text) RETURNS text LANGUAGE plpgsql VOLATILE PARALLEL SAFE AS $$
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

FUNCTIONS: Final = (_NOW, _ACTOR, _NEW_ID)
