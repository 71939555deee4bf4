"""Units of work on bookable services."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ordercast.commerce.errors import EditConflict, InvalidField, NotFound
from ordercast.commerce.money import PRICE_MINOR_MAX
from ordercast.commerce.people import Actor
from ordercast.commerce.services import CARERS_MAX, DURATION_MAX, DURATION_MIN, Service
from ordercast.commerce.timestamps import Timestamp

from . import carers, columns
from .columns import check, count, flag, identifier, index, integer, json_array, line, moment, table, text, version
from .lenient_json import read_json
from .noun import Impersonal, Noun
from .statement import Statement, statements_in
from .transaction import Transaction

TABLE: Final = "services"

services = table(
    TABLE,
    identifier("id", prefix="svc", primary_key=True),
    line("name"),
    line("name_bn", default=""),
    text("description", default=""),
    text("description_bn", default=""),
    count(
        "duration_minutes",
        check("duration_bounds", f"duration_minutes BETWEEN {DURATION_MIN} AND {DURATION_MAX}"),
        default=60,
    ),
    count("slot_minutes", check("slot_bounds", f"slot_minutes BETWEEN {DURATION_MIN} AND {DURATION_MAX}"), default=30),
    integer("price", check("service_price_bounds", f"price BETWEEN 0 AND {PRICE_MINOR_MAX}")),
    columns.currency("BDT"),
    json_array("carer_ids"),
    flag("active", True),
    version(),
    columns.actor(),
    moment("updated_at"),
    index("services_on_offer", "id", where="active = 1"),
)

# --- Statements -------------------------------------------------------------------------------------------------------

_SERVICE: Final = """
    SELECT id, name, name_bn, description, description_bn, duration_minutes, slot_minutes, price, currency, carer_ids,
      active, version
    FROM services
"""
BY_ID: Final = Statement(f"{_SERVICE} WHERE id = :id")
BY_ID_FOR_UPDATE: Final = Statement(f"{_SERVICE} WHERE id = :id @for_update")
ALL_AFTER: Final = Statement(f"{_SERVICE} WHERE id > :after ORDER BY id LIMIT :limit")
ON_OFFER_AFTER: Final = Statement(f"{_SERVICE} WHERE id > :after AND active = 1 ORDER BY id LIMIT :limit")
ADD: Final = Statement("""
    INSERT INTO services (id, name, name_bn, description, description_bn, duration_minutes, slot_minutes, price,
      currency, carer_ids, active, version, actor, updated_at)
    VALUES (:id, :name, :name_bn, :description, :description_bn, :duration_minutes, :slot_minutes, :price,
      :currency, :carer_ids, :active, :version, :actor, :updated_at)
    ON CONFLICT (id) DO NOTHING
""")
CHANGE: Final = Statement("""
    UPDATE services SET name = :new_name, name_bn = :new_name_bn, description = :new_description,
      description_bn = :new_description_bn, duration_minutes = :new_duration_minutes,
      slot_minutes = :new_slot_minutes, price = :new_price, currency = :new_currency, carer_ids = :new_carer_ids,
      active = :new_active, version = version + 1, actor = :new_actor, updated_at = :new_updated_at
    WHERE id = :service_id
""")
LAST_EDIT: Final = Statement("SELECT actor, updated_at FROM services WHERE id = :id")

NOUN: Final = Noun(
    name="services",
    tables=(services,),
    statements=statements_in(globals()),
    personal={"services": Impersonal("what can be booked, and who of the shop does it")},
)

# --- Units of work ----------------------------------------------------------------------------------------------------


def find(transaction: Transaction, service_id: str) -> Service | None:
    return transaction.read_one(BY_ID, _service_of, TABLE, id=service_id)


def page(transaction: Transaction, after: str, limit: int, *, every: bool = False) -> list[Service]:
    """A page of services by id after `after` ("" for the first): bookable ones, or `every` one."""
    return transaction.page(ALL_AFTER if every else ON_OFFER_AFTER, _service_of, TABLE, after=after, limit=limit)


def add(transaction: Transaction, service: Service, actor: Actor, now: Timestamp) -> None:
    """Insert a service. Raises InvalidField for an unknown carer."""
    _check_carers(transaction, service.carer_ids)
    seed(transaction, service, actor, now)


def seed(transaction: Transaction, service: Service, actor: Actor, now: Timestamp) -> None:
    """Insert a service with existing carers, unless its id exists."""
    transaction.run(ADD, **_row(service, actor, now))


def change(
    transaction: Transaction,
    service_id: str,
    changes: dict[str, Any],
    *,
    expected_version: int,
    actor: Actor,
    now: Timestamp,
) -> Service:
    """Change a service; bookings stay. Raises NotFound, EditConflict, and InvalidField for an unknown carer."""
    found = transaction.one(BY_ID_FOR_UPDATE, id=service_id)
    if found is None:
        raise NotFound("service")
    before = transaction.decoded(found, _service_of, TABLE)
    if before.version != expected_version:
        row = transaction.one(LAST_EDIT, id=service_id)
        raise EditConflict("service", before.version, expected_version, *(row or ("", "")))
    after = msgspec.structs.replace(before, **changes)
    if after == before:
        return before
    if "carer_ids" in changes:
        _check_carers(transaction, after.carer_ids)
    values = _row(after, actor, now)
    del values["id"], values["version"]
    transaction.run(CHANGE, service_id=service_id, **{f"new_{name}": value for name, value in values.items()})
    return msgspec.structs.replace(after, version=before.version + 1)


def _check_carers(transaction: Transaction, carer_ids: list[str]) -> None:
    known = carers.known(transaction, carer_ids)
    for place, carer_id in enumerate(carer_ids):
        if carer_id not in known:
            raise InvalidField(f"carerIds[{place}]", "There is no such carer.")


def _row(service: Service, actor: Actor, now: Timestamp) -> dict[str, Any]:
    kept = {"carer_ids": msgspec.json.encode(service.carer_ids).decode(), "active": int(service.active)}
    return msgspec.structs.asdict(service) | kept | {"actor": str(actor), "updated_at": now}


def _service_of(row: tuple[Any, ...]) -> Service:
    """Convert a row in the order of fields. Raises ValueError, msgspec.ValidationError."""
    *columns, carer_ids, active, version_ = row
    values = (*columns, read_json(carer_ids)[:CARERS_MAX], bool(active), version_)
    return msgspec.convert(dict(zip(Service.__struct_encode_fields__, values, strict=True)), Service)
