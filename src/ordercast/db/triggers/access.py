"""Revoked tokens: every node hears of them through the feed, and whoever closes an account revokes its tokens."""

from __future__ import annotations

from typing import Final

from ordercast.db.schema import NOW_SQL

from .making import FEED_COLUMNS

# A refresh token was given as well: without this, who has one would fetch what is not refused. `since` leaves alone who
# signed in anew before the row was written.
_TOLD: Final = f"""
  DELETE FROM sign_ins WHERE account_id = NEW.name AND created_at <= NEW.since;
  DELETE FROM sign_ins WHERE id = NEW.name;
  INSERT INTO feed ({FEED_COLUMNS})
    VALUES ('access.revoked', NEW.name, 1, NEW.actor, NEW.reason, NEW.since, NULL,
      json_object('name', NEW.name, 'since', NEW.since, 'until', NEW.until));
"""  # noqa: S608 - made of column names alone


# What was signed in with the former password, or says the former role, is no longer true.
def _ended(reason: str) -> str:
    return f"""
  DELETE FROM sign_ins WHERE account_id = OLD.id;
  INSERT INTO revocations (name, since, actor, reason) VALUES (OLD.id, {NOW_SQL}, 'db:accounts', '{reason}')
    ON CONFLICT (name) DO UPDATE
      SET since = excluded.since, until = NULL, actor = excluded.actor, reason = excluded.reason;
"""  # noqa: S608 - made of texts of ours


_ACCOUNT_CHANGED: Final = """
CREATE TRIGGER accounts_changed AFTER UPDATE ON accounts
WHEN NEW.active < OLD.active OR NEW.role <> OLD.role OR NEW.password_hash <> OLD.password_hash OR NEW.id <> OLD.id
"""

ACCESS_TRIGGERS: Final[dict[str, str]] = {
    "access_revoked": f"CREATE TRIGGER access_revoked AFTER INSERT ON revocations\nBEGIN{_TOLD}END",
    "access_revoked_again": f"CREATE TRIGGER access_revoked_again AFTER UPDATE ON revocations\nBEGIN{_TOLD}END",
    "accounts_changed": f"{_ACCOUNT_CHANGED.strip()}\nBEGIN{_ended('The account was changed.')}END",
    "accounts_removed": (
        f"CREATE TRIGGER accounts_removed AFTER DELETE ON accounts\nBEGIN{_ended('The account was removed.')}END"
    ),
}
