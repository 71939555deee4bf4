"""The shop's rules, and its promotions."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, func, insert, select, update

from ordercast.commerce.promotions import Promotion
from ordercast.commerce.shop import Shop
from ordercast.commerce.states import OrderStatus
from ordercast.commerce.transitions import GIVING_BACK
from ordercast.db.schema import orders, products, promotions, shop

from .compiling import ONE, ZERO, Compiler, free, texts, to_change

_RULES: Final = (*Shop.__struct_fields__, "actor", "updated_at")
_PROMOTION: Final = Promotion.__struct_fields__
_ADDED: Final = (*(name for name in _PROMOTION if name not in {"uses", "version"}), "actor")
_CHANGED: Final = ("min_subtotal", "ends_at", "uses_max", "uses_per_customer_max", "active", "actor", "updated_at")


class ShopStatements:
    def __init__(self, text: Compiler) -> None:
        rules = select(
            *(shop.c[name] for name in Shop.__struct_fields__), shop.c.version, shop.c.actor, shop.c.updated_at
        )
        self.rules = text(rules)
        self.rules_to_change = text(to_change(rules))
        # One after another: a shop has few of them, and may have many products of each.
        self.next_tax_class = text(
            select(func.min(products.c.tax_class)).where(
                products.c.active == ONE, products.c.tax_class > bindparam("after")
            )
        )
        self.change_rules = text(
            update(shop).values({name: bindparam(f"new_{name}") for name in _RULES} | {"version": shop.c.version + ONE})
        )


class PromotionStatements:
    def __init__(self, text: Compiler) -> None:
        promotion = select(*(promotions.c[name] for name in _PROMOTION))
        by_code = select(*(promotions.c[name] for name in _PROMOTION), promotions.c.actor).where(
            promotions.c.code == bindparam("code")
        )
        self.by_code = text(by_code)
        self.by_code_to_change = text(to_change(by_code))
        by_codes = select(promotions.c.code).where(promotions.c.code.in_(text.dialect.values_of("codes")))
        self.by_codes = text(by_codes)
        self.held_by_nobody = text(free(by_codes))
        self.after = text(
            promotion.where(promotions.c.code > bindparam("after"))
            .order_by(promotions.c.code)
            .limit(bindparam("limit"))
            .offset(ZERO)
        )
        self.add = text(insert(promotions).values({name: bindparam(name) for name in _ADDED}))
        self.change = text(
            update(promotions)
            .values({name: bindparam(f"new_{name}") for name in _CHANGED} | {"version": promotions.c.version + ONE})
            .where(promotions.c.code == bindparam("promotion_code"))
        )
        # Of orders that stand: who cancelled one may use the code again.
        uses = (
            select(orders.c.number)
            .where(
                orders.c.promo_code == bindparam("code"),
                orders.c.customer_id == bindparam("customer_id"),
                orders.c.status.in_(texts(sorted({*OrderStatus} - GIVING_BACK))),
            )
            .limit(bindparam("limit"))
            .offset(ZERO)
            .subquery("uses")
        )
        self.uses_by_customer = text(select(func.count()).select_from(uses))
