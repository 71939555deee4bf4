"""Deliveries: each stage is written down with the driver and the place of then, and told."""

from __future__ import annotations

from typing import Final

from ordercast.commerce.deliveries import CARRYING
from ordercast.commerce.states import Fulfilment
from ordercast.db.schema import deliveries
from ordercast.db.schema.columns import names

from .making import FEED_COLUMNS, refused, same

# Part of the trigger on orders, before the order's own row in the feed, which stays the last that a change writes.
DELIVERY_MOVED: Final = f"""
  INSERT INTO deliveries (order_id, version, stage, driver_id, former_driver_id, attempts, eta_at, lat, lng, at)
    SELECT o.id, o.version, o.status, o.driver_id, CASE WHEN OLD.driver_id IS NOT o.driver_id THEN OLD.driver_id END,
      o.attempts, CASE WHEN OLD.eta_at IS NOT o.eta_at THEN o.eta_at END, d.lat, d.lng, o.updated_at
    FROM orders o
      LEFT JOIN driver_states d ON d.driver_id = o.driver_id AND o.status IN ({names(CARRYING)})
    WHERE o.number = NEW.number AND o.fulfilment = '{Fulfilment.DELIVERY}'
      AND (OLD.driver_id IS NOT o.driver_id OR (OLD.status <> o.status AND o.driver_id IS NOT NULL));
""".strip()  # noqa: S608 - made of column names alone

_DELIVERY_TOLD: Final = f"""
CREATE TRIGGER deliveries_told AFTER INSERT ON deliveries
BEGIN
  INSERT INTO feed ({FEED_COLUMNS})
    SELECT 'delivery.moved', o.id, NEW.version, o.actor, o.reason, NEW.at, NULL,
      json_object(
        'orderId', o.id, 'number', o.number, 'customerId', o.customer_id, 'stage', NEW.stage,
        'driver', CASE WHEN NEW.driver_id IS NOT NULL THEN json_object('id', NEW.driver_id,
          'name', (SELECT name FROM accounts WHERE id = NEW.driver_id)) END,
        'formerDriverId', NEW.former_driver_id, 'attempts', NEW.attempts, 'eta', NEW.eta_at,
        'position', CASE WHEN NEW.lat IS NOT NULL THEN json_object('lat', NEW.lat, 'lng', NEW.lng,
          'at', (SELECT located_at FROM driver_states WHERE driver_id = NEW.driver_id)) END)
    FROM orders o WHERE o.id = NEW.order_id;
END
"""  # noqa: S608 - made of column names alone

# But where a customer lives may be forgotten.
_KEPT_COLUMNS: Final = [name for name in deliveries.c.keys() if name not in {"lat", "lng"}]  # noqa: SIM118
_FORGETS: Final = f"NEW.lat IS NULL AND NEW.lng IS NULL AND {same(_KEPT_COLUMNS)}"

DELIVERY_TRIGGERS: Final[dict[str, str]] = {
    "deliveries_told": _DELIVERY_TOLD.strip(),
    "deliveries_kept": refused("deliveries_kept", "DELETE ON deliveries", "deliveries: only ever added to"),
    "deliveries_unchanged": refused(
        "deliveries_unchanged", f"UPDATE ON deliveries WHEN NOT ({_FORGETS})", "deliveries: only ever added to"
    ),
}
