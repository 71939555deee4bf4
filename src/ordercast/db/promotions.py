"""Units of work on promotions. Triggers count their uses with the orders."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from ordercast.commerce.errors import EditConflict, InvalidField, NotFound
from ordercast.commerce.money import BASIS_POINTS
from ordercast.commerce.people import Actor
from ordercast.commerce.promotions import Offer, Promotion, PromotionKind, as_code
from ordercast.commerce.states import OrderStatus
from ordercast.commerce.timestamps import Timestamp
from ordercast.commerce.transitions import RESTOCKING

from . import columns
from .columns import amount, check, count, flag, given_moment, line, moment, one_of, table, version, word
from .noun import Impersonal, Noun
from .sql import literals
from .statement import Statement, statements_in
from .transaction import Transaction

TABLE: Final = "promotions"

_VALUE_FITS: Final = (
    f"CASE kind WHEN '{PromotionKind.PERCENT}' THEN value BETWEEN 1 AND {BASIS_POINTS}"
    f" WHEN '{PromotionKind.AMOUNT}' THEN value > 0 ELSE value = 0 END"
)

promotions = table(
    TABLE,
    line("code", check("code_in_capitals", "code = upper(code)"), primary_key=True),
    word("kind"),
    count("value", check("value_fits_kind", _VALUE_FITS), default=None),
    columns.currency("BDT"),
    amount("min_subtotal"),
    given_moment("starts_at", optional=True),
    given_moment("ends_at", optional=True),
    count("uses", check("uses_not_negative", "uses >= 0")),
    count("uses_max", default=None, optional=True),
    count("uses_per_customer_max", default=None, optional=True),
    flag("active", True),
    version(),
    columns.actor(),
    moment("created_at"),
    moment("updated_at"),
    one_of("kind", PromotionKind),
    check("uses_within_max", "uses_max IS NULL OR uses <= uses_max"),
    check("ends_after_start", "ends_at IS NULL OR starts_at IS NULL OR ends_at > starts_at"),
)

# --- Statements -------------------------------------------------------------------------------------------------------

_COLUMNS: Final = """code, kind, value, currency, min_subtotal, starts_at, ends_at, uses, uses_max,
      uses_per_customer_max, active, version, created_at, updated_at"""
BY_CODE: Final = Statement(f"SELECT {_COLUMNS}, actor FROM promotions WHERE code = :code")
BY_CODE_FOR_UPDATE: Final = Statement(f"SELECT {_COLUMNS}, actor FROM promotions WHERE code = :code @for_update")
BY_CODES: Final = Statement("SELECT code FROM promotions WHERE code IN (@json_texts(:codes))")
UNLOCKED: Final = Statement(
    "SELECT code FROM promotions WHERE code IN (@json_texts(:codes)) @for_update @postgresql(SKIP LOCKED)"
)
AFTER: Final = Statement(f"SELECT {_COLUMNS} FROM promotions WHERE code > :after ORDER BY code LIMIT :limit")
ADD: Final = Statement("""
    INSERT INTO promotions (code, kind, value, currency, min_subtotal, starts_at, ends_at, uses_max,
      uses_per_customer_max, active, actor, created_at, updated_at)
    VALUES (:code, :kind, :value, :currency, :min_subtotal, :starts_at, :ends_at, :uses_max, :uses_per_customer_max,
      :active, :actor, :created_at, :updated_at)
""")
CHANGE: Final = Statement("""
    UPDATE promotions SET min_subtotal = :new_min_subtotal, ends_at = :new_ends_at, uses_max = :new_uses_max,
      uses_per_customer_max = :new_uses_per_customer_max, active = :new_active, version = version + 1,
      actor = :new_actor, updated_at = :new_updated_at
    WHERE code = :promotion_code
""")
# Not counting orders that ended unfulfilled.
USES_BY_CUSTOMER: Final = Statement(f"""
    SELECT count(*) FROM (
      SELECT number FROM orders
      WHERE promo_code = :code AND customer_id = :customer_id
        AND status IN ({literals({*OrderStatus} - {*RESTOCKING})})
      LIMIT :limit) AS uses
""")

NOUN: Final = Noun(
    name="promotions",
    tables=(promotions,),
    statements=statements_in(globals()),
    personal={"promotions": Impersonal("codes, and how often each was used")},
)

# --- Units of work ----------------------------------------------------------------------------------------------------


class Promotions:
    """The promotions in a group of orders: uses of earlier orders count before they are written."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._found: dict[str, Promotion | None] = {}
        self._uses: dict[tuple[str, str], int] = {}

    def hold(self, written: Iterable[str | None]) -> None:
        """Lock these promotions until the uses are counted, in the order of codes, against deadlocks."""
        for code in sorted({as_code(each) for each in written if each is not None}):
            row = self._transaction.one(BY_CODE_FOR_UPDATE, code=code)
            self._found[code] = None if row is None else self._transaction.decoded(row, _promotion_of, TABLE)

    def offer(self, written: str | None, customer_id: str | None, now: Timestamp) -> Offer | None:
        """The offer of a buyer's code; None without a code. Of a new customer no earlier use is known."""
        if written is None:
            return None
        code = as_code(written)
        if code not in self._found:
            self._found[code] = find(self._transaction, code)
        uses = 0 if customer_id is None else self._uses_by(code, customer_id)
        return Offer(code, self._found[code], uses, now)

    def use(self, code: str, customer_id: str) -> None:
        """Count a use by an order about to be written."""
        promotion = self._found[code]
        assert promotion is not None
        self._found[code] = promotion.used()
        self._uses[code, customer_id] = self._uses_by(code, customer_id) + 1

    def _uses_by(self, code: str, customer_id: str) -> int:
        """The number of uses, up to the limit."""
        uses = self._uses.get((code, customer_id))
        if uses is None:
            promotion = self._found[code]
            if promotion is None or promotion.uses_per_customer_max is None:
                return 0
            values = {"code": code, "customer_id": customer_id, "limit": promotion.uses_per_customer_max}
            row = self._transaction.one(USES_BY_CUSTOMER, **values)
            uses = self._uses[code, customer_id] = int(row[0]) if row is not None else 0
        return uses


def find(transaction: Transaction, code: str) -> Promotion | None:
    return transaction.read_one(BY_CODE, _promotion_of, TABLE, code=code)


def page(transaction: Transaction, after: str, limit: int) -> list[Promotion]:
    """A page of promotions by code after `after` ("" for the first)."""
    return transaction.page(AFTER, _promotion_of, TABLE, after=after, limit=limit)


def add(transaction: Transaction, promotion: Promotion, actor: Actor) -> None:
    """Insert a promotion. Raises InvalidField for a known code, or an end before the beginning."""
    _check(promotion)
    values = msgspec.structs.asdict(promotion) | {"active": int(promotion.active), "actor": str(actor)}
    del values["uses"], values["version"]
    try:
        transaction.run(ADD, **values)
    except transaction.refusals:
        raise InvalidField("code", f"There is a promotion {promotion.code} already.") from None


def change(
    transaction: Transaction, code: str, changes: dict[str, Any], *, expected_version: int, actor: Actor, now: Timestamp
) -> Promotion:
    """Change a promotion. Raises NotFound, EditConflict and InvalidField."""
    row = transaction.one(BY_CODE_FOR_UPDATE, code=code)
    if row is None:
        raise NotFound("promotion")
    before = transaction.decoded(row, _promotion_of, TABLE)
    if before.version != expected_version:
        raise EditConflict("promotion", before.version, expected_version, row[-1], before.updated_at)
    changed = msgspec.structs.replace(before, **changes, version=before.version + 1, updated_at=now)
    _check(changed)
    transaction.run(
        CHANGE,
        promotion_code=code,
        new_min_subtotal=changed.min_subtotal,
        new_ends_at=changed.ends_at,
        new_uses_max=changed.uses_max,
        new_uses_per_customer_max=changed.uses_per_customer_max,
        new_active=int(changed.active),
        new_actor=str(actor),
        new_updated_at=now,
    )
    return changed


def _check(changed: Promotion) -> None:
    if changed.uses_max is not None and changed.uses > changed.uses_max:
        raise InvalidField("usesMax", f"It has been used {changed.uses} times already; end it instead.")
    if changed.ends_at is not None and changed.starts_at is not None and changed.ends_at <= changed.starts_at:
        raise InvalidField("endsAt", "It would end before it begins.")


def _promotion_of(row: tuple[Any, ...]) -> Promotion:
    values = dict(zip(Promotion.__struct_fields__, row, strict=False))
    values["active"] = bool(values["active"])
    named = dict(zip(Promotion.__struct_encode_fields__, values.values(), strict=True))
    return msgspec.convert(named, Promotion)
