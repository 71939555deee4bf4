"""Who is signed in; units of work on sign-ins and revocations. Times are moments, so their texts compare as they do."""

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

# Browsers and devices of one person; the one that was used longest ago is signed out for another.
SIGN_INS_MAX: Final = 20
# Rows read at a time when a node learns at start what is revoked.
REVOKED_PAGE: Final = 1_000


sign_ins = table(
    "sign_ins",
    identifier("id", primary_key=True),
    identifier("account_id", references("accounts.id", ondelete="CASCADE")),
    # Of a refresh token only hashes: of the half that stays, and of the half that each refresh replaces.
    of(domains.DIGEST, "family_hash", unique=True),
    of(domains.DIGEST, "token_hash"),
    of(domains.DIGEST, "former_hash", optional=True),
    # The name of the shop's secret that made the newest of them: with that secret the sign-in ends.
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
    """What is stored of a refresh token: of its lasting half, and of the half that each refresh replaces."""

    family: bytes
    token: bytes


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """When a sign-in that is opened or refreshed now would end, and what rules meanwhile."""

    now: Timestamp
    idle_end: Timestamp
    """Unless it is used again before."""
    oldest_start: Timestamp
    """One that was opened earlier is over, however often it was used."""
    graceful_since: Timestamp
    """A token that was replaced after this may come once more: from another tab, or because the answer was lost."""
    tokens_end: Timestamp
    """By then each token issued before now has expired."""
    key_ids: tuple[str, ...] = ("",)
    """Names of the shop's secrets: of that which makes tokens, and of those that a sign-in may still be of."""


class RefreshRefusal(Enum):
    UNKNOWN = auto()
    ENDED = auto()
    REUSED = auto()
    """The token had been replaced: somebody else may have used it. The sign-in is revoked."""


@dataclass(frozen=True, slots=True)
class SignInFound:
    id: str
    account: Account
    turn: int = 0
    """Which of the tokens that could replace the one shown is the one that did."""


class Revocation(NamedTuple):
    name: str
    since: str
    until: str | None
    """Until when that must be remembered; None for ever."""


# --- Sign-ins ---------------------------------------------------------------------------------------------------------


def open_sign_in(
    transaction: Transaction, sign_in_id: str, account_id: str, token: RefreshHashes, times: SessionTimes
) -> None:
    """Remember a sign-in, and end those of the account that are one too many."""
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
    """Replace a refresh token by the first of those whose hashes are `next_hashes`; one that was just replaced, by that
    of them which did. A refusal is a result: what it does is kept.
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
        # A node that has another secret yet has replaced it: which token by, nobody can tell here.
        is_ours = current in next_hashes
        return SignInFound(id_, account, next_hashes.index(current)) if is_ours else RefreshRefusal.UNKNOWN
    close(transaction, id_, times, reason="A refresh token was used twice.")
    return RefreshRefusal.REUSED


def find(transaction: Transaction, family_hash: bytes) -> SignInFound | None:
    """The sign-in that a refresh token belongs to, of an active account."""
    row = transaction.one(BY_FAMILY, family_hash=family_hash)
    if row is None:
        return None
    return SignInFound(row[0], _account(transaction, *row[-6:]))


def _account(transaction: Transaction, *row: Any) -> Account:
    """Raises DamagedRow."""
    *facts, verified = row
    return transaction.decoded((*facts, 1, verified), account_of, "accounts")


def close(
    transaction: Transaction, sign_in_id: str, times: SessionTimes, *, reason: str, actor: Actor | None = None
) -> None:
    """End a sign-in, and the access tokens that came of it."""
    transaction.run(CLOSE, id=sign_in_id)
    revoke(transaction, sign_in_id, since=times.now, until=times.tokens_end, actor=actor, reason=reason)


def close_all(transaction: Transaction, account_id: str, since: Timestamp, *, actor: Actor, reason: str) -> None:
    """End every sign-in of an account, and refuse every token of that person issued before `since`."""
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
    """Refuse the tokens of `name` that were issued before `since`; the feed tells every node."""
    transaction.run(
        revocations.REVOKE,
        name=name,
        since=since,
        until=until,
        actor="service:sign-ins" if actor is None else str(actor),
        reason=reason,
    )


def is_known(transaction: Transaction, name: str) -> bool:
    """Whether an account, a customer, an order or a sign-in has that name. Tokens, and people of other back ends, have
    names that are kept nowhere here.
    """
    return transaction.one(revocations.NAMED, name=name) is not None


def revoked(transaction: Transaction) -> list[Revocation]:
    """All that is revoked and remembered."""
    statement, rows = revocations.REVOKED, list[tuple[Any, ...]]()
    while True:
        after = rows[-1][0] if rows else ""
        page = transaction.all(statement, after=after, limit=REVOKED_PAGE)
        rows += page
        # A name that is no text is read as another one, behind which it stands again.
        if len(page) < REVOKED_PAGE or page[-1][0] == after:
            return transaction.readable(rows, _revoked, "revocations")


def _revoked(row: tuple[Any, ...]) -> Revocation:
    name, since, until = msgspec.convert(row, tuple[str, str, str | None])
    return Revocation(name, since, until)


def forget(transaction: Transaction, now: Timestamp, limit: int) -> int:
    """Forget sign-ins and revocations that have ended; gives the larger of the two numbers."""
    ended = transaction.run(FORGET_ENDED, before=now, limit=limit)
    return max(ended, transaction.run(revocations.FORGET_OLD, before=now, limit=limit))
