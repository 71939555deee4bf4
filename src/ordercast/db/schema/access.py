"""Who is signed in, and which tokens are good no more."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Table

from .columns import EXTERNAL_ACTOR, Bytes, Text, metadata, moment

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    # Of a refresh token only hashes: of the half that stays, and of the half that each refresh replaces.
    Column("family_hash", Bytes, nullable=False, unique=True),
    Column("token_hash", Bytes, nullable=False),
    Column("former_hash", Bytes),
    moment("rotated_at"),
    moment("created_at"),
    Column("expires_at", Text, nullable=False),
    Index("sign_ins_by_account", "account_id", "rotated_at"),
    Index("sign_ins_by_end", "expires_at"),
    sqlite_with_rowid=False,
)

revocations = Table(
    "revocations",
    metadata,
    # A person's id, a sign-in's, a token's own (its `jti`), or that of an order whose tracking token is meant.
    Column("name", Text, primary_key=True),
    # Tokens that were issued before are refused.
    moment("since"),
    # By then each of them has expired; kept for ever where nobody can tell.
    Column("until", Text),
    Column("actor", Text, nullable=False, server_default=EXTERNAL_ACTOR),
    Column("reason", Text),
    Index("revocations_by_end", "until"),
    sqlite_with_rowid=False,
)
