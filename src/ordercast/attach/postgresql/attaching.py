"""Makes, and takes away, what a mapping needs in a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import psycopg

from ordercast.attach.attaching import transaction_script
from ordercast.attach.mapping import Fault, MappingError, Watch
from ordercast.attach.mapping import Mapping as MappingFile
from ordercast.attach.suggestions import Dialect, KnownTable
from ordercast.attach.toml_lines import Path
from ordercast.db.postgresql.connection import connect
from ordercast.db.sql import quoted

from .catalogue import AttachedTrigger, Catalogue
from .checking import Found, applied_faults, fault_of, resolve, slow_filters, unheard_targets
from .compiling import Compiled, CompiledTrigger
from .reading import read_tables

# A trigger is made under a lock that waits for who is writing, and lets nobody write behind it: no longer than this.
LOCK_MS_MAX: Final = 5_000
TABLES: Final = ("attach_errors",)
_FUNCTIONS: Final = (
    "attach_rooms(jsonb)",
    "attach_failed(text, text, text, text, text)",
)
# Made besides our schema's own: a shop that is attached to nothing has none of it.
SUPPORT: Final = (
    """CREATE TABLE IF NOT EXISTS attach_errors (
  id bigint GENERATED ALWAYS AS IDENTITY,
  mapping text NOT NULL,
  transaction text NOT NULL DEFAULT CAST(pg_current_xact_id() AS text),
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  verb text,
  entity text,
  code text,
  message text,
  count bigint NOT NULL DEFAULT 1,
  told boolean NOT NULL DEFAULT false,
  PRIMARY KEY (mapping, transaction)
)""",
    # Who deals with them looks for those alone.
    "CREATE INDEX IF NOT EXISTS attach_errors_untold ON attach_errors (id) WHERE NOT told",
    """CREATE OR REPLACE FUNCTION attach_rooms(named jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE jsonb_typeof($1)
    WHEN 'array' THEN ARRAY(SELECT r FROM jsonb_array_elements_text($1) AS r WHERE r <> '')
    WHEN 'string' THEN array_remove(ARRAY[nullif($1 #>> '{}', '')], NULL)
    WHEN 'number' THEN ARRAY[$1 #>> '{}']
    ELSE ARRAY[]::text[] END
$$""",
    # One row for a transaction, which nobody else waits for. Nothing that goes wrong here is the writer's either.
    """CREATE OR REPLACE FUNCTION attach_failed(text, text, text, text, text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO attach_errors (mapping, verb, entity, code, message)
    VALUES ($1, $2, left($3, 500), $4, left($5, 1000))
    ON CONFLICT (mapping, transaction) DO UPDATE SET count = attach_errors.count + 1;
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING 'Ordercast could not keep an error of %: % (%)', $1, $5, SQLERRM;
END
$$""",
    "REVOKE ALL ON FUNCTION attach_failed(text, text, text, text, text) FROM PUBLIC",
)


class PostgresqlAttaching:
    """One connection to the shop's database, in whose path our schema stands. Used as a context, and ended there."""

    dialect: Dialect = "postgresql"

    def __init__(self, url: str, mapping: MappingFile) -> None:
        """Raises psycopg.Error."""
        self._connection = connect(url, name="attach", options=f"-c lock_timeout={LOCK_MS_MAX}")
        self._mapping = mapping

    def __enter__(self) -> PostgresqlAttaching:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _ask(self, query: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        cursor = self._connection.execute(query.encode(), values)
        return cursor.fetchall() if cursor.description is not None else []

    def resolve(self) -> Found:
        """What the mapping comes to here, with the faults of its SQL."""
        found = resolve(self._mapping, Catalogue(self._ask))
        wrong = {compiled.emit.name: fault for compiled in found.compiled for fault in self._sql_faults(compiled)}
        return replace(
            found,
            compiled=tuple(each for each in found.compiled if each.emit.name not in wrong),
            faults=tuple(sorted((*found.faults, *wrong.values()))),
        )

    def _sql_faults(self, compiled: Compiled) -> Iterator[Fault]:
        """Have PostgreSQL read each piece of SQL, as far as it does without a row."""
        emit, target = compiled.emit, compiled.triggers[0].target
        pieces: list[tuple[Path, str]] = [(("sql", name), sql) for name, sql in emit.sql.items()]
        if emit.when:
            pieces.append((("when",), emit.when))
        old = "" if isinstance(emit, Watch) else f' CROSS JOIN {target.quoted} AS "old"'
        for path, sql in pieces:
            text = f'EXPLAIN SELECT ({sql.strip().rstrip(";")}\n) FROM {target.quoted} AS "new"{old}'
            try:
                with self._connection.transaction():
                    self._connection.execute(f"SET LOCAL search_path = {quoted(target.schema)}, pg_temp".encode())
                    self._connection.execute(text.encode(), prepare=False)
            except psycopg.Error as error:
                words = (error.diag.message_primary or str(error)).strip()
                yield Fault(emit.line_of(*path), f"PostgreSQL cannot read this: {words}")

    def known_tables(self) -> list[KnownTable]:
        """All tables, for a suggestion."""
        ((schema,),) = self._ask("SELECT coalesce(current_schema(), '')")
        return read_tables(self._ask, "" if schema == "public" else schema)

    # --- Checking ---------------------------------------------------------------------------------------------------

    def check(self) -> list[Fault]:
        """All that keeps something from being told as the file says."""
        found = self.resolve()
        return sorted([*found.faults, *applied_faults(found, self._attached(), self._mapping)])

    def notes(self) -> list[Fault]:
        """What is to be known besides, and is no fault."""
        return [*unheard_targets(self.resolve()), *slow_filters(self._mapping, Catalogue(self._ask))]

    def _attached(self) -> list[AttachedTrigger]:
        return Catalogue(self._ask).attached()

    # --- Making -----------------------------------------------------------------------------------------------------

    def statements(self) -> list[str]:
        """What makes all of it anew, in order. Raises MappingError."""
        return [self._place(), *SUPPORT, *self._statements(self._resolved().compiled, [])]

    def script(self) -> str:
        """The same, for a database administrator's terminal."""
        return transaction_script(self.statements())

    def apply(self) -> list[str]:
        """Make what is missing or another, and take away what is of no use any more, at once: what changed.

        Raises MappingError, psycopg.Error.
        """
        found = self._resolved()
        with self._connection.transaction():
            done = list(self._statements(found.compiled, self._attached()))
            for statement in (self._place(), *SUPPORT, *done, "DELETE FROM attach_errors"):
                self._connection.execute(statement.encode())
        return [each for each in done if not each.startswith("CREATE OR REPLACE")]

    def _place(self) -> str:
        """Functions keep the path that they are made in."""
        schema = Catalogue(self._ask).own_schema()
        return f"SET LOCAL search_path = {quoted(schema)}, pg_temp"

    def _resolved(self) -> Found:
        found = self.resolve()
        if found.faults:
            raise MappingError(self._mapping.path, list(found.faults))
        return found

    def _statements(self, compiled: Sequence[Compiled], attached: list[AttachedTrigger]) -> Iterator[str]:
        there = {(trigger.oid, trigger.name): trigger for trigger in attached}
        for each in compiled:
            yield from each.create_functions
            for wanted in each.triggers:
                yield from _replacing(wanted, each, there.pop((wanted.target.oid, wanted.name), None))
        yield from (trigger.drop for trigger in there.values())
        kept = {name for each in compiled for name in each.functions}
        gone = {trigger.function for trigger in there.values()} - kept
        yield from (f"DROP FUNCTION IF EXISTS {name}()" for name in sorted(gone))

    # --- Taking away ------------------------------------------------------------------------------------------------

    def detach(self, *, with_schema: bool) -> list[str]:
        """Take away every trigger and function, and `with_schema` all of ours. Raises psycopg.Error."""
        with self._connection.transaction():
            done = [each.drop for each in self._attached()]
            made = "SELECT proname FROM pg_proc WHERE pronamespace = to_regnamespace(quote_ident(current_schema()))"
            names = [name for (name,) in self._ask(made) if name.startswith(("emit_", "emptied_"))]
            done += [f"DROP FUNCTION IF EXISTS {name}()" for name in sorted(names)]
            done += [f"DROP FUNCTION IF EXISTS {function}" for function in _FUNCTIONS]
            done += [f"DROP TABLE IF EXISTS {table}" for table in TABLES]
            ((schema,),) = self._ask("SELECT current_schema()")
            if with_schema and schema not in {None, "public"}:
                done.append(f"DROP SCHEMA {quoted(schema)} CASCADE")
            for statement in done:
                self._connection.execute(statement.encode())
        return done


def _replacing(wanted: CompiledTrigger, compiled: Compiled, former: AttachedTrigger | None) -> Iterator[str]:
    """What makes one trigger as it should be, if its function is."""
    if former is not None:
        body = compiled.functions[wanted.function]
        enabled = "A" if wanted.target.is_owned else "O"
        if fault_of(wanted, compiled, replace(former, body=body, is_definer=True, enabled=enabled)) is None:
            if former.enabled != enabled:
                yield wanted.always or wanted.ordinary
            return
        yield wanted.drop
    yield wanted.create
    if wanted.always is not None:
        yield wanted.always
