"""The shop's rules: what every order is priced by."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

import msgspec

from ordercast.commerce.errors import EditConflict, InvalidField
from ordercast.commerce.moments import Moment
from ordercast.commerce.people import Actor
from ordercast.commerce.shop import DEMO_SHOP, Shop

from .damage import DamagedRow
from .transaction import Transaction

KEY: Final = 1
"""Of the one row."""


class StandingShop(Shop, frozen=True, kw_only=True, rename="camel"):
    """The rules, and which they are by count."""

    version: int
    updated_at: str


def rules(transaction: Transaction) -> Shop:
    """The rules that hold in this transaction."""
    return standing(transaction)


def standing(transaction: Transaction) -> StandingShop:
    """As `rules`. Raises DamagedRow where nobody can know what is charged."""
    return transaction.decoded(_row(transaction, transaction.sql.shop.rules), _shop_of, "shop", KEY)


def currency(transaction: Transaction) -> str:
    """What the shop's sums are in, also where the rest of its rules cannot be read."""
    row = transaction.one(transaction.sql.shop.rules)
    named = None if row is None else row[Shop.__struct_fields__.index("currency")]
    return named if isinstance(named, str) else DEMO_SHOP.currency


def change_rules(transaction: Transaction, new: Shop, *, expected_version: int, actor: Actor, now: Moment) -> None:
    """Let new rules hold from the next order on. Raises EditConflict, InvalidField for a tax class that is in use."""
    version, changed_by, changed_at = _row(transaction, transaction.sql.shop.rules_to_change)[-3:]
    if version != expected_version:
        raise EditConflict("shop", version, expected_version, changed_by, changed_at)
    for tax_class in _used_tax_classes(transaction):
        if tax_class not in new.tax_rates_bp:
            raise InvalidField("taxRatesBp", f"Products that are for sale are of the tax class {tax_class!r}.")
    transaction.run(
        transaction.sql.shop.change_rules,
        **{f"new_{name}": _kept(getattr(new, name)) for name in Shop.__struct_fields__},
        new_actor=str(actor),
        new_updated_at=now,
    )


def _used_tax_classes(transaction: Transaction) -> Iterator[str]:
    """Those of products that are for sale."""
    found = transaction.one(transaction.sql.shop.next_tax_class, after="")
    while found is not None and found[0] is not None:
        yield found[0]
        found = transaction.one(transaction.sql.shop.next_tax_class, after=found[0])


def _row(transaction: Transaction, statement: str) -> tuple[Any, ...]:
    row = transaction.one(statement)
    if row is None:
        raise DamagedRow("shop", KEY, "there is no such row")
    return row


# The rules change seldom, and each order reads them.
@lru_cache(maxsize=4)
def _shop_of(row: tuple[Any, ...]) -> StandingShop:
    values = dict(zip(Shop.__struct_fields__, row, strict=False))
    for name in ("tax_rates_bp", "delivery_zones"):
        values[name] = msgspec.json.decode(values[name])
    values["prices_include_tax"] = bool(values["prices_include_tax"])
    named = dict(zip(Shop.__struct_encode_fields__, values.values(), strict=True))
    # Checked, for another program may have written it.
    return msgspec.convert({**named, "version": row[-3], "updatedAt": row[-1]}, StandingShop)


def _kept(value: Any) -> Any:
    if isinstance(value, dict | tuple):
        return msgspec.json.encode(value).decode()
    return int(value) if isinstance(value, bool) else value
