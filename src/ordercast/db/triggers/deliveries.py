"""Deliveries: each stage is written down with the driver and the place of then, and told."""

from __future__ import annotations

from inspect import cleandoc
from typing import Final

from ordercast.commerce.deliveries import CARRYING
from ordercast.commerce.states import Fulfilment
from ordercast.db.columns import names
from ordercast.db.dialects import Dialect, Trigger
from ordercast.db.schema.deliveries import deliveries
from ordercast.db.trigger_helpers import FEED_COLUMNS, refused, same

from .notifications import notes_of_deliveries

# Part of the trigger on orders, before the order's own row in the feed, which stays the last that a change writes.
DELIVERY_MOVED: Final = cleandoc(f"""
    INSERT INTO deliveries (order_id, version, stage, driver_id, former_driver_id, attempts, eta_at, lat, lng, at)
      SELECT o.id, o.version, o.status, o.driver_id,
        CASE WHEN OLD.driver_id IS DISTINCT FROM o.driver_id THEN OLD.driver_id END,
        o.attempts, CASE WHEN OLD.eta_at IS DISTINCT FROM o.eta_at THEN o.eta_at END, d.lat, d.lng, o.updated_at
      FROM orders o
        LEFT JOIN driver_states d ON d.driver_id = o.driver_id AND o.status IN ({names(CARRYING)})
      WHERE o.number = NEW.number AND o.fulfilment = '{Fulfilment.DELIVERY}'
        AND (OLD.driver_id IS DISTINCT FROM o.driver_id OR (OLD.status <> o.status AND o.driver_id IS NOT NULL))
""")

# But where a customer lives may be forgotten.
_KEPT_COLUMNS: Final = [name for name in deliveries.c.keys() if name not in {"lat", "lng"}]  # noqa: SIM118
_FORGETS: Final = f"NEW.lat IS NULL AND NEW.lng IS NULL AND {same(_KEPT_COLUMNS)}"
_ADDED_TO: Final = "deliveries: only ever added to"


def delivery_triggers(dialect: Dialect) -> list[Trigger]:
    told = cleandoc(f"""
        INSERT INTO feed ({FEED_COLUMNS})
          SELECT 'delivery.moved', o.id, NEW.version, o.actor, o.reason, NEW.at, NULL,
            {_document(dialect)}
          FROM orders o WHERE o.id = NEW.order_id
    """)
    return [
        Trigger("deliveries_told", "AFTER INSERT", "deliveries", (*notes_of_deliveries(dialect), told)),
        refused("deliveries_kept", "DELETE", "deliveries", _ADDED_TO),
        refused("deliveries_unchanged", "UPDATE", "deliveries", _ADDED_TO, when=f"NOT ({_FORGETS})"),
    ]


def _document(dialect: Dialect) -> str:
    name = "(SELECT name FROM accounts WHERE id = NEW.driver_id)"
    driver = dialect.object_of(["'id', NEW.driver_id", f"'name', {name}"])
    located_at = "(SELECT located_at FROM driver_states WHERE driver_id = NEW.driver_id)"
    position = dialect.object_of(["'lat', NEW.lat", "'lng', NEW.lng", f"'at', {located_at}"])
    pairs = [
        "'orderId', o.id",
        "'number', o.number",
        "'customerId', o.customer_id",
        "'stage', NEW.stage",
        f"'driver', CASE WHEN NEW.driver_id IS NOT NULL THEN {driver} END",
        "'formerDriverId', NEW.former_driver_id",
        "'attempts', NEW.attempts",
        "'eta', NEW.eta_at",
        f"'position', CASE WHEN NEW.lat IS NOT NULL THEN {position} END",
    ]
    return dialect.json_text(dialect.object_of(pairs))
