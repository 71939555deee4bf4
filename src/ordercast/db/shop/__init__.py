"""The shop's pricing rules, in one row; see ``commerce.shop``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

import msgspec

from ordercast.commerce.errors import EditConflict, InvalidField
from ordercast.commerce.money import Rounding
from ordercast.commerce.people import Actor
from ordercast.commerce.shop import DEMO_SHOP, Shop
from ordercast.commerce.timestamps import Timestamp
from ordercast.db import columns
from ordercast.db.columns import (
    amount,
    check,
    flag,
    integer,
    json_array,
    json_object,
    moment,
    one_of,
    table,
    version,
    word,
)
from ordercast.db.damage import DamagedRow
from ordercast.db.noun import Impersonal, Noun
from ordercast.db.statement import Statement, statements_in
from ordercast.db.transaction import Transaction

from .triggers import TRIGGERS

KEY: Final = 1
"""The key of the row."""

shop = table(
    "shop",
    integer("id", check("one_shop", "id = 1"), primary_key=True),
    columns.currency(DEMO_SHOP.currency),
    json_object("tax_rates_bp", msgspec.json.encode(DEMO_SHOP.tax_rates_bp).decode()),
    flag("prices_include_tax", DEMO_SHOP.prices_include_tax),
    word("rounding", default=DEMO_SHOP.rounding),
    amount("delivery_fee", DEMO_SHOP.delivery_fee),
    amount("free_delivery_from", DEMO_SHOP.free_delivery_from, optional=True),
    json_array("delivery_zones"),
    version(),
    columns.actor(),
    moment("updated_at"),
    one_of("rounding", Rounding),
)

# --- Statements -------------------------------------------------------------------------------------------------------

COLUMNS: Final = (
    "currency", "tax_rates_bp", "prices_include_tax", "rounding", "delivery_fee", "free_delivery_from",
    "delivery_zones", "version", "actor", "updated_at",
)  # fmt: skip
"""As `decoded_rules` takes them."""
_RULES: Final = f"SELECT {', '.join(COLUMNS)} FROM shop"
RULES: Final = Statement(_RULES)
RULES_FOR_UPDATE: Final = Statement(f"{_RULES} @for_update")
CHANGE_RULES: Final = Statement("""
    UPDATE shop SET currency = :new_currency, tax_rates_bp = :new_tax_rates_bp,
      prices_include_tax = :new_prices_include_tax, rounding = :new_rounding, delivery_fee = :new_delivery_fee,
      free_delivery_from = :new_free_delivery_from, delivery_zones = :new_delivery_zones, version = version + 1,
      actor = :new_actor, updated_at = :new_updated_at
""")
# One at a time: few classes, many products each.
NEXT_TAX_CLASS: Final = Statement("SELECT min(tax_class) FROM products WHERE active = 1 AND tax_class > :after")

NOUN: Final = Noun(
    name="shop",
    tables=(shop,),
    statements=statements_in(globals()),
    triggers=TRIGGERS,
    personal={"shop": Impersonal("the shop's own terms")},
)

# --- Units of work ----------------------------------------------------------------------------------------------------


class CurrentShop(Shop, frozen=True, kw_only=True, rename="camel"):
    """The rules with their version."""

    version: int
    updated_at: str


def rules(transaction: Transaction) -> Shop:
    """The current rules."""
    return current_shop(transaction)


def current_shop(transaction: Transaction) -> CurrentShop:
    """As `rules`. Raises DamagedRow."""
    return decoded_rules(transaction, _row(transaction, RULES))


def decoded_rules(transaction: Transaction, row: tuple[Any, ...]) -> CurrentShop:
    """The rules in a row of `COLUMNS`. Raises DamagedRow."""
    return transaction.decoded(row, _shop_of, "shop", KEY)


def currency(transaction: Transaction) -> str:
    """The shop's currency, even if the other rules are damaged."""
    row = transaction.one(RULES)
    named = None if row is None else row[Shop.__struct_fields__.index("currency")]
    return named if isinstance(named, str) else DEMO_SHOP.currency


def change_rules(transaction: Transaction, new: Shop, *, expected_version: int, actor: Actor, now: Timestamp) -> None:
    """Replace the rules. Raises EditConflict, and InvalidField for a tax class in use."""
    version, changed_by, changed_at = _row(transaction, RULES_FOR_UPDATE)[-3:]
    if version != expected_version:
        raise EditConflict("shop", version, expected_version, changed_by, changed_at)
    for tax_class in _used_tax_classes(transaction):
        if tax_class not in new.tax_rates_bp:
            raise InvalidField("taxRatesBp", f"Products that are for sale are of the tax class {tax_class!r}.")
    transaction.run(
        CHANGE_RULES,
        **{f"new_{name}": _kept(getattr(new, name)) for name in Shop.__struct_fields__},
        new_actor=str(actor),
        new_updated_at=now,
    )


def _used_tax_classes(transaction: Transaction) -> Iterator[str]:
    """The tax classes of products for sale."""
    found = transaction.one(NEXT_TAX_CLASS, after="")
    while found is not None and found[0] is not None:
        yield found[0]
        found = transaction.one(NEXT_TAX_CLASS, after=found[0])


def _row(transaction: Transaction, statement: Statement) -> tuple[Any, ...]:
    row = transaction.one(statement)
    if row is None:
        raise DamagedRow("shop", KEY, "there is no such row")
    return row


# Cached: they change seldom, and each order reads them.
@lru_cache(maxsize=4)
def _shop_of(row: tuple[Any, ...]) -> CurrentShop:
    values = dict(zip(Shop.__struct_fields__, row, strict=False))
    for name in ("tax_rates_bp", "delivery_zones"):
        values[name] = msgspec.json.decode(values[name])
    values["prices_include_tax"] = bool(values["prices_include_tax"])
    named = dict(zip(Shop.__struct_encode_fields__, values.values(), strict=True))
    # Validated: another program may have written it.
    return msgspec.convert({**named, "version": row[-3], "updatedAt": row[-1]}, CurrentShop)


def _kept(value: Any) -> Any:
    if isinstance(value, dict | tuple):
        return msgspec.json.encode(value).decode()
    return int(value) if isinstance(value, bool) else value
