"""Revoked tokens: every node hears of them through the feed, and whoever closes an account revokes its tokens."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import cleandoc
from typing import Final

from ordercast.commerce.people import Role
from ordercast.db.dialects import SQLITE, Dialect, Refusal, Trigger
from ordercast.db.trigger_helpers import FEED_COLUMNS

LAST_ADMIN: Final = "last_admin"
"""The rule that an admin is left."""

_ACCOUNT_CHANGED: Final = (
    "NEW.active < OLD.active OR NEW.role <> OLD.role OR NEW.password_hash <> OLD.password_hash OR NEW.id <> OLD.id"
)


def access_triggers(dialect: Dialect) -> list[Trigger]:
    document = dialect.object_of(["'name', NEW.name", "'since', NEW.since", "'until', NEW.until"])
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
        *_last_admin(dialect),
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


def _last_admin(dialect: Dialect) -> Iterator[Trigger]:
    # The one who stays is locked until the commit: of two admins who close each other on two nodes, one waits, or both
    # do and the database lets one go on.
    lock = "" if dialect is SQLITE else " FOR UPDATE"
    others = f"SELECT 1 FROM accounts WHERE role = '{Role.ADMIN}' AND active = 1 AND id <> OLD.id{lock}"
    kept = Refusal(f"{LAST_ADMIN}: somebody stays who may make accounts", f"NOT EXISTS ({others})")
    was = f"OLD.role = '{Role.ADMIN}' AND OLD.active = 1"
    is_no_more = f"(NEW.role <> '{Role.ADMIN}' OR NEW.active <> 1)"
    yield Trigger("last_admin_stays", "BEFORE UPDATE", "accounts", (kept,), f"{was} AND {is_no_more}")
    yield Trigger("last_admin_not_removed", "BEFORE DELETE", "accounts", (kept,), was)


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
