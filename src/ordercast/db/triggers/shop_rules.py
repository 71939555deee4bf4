"""What the shop's one row may say: by it every order is priced, so that one wrong word in it would refuse them all."""

from __future__ import annotations

from inspect import cleandoc
from typing import Final

from ordercast.commerce.money import BASIS_POINTS, PRICE_MINOR_MAX
from ordercast.commerce.orders import POSTCODE_MAX
from ordercast.commerce.shop import PREFIXES_MAX, TAX_CLASSES_MAX, ZONES_MAX
from ordercast.db.dialects import SQLITE, Dialect, Refusal, Trigger

# In SQLite's words and in PostgreSQL's: a member `m` has a key, and is told by its type and value.
_WORDS: Final = {
    "sqlite": {
        "members": "json_each({})",
        "items": "json_each({})",
        "whole": "({0}.type = 'integer' AND {0}.value BETWEEN 0 AND {1})",
        "type": "{}.type",
        "text": "{}.value",
        "name": "{0} GLOB '[a-z]*' AND {0} NOT GLOB '*[^a-z0-9_-]*'",
        "country": "{} GLOB '[A-Z][A-Z]'",
        "string": "text",
    },
    "postgresql": {
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
    },
}


def shop_rules(dialect: Dialect) -> list[Trigger]:
    refusals = (_rates(dialect), _zones(dialect))
    return [
        Trigger("shop_ruled", "BEFORE INSERT", "shop", refusals),
        Trigger("shop_ruled_anew", "BEFORE UPDATE OF tax_rates_bp, delivery_zones", "shop", refusals),
    ]


def _rates(dialect: Dialect) -> Refusal:
    words = _WORDS[dialect.name]
    members = words["members"].format("NEW.tax_rates_bp")
    fits = f"{words['name'].format('m.key')} AND length(m.key) <= 32 AND {words['whole'].format('m', BASIS_POINTS)}"
    broken = cleandoc(f"""
        (SELECT count(*) FROM {members} AS m) NOT BETWEEN 1 AND {TAX_CLASSES_MAX}
          OR EXISTS (SELECT 1 FROM {members} AS m WHERE NOT ({fits}))
    """)
    sentence = f"tax_rates: up to {TAX_CLASSES_MAX} classes in small letters, each of 0 to {BASIS_POINTS} basis points"
    return Refusal(sentence, _of_kind("tax_rates_bp", "object", broken, dialect))


def _zones(dialect: Dialect) -> Refusal:
    words = _WORDS[dialect.name]
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
    broken = cleandoc(f"""
        (SELECT count(*) FROM {zones} AS z) > {ZONES_MAX} OR EXISTS (
          SELECT 1 FROM {zones} AS z WHERE CASE WHEN {is_object} THEN NOT {whole} OR {odd} ELSE TRUE END)
    """)
    sentence = f"delivery_zones: up to {ZONES_MAX} objects of fee, and perhaps freeFrom, country, postcodes"
    return Refusal(sentence, _of_kind("delivery_zones", "array", broken, dialect))


def _of_kind(column: str, kind: str, broken: str, dialect: Dialect) -> str:
    """`broken` of what is of that kind at all, which the column itself says."""
    if dialect is SQLITE:
        return f"CASE WHEN json_valid(NEW.{column}) THEN json_type(NEW.{column}) <> '{kind}' OR {broken} ELSE 0 END"
    return broken
