"""Units of work on accounts and customers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from ordercast.commerce.errors import AddressTaken, InvalidField, LastAdmin, NotFound
from ordercast.commerce.people import STAFF, Role
from ordercast.commerce.timestamps import Timestamp

from .columns import flag, identifier, index, line, moment, one_of, table, word
from .dialects import Refusal, Trigger
from .noun import Noun, PersonalData
from .revocations import ended_by
from .sql import literals
from .statement import Statement, statements_in
from .transaction import Transaction

TABLE: Final = "accounts"
LAST_ADMIN: Final = "last_admin"
"""The rule that an active admin remains."""
_IS_STAFF: Final = f"role IN ({literals(STAFF)}) AND active = 1 AND verified = 1"

# Customers with an account. A guest has no row but their order: a typed address proves nothing, so it must not join
# orders, rename anybody, or use up a promotion.
customers = table(
    "customers",
    identifier("id", primary_key=True),
    line("email"),
    line("name"),
    line("mobile", default=""),
    moment("created_at"),
)

# Any number of accounts may claim an address; it belongs to the one that verified it, or got it from an admin. The
# others sign in by their ids all the same.
accounts = table(
    TABLE,
    identifier("id", primary_key=True),
    line("email"),
    # The address is verified. Other programs vouch for what they write.
    flag("verified", True),
    line("name"),
    line("password_hash"),
    word("role"),
    flag("active", True),
    moment("created_at"),
    one_of("role", [Role.ADMIN, Role.STORE, Role.CUSTOMER, Role.DRIVER, Role.CARER]),
    # Few among all customers.
    index("accounts_of_admins", "id", where=f"role = '{Role.ADMIN}' AND active = 1"),
    index("accounts_of_staff", "id", "email", where=_IS_STAFF),
    index("accounts_of_drivers", "id", where=f"role = '{Role.DRIVER}'"),
    index("accounts_of_carers", "id", where=f"role = '{Role.CARER}'"),
    index("accounts_by_email", "email", unique=True, where="verified = 1"),
    index("accounts_unverified", "email", "id", where="verified = 0"),
    index("accounts_unverified_by_age", "created_at", where="verified = 0"),
)

# --- Statements -------------------------------------------------------------------------------------------------------

_ACCOUNT: Final = "SELECT id, email, name, role, password_hash, active, verified FROM accounts"
BY_EMAIL: Final = Statement(f"{_ACCOUNT} WHERE email = :email AND verified = 1")
UNVERIFIED_BY_EMAIL: Final = Statement(
    f"{_ACCOUNT} WHERE email = :email AND verified = 0 ORDER BY id DESC LIMIT :limit"
)
BY_ID: Final = Statement(f"{_ACCOUNT} WHERE id = :id")
BY_ID_FOR_UPDATE: Final = Statement(f"{_ACCOUNT} WHERE id = :id @for_update")
AFTER: Final = Statement(f"{_ACCOUNT} WHERE id > :after ORDER BY id LIMIT :limit")
NAMES: Final = Statement("SELECT id, name FROM accounts WHERE id IN (@json_texts(:ids))")
OF_STAFF: Final = Statement(f"SELECT email FROM accounts WHERE {_IS_STAFF} ORDER BY id LIMIT :limit")
AN_ADMIN: Final = Statement(f"SELECT id FROM accounts WHERE role = '{Role.ADMIN}' AND active = 1 LIMIT 1")
ADD: Final = Statement("""
    INSERT INTO accounts (id, email, name, password_hash, role, verified, created_at)
    VALUES (:id, :email, :name, :password_hash, :role, :verified, :created_at)
    ON CONFLICT (email) WHERE verified = 1 DO NOTHING
""")
ADD_CUSTOMER: Final = Statement("""
    INSERT INTO customers (id, email, name, created_at) VALUES (:id, :email, :name, :created_at)
    ON CONFLICT DO NOTHING
""")
CHANGE: Final = Statement("""
    UPDATE accounts SET name = :new_name, role = :new_role, active = :new_active WHERE id = :account_id
""")
VERIFY: Final = Statement("UPDATE accounts SET verified = 1 WHERE id = :account_id AND verified = 0")
# Each with whether it has sign-ins or orders.
UNVERIFIED_SINCE: Final = Statement("""
    SELECT created_at, id, EXISTS (SELECT * FROM orders WHERE orders.customer_id = accounts.id)
      OR EXISTS (SELECT * FROM sign_ins WHERE sign_ins.account_id = accounts.id)
    FROM accounts WHERE verified = 0 AND created_at < :before AND created_at > :after
    ORDER BY created_at LIMIT :limit
""")
# Unless it was verified meanwhile.
REMOVE: Final = Statement("DELETE FROM accounts WHERE id = :account_id AND verified = 0")
REMOVE_CUSTOMER: Final = Statement("DELETE FROM customers WHERE id = :account_id")
SET_HASH: Final = Statement("UPDATE accounts SET password_hash = :new_password_hash WHERE id = :account_id")
REPLACE_HASH: Final = Statement("UPDATE accounts SET password_hash = :new_password_hash WHERE password_hash = :former")
EMAILS_WITH_HASH: Final = Statement("""
    SELECT email FROM accounts WHERE password_hash = :password_hash AND active = 1 ORDER BY created_at, id
""")

# --- Triggers ---------------------------------------------------------------------------------------------------------

# Locks the remaining admin until the commit: of two admins who close each other on two nodes, one waits, or the
# database fails one.
_OTHERS: Final = (
    f"SELECT 1 FROM accounts WHERE role = '{Role.ADMIN}' AND active = 1 AND id <> OLD.id @postgresql(FOR UPDATE)"
)
_STAYS: Final = (Refusal(f"{LAST_ADMIN}: somebody stays who may make accounts", f"NOT EXISTS ({_OTHERS})"),)
_WAS_ADMIN: Final = f"OLD.role = '{Role.ADMIN}' AND OLD.active = 1"
_IS_NO_MORE: Final = f"(NEW.role <> '{Role.ADMIN}' OR NEW.active <> 1)"
# A new password or role ends sign-ins and tokens of the former.
_IS_CHANGED: Final = (
    "NEW.active < OLD.active OR NEW.role <> OLD.role OR NEW.password_hash <> OLD.password_hash OR NEW.id <> OLD.id"
)

NOUN: Final = Noun(
    name="accounts",
    tables=(customers, accounts),
    statements=statements_in(globals()),
    triggers=(
        Trigger("last_admin_stays", "BEFORE UPDATE", TABLE, _STAYS, f"{_WAS_ADMIN} AND {_IS_NO_MORE}"),
        Trigger("last_admin_not_removed", "BEFORE DELETE", TABLE, _STAYS, _WAS_ADMIN),
        Trigger("accounts_changed", "AFTER UPDATE", TABLE, ended_by("The account was changed."), when=_IS_CHANGED),
        Trigger("accounts_removed", "AFTER DELETE", TABLE, ended_by("The account was removed.")),
    ),
    personal={
        "customers": PersonalData(
            "id = :customer_id",
            ("id", "email", "name", "mobile", "created_at"),
            {"email": "'erased:' || id", "name": "''", "mobile": "''"},
            identifies=True,
        ),
        "accounts": PersonalData(
            f"id = :customer_id AND role = '{Role.CUSTOMER}'",
            ("id", "email", "name", "role", "active", "verified", "created_at"),
            identifies=True,
        ),
    },
)

# --- Units of work ----------------------------------------------------------------------------------------------------

_Row = tuple[str, str, str, Role, str, int, int]


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    email: str
    name: str
    role: Role
    password_hash: str
    active: bool = True
    verified: bool = True
    """Whether the address is verified, not only typed."""


def find(transaction: Transaction, email: str) -> Account | None:
    """The account with that verified address, in any case."""
    return transaction.read_one(BY_EMAIL, account_of, TABLE, email=email.lower())


def find_unverified(transaction: Transaction, email: str, limit: int = 1) -> list[Account]:
    """The newest accounts that claim the address."""
    return transaction.read(UNVERIFIED_BY_EMAIL, account_of, TABLE, email=email.lower(), limit=limit)


def is_spoken_for(transaction: Transaction, email: str) -> bool:
    """Whether any account has or claims the address."""
    return find(transaction, email) is not None or bool(find_unverified(transaction, email))


def find_by_id(transaction: Transaction, account_id: str) -> Account | None:
    return transaction.read_one(BY_ID, account_of, TABLE, id=account_id)


def names(transaction: Transaction, actors: Iterable[str]) -> dict[str, str]:
    """The names of those actors (``role:id``) that have local accounts."""
    id_of = {actor: actor.partition(":")[2] for actor in actors}
    if not id_of:
        return {}
    rows = transaction.all(NAMES, ids=msgspec.json.encode([*set(id_of.values())]).decode())
    found = {id_: name for id_, name in rows if isinstance(name, str)}
    return {actor: found[id_] for actor, id_ in id_of.items() if id_ in found}


def hold(transaction: Transaction, account_id: str) -> None:
    """Lock the account until this unit's commit."""
    transaction.one(BY_ID_FOR_UPDATE, id=account_id)


def is_unchanged(transaction: Transaction, account: Account) -> bool:
    """Whether the account is still active, with the same role and password."""
    found = find_by_id(transaction, account.id)
    return found is not None and found.active and replace(found, name=account.name) == account


def page(transaction: Transaction, after: str, limit: int) -> list[Account]:
    """A page of accounts by id after `after` ("" for the first)."""
    return transaction.page(AFTER, account_of, TABLE, after=after, limit=limit)


def account_of(row: tuple[Any, ...]) -> Account:
    """Convert a row. Raises msgspec.ValidationError."""
    id_, email, name, role, password_hash, active, verified = msgspec.convert(row, _Row)
    return Account(id_, email, name, role, password_hash, bool(active), bool(verified))


def add(transaction: Transaction, account: Account, now: str) -> bool:
    """Insert an account and its customer; False if it is verified and another has the address."""
    email = account.email.lower()
    added = transaction.run(
        ADD,
        id=account.id,
        email=email,
        name=account.name,
        password_hash=account.password_hash,
        role=account.role,
        verified=int(account.verified),
        created_at=now,
    )
    if added and account.role is Role.CUSTOMER:
        transaction.run(
            ADD_CUSTOMER,
            id=account.id,
            email=email,
            name=account.name,
            created_at=now,
        )
    return bool(added)


def verify(transaction: Transaction, account: Account) -> None:
    """Verify an account's address; idempotent. Raises AddressTaken if another account verified it meanwhile, and
    NotFound.
    """
    row = transaction.one(BY_ID_FOR_UPDATE, id=account.id)
    if row is None:
        raise NotFound("account")
    owner = find(transaction, account.email)
    if owner is not None and owner.id != account.id:
        raise AddressTaken
    try:
        transaction.run(VERIFY, account_id=account.id)
    except transaction.refusals:
        raise AddressTaken from None


def remove_unverified(
    transaction: Transaction, *, before: Timestamp, after: str, limit: int
) -> tuple[list[str], str | None]:
    """Delete never verified accounts older than `before` without sign-ins and purchases; return their ids, and where to
    continue, None at the end.
    """
    rows = transaction.all(UNVERIFIED_SINCE, before=before, after=after, limit=limit)
    unused = [id_ for _, id_, is_used in rows if not is_used]
    removed = [account_id for account_id in unused if transaction.run(REMOVE, account_id=account_id)]
    for account_id in removed:
        transaction.run(REMOVE_CUSTOMER, account_id=account_id)
    return removed, rows[-1][0] if len(rows) == limit else None


def change(
    transaction: Transaction, account_id: str, *, name: str | None, role: Role | None, active: bool | None
) -> Account:
    """Change the given fields. A trigger ends the sign-ins on a change of role or on closing.

    Raises NotFound, LastAdmin, and InvalidField if a customer's role would change: purchases refer to the id.
    """
    row = transaction.one(BY_ID_FOR_UPDATE, id=account_id)
    if row is None:
        raise NotFound("account")
    account = transaction.decoded(row, account_of, TABLE)
    if role is not None and role is not account.role and Role.CUSTOMER in (role, account.role):
        raise InvalidField("role", "A customer's account stays one, and no other becomes one.")
    changed = replace(
        account,
        name=account.name if name is None else name,
        role=account.role if role is None else role,
        active=account.active if active is None else active,
    )
    values = {"new_name": changed.name, "new_role": changed.role, "new_active": int(changed.active)}
    try:
        transaction.run(CHANGE, account_id=account_id, **values)
    except transaction.refusals as error:
        if LAST_ADMIN in str(error):
            raise LastAdmin from None
        raise
    return changed


def has_admin(transaction: Transaction) -> bool:
    """Whether an active admin exists."""
    return transaction.one(AN_ADMIN) is not None


def set_hash(transaction: Transaction, account: Account, password_hash: str) -> bool:
    """Set a new password, unless the account changed since it was read; a trigger ends the sign-ins of the former one.
    False if it changed: who knew an earlier password must not replace a later one.
    """
    hold(transaction, account.id)
    if not is_unchanged(transaction, account):
        return False
    return bool(transaction.run(SET_HASH, account_id=account.id, new_password_hash=password_hash))


def replace_hash(transaction: Transaction, former: str, password_hash: str) -> None:
    """Set a new password for every account with exactly the `former` hash; hashes are salted, so they share it by
    seeding.
    """
    transaction.run(REPLACE_HASH, former=former, new_password_hash=password_hash)


def emails_with(transaction: Transaction, password_hash: str) -> list[str]:
    """The addresses of active accounts with exactly this hash, oldest first."""
    return [email for (email,) in transaction.all(EMAILS_WITH_HASH, password_hash=password_hash)]
