"""Who is signed in, and which tokens are good no more."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, Table

from ordercast.db import domains
from ordercast.db.columns import EMPTIED, actor, given_moment, identifier, line, metadata, moment, of, reason

sign_ins = Table(
    "sign_ins",
    metadata,
    identifier("id", primary_key=True),
    identifier("account_id", ForeignKey("accounts.id", ondelete="CASCADE")),
    # Of a refresh token only hashes: of the half that stays, and of the half that each refresh replaces.
    of(domains.DIGEST, "family_hash", unique=True),
    of(domains.DIGEST, "token_hash"),
    of(domains.DIGEST, "former_hash", optional=True),
    # The name of the shop's secret that made the newest of them: with that secret the sign-in ends.
    line("key_id", default=""),
    moment("rotated_at"),
    moment("created_at"),
    given_moment("expires_at"),
    Index("sign_ins_by_account", "account_id", "rotated_at"),
    Index("sign_ins_by_end", "expires_at"),
    sqlite_with_rowid=False,
    info={EMPTIED: True},
)

revocations = Table(
    "revocations",
    metadata,
    # A person's id, a sign-in's, a token's own (its `jti`), or that of an order whose tracking token is meant.
    line("name", primary_key=True),
    # Tokens that were issued before are refused.
    moment("since"),
    # By then each of them has expired; kept for ever where nobody can tell.
    given_moment("until", optional=True),
    actor(),
    reason(),
    Index("revocations_by_end", "until"),
    sqlite_with_rowid=False,
)
