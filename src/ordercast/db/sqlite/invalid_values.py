"""The rules for column values, written once for the triggers of all tables.

SQLite has no functions of ours that other programs would find there, and every connection parses every trigger's text:
rules for each column were 800 kB, 19 MB and 14 ms per connection. So the rules, a few kilobytes, are triggers of one
table. Another trigger inserts the doubtful values there; these triggers drop the valid ones. If one remains, the
inserting trigger refuses its row by the rule's name, which SQLite takes only as a literal, and the statement's rollback
leaves nothing there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ordercast.db.dialect import FLOAT_MAX, IS_READABLE, JSON_LEVELS_MAX
from ordercast.db.trigger import Trigger

TABLE: Final = "CREATE TABLE invalid_values (rule TEXT NOT NULL, value ANY) STRICT"

# How rules are named, behind their column, and what they say.
_UTF8: Final = "_is_utf8"
_READABLE: Final = "_is_readable"
_SENTENCES: Final = {_UTF8: "a text is UTF-8 and has no NUL", _READABLE: IS_READABLE}

# --- Asking -----------------------------------------------------------------------------------------------------------

# Most texts are printable ASCII, which is seen at once; but not what is behind a NUL.
_IS_DOUBTFUL: Final = "value GLOB '*[^ -~]*' OR instr(value, char(0)) > 0"


def refusals_of(texts: Sequence[str], documents: Sequence[str]) -> tuple[str, ...]:
    """The statements of a trigger that refuses a row with invalid texts or documents."""
    rules = {(name, _UTF8): _SENTENCES[_UTF8] for name in (*texts, *documents)}
    rules |= {(name, _READABLE): _SENTENCES[_READABLE] for name in documents}
    rows = " UNION ALL ".join(f"SELECT '{name}{rule}' AS rule, NEW.{name} AS value" for name, rule in rules)
    doubtful = f"{_IS_DOUBTFUL} OR rule GLOB '*{_READABLE}'" if documents else _IS_DOUBTFUL
    refusals = "".join(
        f"\n  WHEN '{name}{rule}' THEN RAISE(ABORT, '{name}{rule}: {sentence}')"
        for (name, rule), sentence in rules.items()
    )
    return (
        f"INSERT INTO invalid_values SELECT * FROM ({rows}) WHERE {doubtful}",
        # Of this very statement: what another program writes there by hand is no row's fault.
        f"SELECT CASE rule{refusals} END FROM invalid_values WHERE changes() > 0",
    )


# --- Answering --------------------------------------------------------------------------------------------------------

# Each character written anew from its code is the same, or its bytes were none. Sixteen at a time, of pieces of 4,096:
# to find the n-th character SQLite counts from the first. LIMIT keeps it from finding each once more for every use.
_CHARACTERS: Final = 16
_PIECE: Final = 4_096


def _pieces(of: str, size: int) -> str:
    numbers = f"'[' || substr(replace(hex(zeroblob(length({of}) / {size} + 1)), '00', ',0'), 2) || ']'"
    return f"SELECT substr({of} || '{' ' * _CHARACTERS}', {size} * key + 1, {size}) AS piece FROM json_each({numbers})"


_WRITTEN_ANEW: Final = f"char({', '.join(f'unicode(substr(piece, {n}, 1))' for n in range(1, _CHARACTERS + 1))})"
_IS_NO_UTF8: Final = (
    # Most texts are printable ASCII, which is seen at once.
    "NEW.value GLOB '*[^ -~]*' AND EXISTS ("
    f"SELECT 1 FROM ({_pieces('NEW.value', _PIECE)} LIMIT -1) AS whole WHERE EXISTS ("
    f"SELECT 1 FROM ({_pieces('whole.piece', _CHARACTERS)} LIMIT -1) WHERE {_WRITTEN_ANEW} <> piece))"
)

# JSON: an exponent of three digits or a hundred digits in a row first, which hardly any document has.
_IS_PAST_DOUBLE: Final = (
    f"(NEW.value GLOB '*[0-9][eE][0-9+][0-9][0-9]*' OR NEW.value GLOB '*{'[0-9]' * 100}*') AND EXISTS ("
    f"SELECT 1 FROM json_tree(NEW.value) WHERE type IN ('integer', 'real') AND abs(value) > {FLOAT_MAX})"
)
# Half a pair: a high one that no low one follows, or a low one that follows no high one. Spaces before the first, so
# that six characters stand before each; without escaped backslashes, so that each backslash begins an escape.
_ALONE: Final = (
    r"*\u[dD][89abAB]??[^\]*", r"*\u[dD][89abAB]??\[^u]*", r"*\u[dD][89abAB]??\u[^dD]*",
    r"*\u[dD][89abAB]??\u[dD][^c-fC-F]*", r"*[^\]?????\u[dD][c-fC-F]*", r"*\[^u]????\u[dD][c-fC-F]*",
    r"*\u[^dD]???\u[dD][c-fC-F]*", r"*\u[dD][^89abAB]??\u[dD][c-fC-F]*",
)  # fmt: skip
_ESCAPES: Final = r"'      ' || replace(NEW.value, '\\', '--')"
_HAS_HALF_A_PAIR: Final = (
    r"instr(NEW.value, '\u') > 0 AND (" + " OR ".join(f"{_ESCAPES} GLOB '{pattern}'" for pattern in _ALONE) + ")"
)


def _openings(of: str) -> str:
    return f"length({of}) - length(replace(replace({of}, '[', ''), '{{', ''))"


# Levels are counted by the path of what is deepest.
_IS_DEEP: Final = (
    f"{_openings('NEW.value')} > {JSON_LEVELS_MAX} AND EXISTS (SELECT 1 FROM json_tree(NEW.value)"
    f" WHERE length(path) - length(replace(replace(path, '[', ''), '.', '')) >= {JSON_LEVELS_MAX})"
)

# A CASE: its conditions are tested one after another, where an OR would test all of them; and of what is no JSON, which
# the column's own rule refuses, each is an error.
_IS_UNREADABLE: Final = f"""CASE WHEN NOT json_valid(NEW.value) THEN 0 WHEN {_IS_PAST_DOUBLE} THEN 1
    WHEN {_HAS_HALF_A_PAIR} THEN 1 WHEN {_IS_DEEP} THEN 1 ELSE 0 END"""


def _kept_out(rule: str, invalid: str) -> Trigger:
    """What is valid is not inserted."""
    return Trigger(
        f"invalid_values{rule}",
        "BEFORE INSERT",
        "invalid_values",
        (f"SELECT RAISE(IGNORE) WHERE ({invalid}) IS NOT TRUE",),
        when=f"NEW.rule GLOB '*{rule}'",
    )


VALIDATORS: Final = (
    _kept_out(_UTF8, f"instr(NEW.value, char(0)) > 0 OR {_IS_NO_UTF8}"),
    _kept_out(_READABLE, _IS_UNREADABLE),
)
