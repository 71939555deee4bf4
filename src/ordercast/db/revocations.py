"""Revoked tokens: every node gets them through the feed. Units of work are in ``access``."""

from __future__ import annotations

from inspect import cleandoc
from typing import Final

from . import columns
from .columns import given_moment, index, line, moment, table
from .dialects import Trigger
from .noun import Impersonal, Noun
from .statement import Statement, statements_in
from .trigger_helpers import feed_row
from .types import ChangeKind

revocations = table(
    "revocations",
    # The id of a person, sign-in, token (`jti`), or of an order for its tracking tokens.
    line("name", primary_key=True),
    # Tokens issued before are revoked.
    moment("since"),
    # When each of them has expired; NULL keeps it for ever.
    given_moment("until", optional=True),
    columns.actor(),
    columns.reason(),
    index("revocations_by_end", "until"),
    rowid=False,
)

# --- Statements -------------------------------------------------------------------------------------------------------

REVOKE: Final = Statement("""
    INSERT INTO revocations (name, since, until, actor, reason) VALUES (:name, :since, :until, :actor, :reason)
    ON CONFLICT (name) DO UPDATE
      SET since = excluded.since, until = excluded.until, actor = excluded.actor, reason = excluded.reason
""")
REVOKED: Final = Statement("SELECT name, since, until FROM revocations WHERE name > :after ORDER BY name LIMIT :limit")
FORGET_OLD: Final = Statement("""
    DELETE FROM revocations WHERE name IN (
      SELECT name FROM revocations WHERE until < :before LIMIT :limit @postgresql(FOR UPDATE SKIP LOCKED))
""")
# Whether the id exists; see ``access.is_known``.
NAMED: Final = Statement("""
    SELECT accounts.id FROM accounts WHERE accounts.id = :name
    UNION ALL SELECT customers.id FROM customers WHERE customers.id = :name
    UNION ALL SELECT orders.id FROM orders WHERE orders.id = :name
    UNION ALL SELECT sign_ins.id FROM sign_ins WHERE sign_ins.id = :name
    LIMIT 1
""")

# --- Triggers ---------------------------------------------------------------------------------------------------------

# Ends the refresh tokens too, which could get new access tokens. `since` spares later sign-ins.
_FEED_INSERT: Final = (
    "DELETE FROM sign_ins WHERE account_id = NEW.name AND created_at <= NEW.since",
    "DELETE FROM sign_ins WHERE id = NEW.name",
    feed_row(
        ChangeKind.ACCESS_REVOKED,
        "NEW.name",
        reason="NEW.reason",
        at="NEW.since",
        after="@json_text(@json_object('name', NEW.name, 'since', NEW.since, 'until', NEW.until))",
    ),
)


def ended_by(reason: str) -> tuple[str, ...]:
    """SQL that ends the sign-ins of the account OLD, and revokes its tokens."""
    return (
        "DELETE FROM sign_ins WHERE account_id = OLD.id",
        cleandoc(f"""
            INSERT INTO revocations (name, since, actor, reason)
              VALUES (OLD.id, @now, 'db:accounts', '{reason}')
              ON CONFLICT (name) DO UPDATE
                SET since = excluded.since, until = NULL, actor = excluded.actor, reason = excluded.reason
        """),
    )


NOUN: Final = Noun(
    name="revocations",
    tables=(revocations,),
    statements=statements_in(globals()),
    triggers=(
        Trigger("access_revoked", "AFTER INSERT", "revocations", _FEED_INSERT),
        Trigger("access_revoked_again", "AFTER UPDATE", "revocations", _FEED_INSERT),
    ),
    personal={"revocations": Impersonal("names of people and tokens that are refused, which must outlive them")},
)
