"""Revoked tokens: every node hears of them through the feed, and whoever closes an account revokes its tokens."""

from __future__ import annotations

from inspect import cleandoc
from typing import Final

from ordercast.db.dialects import Dialect, Trigger

from .making import FEED_COLUMNS

_ACCOUNT_CHANGED: Final = (
    "NEW.active < OLD.active OR NEW.role <> OLD.role OR NEW.password_hash <> OLD.password_hash OR NEW.id <> OLD.id"
)


def access_triggers(dialect: Dialect) -> list[Trigger]:
    document = dialect.json_object(["'name', NEW.name", "'since', NEW.since", "'until', NEW.until"])
    # A refresh token was given as well: without this, who has one would fetch what is not refused. `since` leaves alone
    # who signed in anew before the row was written.
    told = (
        "DELETE FROM sign_ins WHERE account_id = NEW.name AND created_at <= NEW.since",
        "DELETE FROM sign_ins WHERE id = NEW.name",
        cleandoc(f"""
            INSERT INTO feed ({FEED_COLUMNS})
              VALUES ('access.revoked', NEW.name, 1, NEW.actor, NEW.reason, NEW.since, NULL,
                {dialect.json_text(document)})
        """),
    )
    return [
        Trigger("access_revoked", "AFTER INSERT", "revocations", told),
        Trigger("access_revoked_again", "AFTER UPDATE", "revocations", told),
        Trigger(
            "accounts_changed",
            "AFTER UPDATE",
            "accounts",
            _ended("The account was changed.", dialect),
            when=_ACCOUNT_CHANGED,
        ),
        Trigger("accounts_removed", "AFTER DELETE", "accounts", _ended("The account was removed.", dialect)),
    ]


def _ended(reason: str, dialect: Dialect) -> tuple[str, ...]:
    """What was signed in with the former password, or says the former role, is no longer true."""
    return (
        "DELETE FROM sign_ins WHERE account_id = OLD.id",
        cleandoc(f"""
            INSERT INTO revocations (name, since, actor, reason)
              VALUES (OLD.id, {dialect.now}, 'db:accounts', '{reason}')
              ON CONFLICT (name) DO UPDATE
                SET since = excluded.since, until = NULL, actor = excluded.actor, reason = excluded.reason
        """),
    )
