"""Delivery rules from the settings."""

from __future__ import annotations

from typing import Final

from ordercast.commerce.deliveries import DeliveryRules
from ordercast.commerce.geo import Location
from ordercast.config import Settings

# Gulshan, Dhaka: so that a demo shows arrivals.
DEMO_LOCATION: Final = Location(23.7806, 90.4074)


def delivery_rules(settings: Settings) -> DeliveryRules:
    return DeliveryRules(
        shop=_location(settings),
        speed_kmh=settings.delivery_speed_kmh,
        stop_s=round(settings.delivery_stop_minutes * 60),
        attempts_max=settings.delivery_attempts_max,
        proof_required=settings.delivery_proof == "required",
    )


def _location(settings: Settings) -> Location | None:
    if settings.shop_location:
        lat, lng = settings.shop_location.split(",")
        return Location(float(lat), float(lng))
    return DEMO_LOCATION if settings.demo else None
