"""Units of work on sign-ins and revocations. Timestamps are texts that sort as times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final, NamedTuple

import msgspec

from ordercast.commerce.people import Actor
from ordercast.commerce.timestamps import Timestamp

from . import domains, revocations
from .accounts import Account, account_of
from .columns import given_moment, identifier, index, line, moment, of, references, table
from .noun import Noun, PersonalData
from .statement import Statement, statements_in
from .transaction import Transaction

# Sign-ins per account; a new one ends the one used longest ago.
SIGN_INS_MAX: Final = 20
# Rows per read when a node loads the revocations at start.
REVOKED_PAGE: Final = 1_000


sign_ins = table(
    "sign_ins",
    identifier("id", primary_key=True),
    identifier("account_id", references("accounts.id", ondelete="CASCADE")),
    # Only hashes of a refresh token: of its constant half, and of the half that each refresh replaces.
    of(domains.DIGEST, "family_hash", unique=True),
    of(domains.DIGEST, "token_hash"),
    of(domains.DIGEST, "former_hash", optional=True),
    # The id of the shop's secret that made the newest token; the sign-in ends with that secret.
    line("key_id", default=""),
    moment("rotated_at"),
    moment("created_at"),
    given_moment("expires_at"),
    index("sign_ins_by_account", "account_id", "rotated_at"),
    index("sign_ins_by_end", "expires_at"),
    rowid=False,
    may_be_emptied=True,
)

# --- Statements -------------------------------------------------------------------------------------------------------

OPEN: Final = Statement("""
    INSERT INTO sign_ins (id, account_id, family_hash, token_hash, key_id, rotated_at, created_at, expires_at)
    VALUES (:id, :account_id, :family_hash, :token_hash, :key_id, :rotated_at, :created_at, :expires_at)
""")
_FOUND: Final = """
    SELECT sign_ins.id, sign_ins.token_hash, sign_ins.former_hash, sign_ins.rotated_at, sign_ins.created_at,
      sign_ins.expires_at, sign_ins.key_id, accounts.id, accounts.email, accounts.name, accounts.role,
      accounts.password_hash, accounts.verified
    FROM sign_ins JOIN accounts ON accounts.id = sign_ins.account_id
    WHERE sign_ins.family_hash = :family_hash AND accounts.active = 1
"""
BY_FAMILY: Final = Statement(_FOUND)
BY_FAMILY_FOR_UPDATE: Final = Statement(f"{_FOUND} @for_update @postgresql(OF sign_ins)")
ROTATE: Final = Statement("""
    UPDATE sign_ins SET token_hash = :new_token_hash, former_hash = token_hash, key_id = :new_key_id,
      rotated_at = :now, expires_at = :new_expires_at
    WHERE id = :sign_in_id
""")
CLOSE: Final = Statement("DELETE FROM sign_ins WHERE id = :id")
CLOSE_ALL: Final = Statement("DELETE FROM sign_ins WHERE account_id = :account_id")
OF_ACCOUNT: Final = Statement("""
    SELECT id, created_at, rotated_at, expires_at FROM sign_ins
    WHERE account_id = :account_id ORDER BY rotated_at DESC, id DESC
""")
FORGET_ENDED: Final = Statement("""
    DELETE FROM sign_ins WHERE id IN (
      SELECT id FROM sign_ins WHERE expires_at < :before LIMIT :limit @postgresql(FOR UPDATE SKIP LOCKED))
""")

NOUN: Final = Noun(
    name="sign_ins",
    tables=(sign_ins,),
    statements=statements_in(globals()),
    personal={"sign_ins": PersonalData("account_id = :customer_id", ("id", "created_at", "rotated_at", "expires_at"))},
)

# --- Units of work ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RefreshHashes:
    """The stored hashes of a refresh token: of its constant half, and of the half that each refresh replaces."""

    family: bytes
    token: bytes


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """The lifetimes of sign-ins, computed for now."""

    now: Timestamp
    idle_end: Timestamp
    """The end if it is not refreshed before."""
    oldest_start: Timestamp
    """Sign-ins opened earlier have ended, however often refreshed."""
    graceful_since: Timestamp
    """A token replaced after this is accepted once more: from another tab, or as the response was lost."""
    tokens_end: Timestamp
    """When each access token issued until now has expired."""
    key_ids: tuple[str, ...] = ("",)
    """Ids of the shop's secrets: the current one, and those that are still accepted."""


class RefreshRefusal(Enum):
    UNKNOWN = auto()
    ENDED = auto()
    REUSED = auto()
    """The token was replaced before: it may be stolen. The sign-in is revoked."""


@dataclass(frozen=True, slots=True)
class SignInFound:
    id: str
    account: Account
    turn: int = 0
    """The index, among the possible successors, of the token that replaced the presented one."""


class Revocation(NamedTuple):
    name: str
    since: str
    until: str | None
    """How long it must be remembered; None for ever."""


# --- Sign-ins ---------------------------------------------------------------------------------------------------------


def open_sign_in(
    transaction: Transaction, sign_in_id: str, account_id: str, token: RefreshHashes, times: SessionTimes
) -> None:
    """Insert a sign-in, and end the account's oldest beyond SIGN_INS_MAX."""
    transaction.run(
        OPEN,
        id=sign_in_id,
        account_id=account_id,
        family_hash=token.family,
        token_hash=token.token,
        rotated_at=times.now,
        created_at=times.now,
        expires_at=times.idle_end,
        key_id=times.key_ids[0],
    )
    rows = transaction.all(OF_ACCOUNT, account_id=account_id)
    for id_, *_ in rows[SIGN_INS_MAX:]:
        close(transaction, id_, times, reason="Too many sign-ins.")


def refresh(
    transaction: Transaction, token: RefreshHashes, next_hashes: Sequence[bytes], times: SessionTimes
) -> SignInFound | RefreshRefusal:
    """Replace a refresh token by the first of those with `next_hashes`; for one that was just replaced, return which of
    them did so. A refusal is returned, as its effects must be committed.
    """
    row = transaction.one(BY_FAMILY_FOR_UPDATE, family_hash=token.family)
    if row is None:
        return RefreshRefusal.UNKNOWN
    id_, current, former, rotated_at, created_at, expires_at, made_with, *account_row = row
    if made_with not in times.key_ids:
        close(transaction, id_, times, reason="The shop's secret was changed.")
        return RefreshRefusal.ENDED
    if expires_at <= times.now or created_at < times.oldest_start:
        close(transaction, id_, times, reason="The sign-in has ended.")
        return RefreshRefusal.ENDED
    account = _account(transaction, *account_row)
    if token.token == current:
        transaction.run(
            ROTATE,
            sign_in_id=id_,
            new_token_hash=next_hashes[0],
            new_key_id=times.key_ids[0],
            now=times.now,
            new_expires_at=times.idle_end,
        )
        return SignInFound(id_, account)
    if token.token == former and rotated_at >= times.graceful_since:
        # A node with another secret replaced it: by which token is unknown here.
        is_ours = current in next_hashes
        return SignInFound(id_, account, next_hashes.index(current)) if is_ours else RefreshRefusal.UNKNOWN
    close(transaction, id_, times, reason="A refresh token was used twice.")
    return RefreshRefusal.REUSED


def find(transaction: Transaction, family_hash: bytes) -> SignInFound | None:
    """The sign-in of a refresh token, if its account is active."""
    row = transaction.one(BY_FAMILY, family_hash=family_hash)
    if row is None:
        return None
    return SignInFound(row[0], _account(transaction, *row[-6:]))


def _account(transaction: Transaction, *row: Any) -> Account:
    """Convert an account's row. Raises DamagedRow."""
    *facts, verified = row
    return transaction.decoded((*facts, 1, verified), account_of, "accounts")


def close(
    transaction: Transaction, sign_in_id: str, times: SessionTimes, *, reason: str, actor: Actor | None = None
) -> None:
    """End a sign-in and its access tokens."""
    transaction.run(CLOSE, id=sign_in_id)
    revoke(transaction, sign_in_id, since=times.now, until=times.tokens_end, actor=actor, reason=reason)


def close_all(transaction: Transaction, account_id: str, since: Timestamp, *, actor: Actor, reason: str) -> None:
    """End every sign-in of an account, and revoke the person's tokens issued before `since`."""
    transaction.run(CLOSE_ALL, account_id=account_id)
    revoke(transaction, account_id, since=since, until=None, actor=actor, reason=reason)


# --- Revocations ------------------------------------------------------------------------------------------------------


def revoke(
    transaction: Transaction,
    name: str,
    *,
    since: Timestamp,
    until: Timestamp | None,
    actor: Actor | str | None,
    reason: str | None,
) -> None:
    """Revoke the tokens of `name` issued before `since`; the feed notifies every node."""
    transaction.run(
        revocations.REVOKE,
        name=name,
        since=since,
        until=until,
        actor="service:sign-ins" if actor is None else str(actor),
        reason=reason,
    )


def is_known(transaction: Transaction, name: str) -> bool:
    """Whether an account, customer, order or sign-in has that id. Token ids and external users are not stored here."""
    return transaction.one(revocations.NAMED, name=name) is not None


def revoked(transaction: Transaction) -> list[Revocation]:
    """All stored revocations."""
    statement, rows = revocations.REVOKED, list[tuple[Any, ...]]()
    while True:
        after = rows[-1][0] if rows else ""
        page = transaction.all(statement, after=after, limit=REVOKED_PAGE)
        rows += page
        # A damaged key sorts elsewhere; the page then does not advance.
        if len(page) < REVOKED_PAGE or page[-1][0] == after:
            return transaction.readable(rows, _revoked, "revocations")


def _revoked(row: tuple[Any, ...]) -> Revocation:
    name, since, until = msgspec.convert(row, tuple[str, str, str | None])
    return Revocation(name, since, until)


def forget(transaction: Transaction, now: Timestamp, limit: int) -> int:
    """Delete ended sign-ins and revocations; return the larger of the two numbers."""
    ended = transaction.run(FORGET_ENDED, before=now, limit=limit)
    return max(ended, transaction.run(revocations.FORGET_OLD, before=now, limit=limit))
