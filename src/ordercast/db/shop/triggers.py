"""Rules of the shop's row: every order is priced by it, so a damaged one would refuse them all. It is updated, never
deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import cleandoc
from typing import Final, TypeAlias

from ordercast.commerce.money import BASIS_POINTS, PRICE_MINOR_MAX
from ordercast.commerce.orders import POSTCODE_MAX
from ordercast.commerce.shop import PREFIXES_MAX, TAX_CLASSES_MAX, ZONES_MAX
from ordercast.db.dialects import Refusal, Trigger
from ordercast.db.trigger_helpers import refused

Words: TypeAlias = Mapping[str, str]

# Both dialects: a member `m` has a key, type and value.
_SQLITE: Final[Words] = {
    "members": "json_each({})",
    "items": "json_each({})",
    "whole": "({0}.type = 'integer' AND {0}.value BETWEEN 0 AND {1})",
    "type": "{}.type",
    "text": "{}.value",
    "name": "{0} GLOB '[a-z]*' AND {0} NOT GLOB '*[^a-z0-9_-]*'",
    "country": "{} GLOB '[A-Z][A-Z]'",
    "string": "text",
}
_POSTGRESQL: Final[Words] = {
    "members": "jsonb_each({})",
    "items": "jsonb_array_elements({})",
    "whole": (
        "CASE WHEN jsonb_typeof({0}.value) = 'number' THEN"
        " CAST({0}.value AS numeric) BETWEEN 0 AND {1} AND CAST({0}.value AS numeric) % 1 = 0 ELSE FALSE END"
    ),
    "type": "jsonb_typeof({}.value)",
    "text": "({}.value #>> '{{}}')",
    "name": "{0} ~ '^[a-z][a-z0-9_-]*$'",
    "country": "{} ~ '^[A-Z]{{2}}$'",
    "string": "string",
}


def _rates_broken(words: Words) -> str:
    members = words["members"].format("NEW.tax_rates_bp")
    fits = f"{words['name'].format('m.key')} AND length(m.key) <= 32 AND {words['whole'].format('m', BASIS_POINTS)}"
    return cleandoc(f"""
        (SELECT count(*) FROM {members} AS m) NOT BETWEEN 1 AND {TAX_CLASSES_MAX}
          OR EXISTS (SELECT 1 FROM {members} AS m WHERE NOT ({fits}))
    """)


def _zones_broken(words: Words) -> str:
    zones, members = words["items"].format("NEW.delivery_zones"), words["members"].format("z.value")
    prefixes = words["items"].format("m.value")
    type_, text, string = words["type"].format("m"), words["text"].format("m"), words["string"]
    prefix_type, prefix = words["type"].format("p"), words["text"].format("p")
    amount = words["whole"].format("m", PRICE_MINOR_MAX)
    fits = cleandoc(f"""
        CASE m.key
          WHEN 'fee' THEN {amount}
          WHEN 'freeFrom' THEN {type_} = 'null' OR {amount}
          WHEN 'country' THEN {type_} = 'null' OR {type_} = '{string}' AND {words["country"].format(text)}
          WHEN 'postcodes' THEN CASE WHEN {type_} = 'array' THEN
            (SELECT count(*) FROM {prefixes} AS p) <= {PREFIXES_MAX} AND NOT EXISTS (
              SELECT 1 FROM {prefixes} AS p
              WHERE {prefix_type} <> '{string}' OR length({prefix}) NOT BETWEEN 1 AND {POSTCODE_MAX})
            ELSE FALSE END
          ELSE FALSE END
    """)
    is_object = f"{words['type'].format('z')} = 'object'"
    whole = f"(SELECT count(*) FROM {members} AS m WHERE m.key = 'fee') = 1"
    odd = f"EXISTS (SELECT 1 FROM {members} AS m WHERE NOT ({fits}))"
    return cleandoc(f"""
        (SELECT count(*) FROM {zones} AS z) > {ZONES_MAX} OR EXISTS (
          SELECT 1 FROM {zones} AS z WHERE CASE WHEN {is_object} THEN NOT {whole} OR {odd} ELSE TRUE END)
    """)


def _of_kind(column: str, kind: str, broken: Callable[[Words], str]) -> str:
    """`broken`, if the value is of that kind, which PostgreSQL's column type ensures."""
    other = f"json_type(NEW.{column}) <> '{kind}'"
    sqlite = f"CASE WHEN json_valid(NEW.{column}) THEN {other} OR {broken(_SQLITE)} ELSE 0 END"
    return f"@sqlite({sqlite})@postgresql({broken(_POSTGRESQL)})"


_RULES: Final = (
    Refusal(
        f"tax_rates: up to {TAX_CLASSES_MAX} classes in small letters, each of 0 to {BASIS_POINTS} basis points",
        _of_kind("tax_rates_bp", "object", _rates_broken),
    ),
    Refusal(
        f"delivery_zones: up to {ZONES_MAX} objects of fee, and perhaps freeFrom, country, postcodes",
        _of_kind("delivery_zones", "array", _zones_broken),
    ),
)

TRIGGERS: Final = (
    refused("shop_kept", "DELETE", "shop", "shop_kept: the rules of the shop are changed by UPDATE, never deleted"),
    Trigger("shop_ruled", "BEFORE INSERT", "shop", _RULES),
    Trigger("shop_ruled_anew", "BEFORE UPDATE OF tax_rates_bp, delivery_zones", "shop", _RULES),
)
