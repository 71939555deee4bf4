"""Named values of the database."""

from __future__ import annotations

from typing import Final

from .columns import check, line, table, text
from .noun import Impersonal, Noun
from .statement import Statement, statements_in
from .trigger_helpers import refused

meta = table(
    "meta",
    line("name", primary_key=True),
    text("value"),
    # Positions begin with it and a colon.
    check("epoch_is_hex", "name <> 'epoch' OR @is_hex(value)"),
    check("feed_newest_is_number", "name <> 'feed_newest' OR @is_in_digits(value)"),
)

# --- Statements -------------------------------------------------------------------------------------------------------

VALUE: Final = Statement("SELECT value FROM meta WHERE name = :name")
VALUE_FOR_UPDATE: Final = Statement("SELECT value FROM meta WHERE name = :name @for_update")
KEEP: Final = Statement("""
    INSERT INTO meta (name, value) VALUES (:name, :value)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
""")
ADD: Final = Statement("INSERT INTO meta (name, value) VALUES (:name, :value) ON CONFLICT DO NOTHING")
FORGET: Final = Statement("DELETE FROM meta WHERE name = :name")

# --- Triggers ---------------------------------------------------------------------------------------------------------

# Required by every position: updated, never deleted.
_EPOCH_KEPT: Final = "epoch_kept: the epoch names the history that is in this database"

NOUN: Final = Noun(
    name="meta",
    tables=(meta,),
    statements=statements_in(globals()),
    triggers=(
        refused("epoch_kept", "DELETE", "meta", _EPOCH_KEPT, when="OLD.name = 'epoch'"),
        refused("epoch_named", "UPDATE", "meta", _EPOCH_KEPT, when="OLD.name = 'epoch' AND NEW.name <> 'epoch'"),
    ),
    personal={"meta": Impersonal("facts of the database")},
)
