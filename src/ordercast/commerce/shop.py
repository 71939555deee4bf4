"""The shop's pricing: currency, taxes and delivery fees.

The rules are one row of the database; an order is priced by those of its own transaction. ``docs/reference/money.md``
has examples.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct, field

from .errors import InvalidField
from .money import BASIS_POINTS, PRICE_MINOR_MAX, Rounding
from .orders import POSTCODE_MAX, Country, Destination
from .states import Fulfilment
from .text_patterns import text_matching

TAX_CLASSES_MAX: Final = 20
ZONES_MAX: Final = 200
PREFIXES_MAX: Final = 200

Amount = Annotated[int, Meta(ge=0, le=PRICE_MINOR_MAX)]
Currency = Annotated[
    str, text_matching(r"^[A-Z]{3}$", "A currency's three letters are wanted, such as BDT", description="ISO 4217")
]
TaxClass = Annotated[
    str, text_matching(r"^[a-z][a-z0-9_-]{0,31}$", "A tax class is wanted, such as standard: small letters and digits")
]
Rate = Annotated[int, Meta(ge=0, le=BASIS_POINTS, description="Basis points: 1500 is 15 %")]
Prefix = Annotated[str, Meta(min_length=1, max_length=POSTCODE_MAX)]

# The demo's: staple food is exempt, prepared food and drink reduced, sweets full.
DEMO_TAX_RATES_BP: Final = {"exempt": 0, "reduced": 500, "standard": 1500}


class DeliveryZone(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The delivery fee of a zone: `country`, and postcodes that begin with one of `postcodes`."""

    fee: Amount
    free_from: Amount | None = None
    """The subtotal from which delivery is free in this zone."""
    country: Country | None = None
    """None for any."""
    postcodes: Annotated[tuple[Prefix, ...], Meta(max_length=PREFIXES_MAX)] = ()
    """Empty for any."""

    def holds(self, destination: Destination) -> bool:
        if self.country is not None and self.country != destination.country:
            return False
        written = _plain(destination.postcode or "")
        return not self.postcodes or any(written.startswith(_plain(prefix)) for prefix in self.postcodes)


class Shop(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The shop's pricing. Amounts are minor units of `currency`, rates basis points by tax class."""

    currency: Currency = "BDT"
    tax_rates_bp: Annotated[dict[TaxClass, Rate], Meta(min_length=1, max_length=TAX_CLASSES_MAX)] = field(
        default_factory=DEMO_TAX_RATES_BP.copy
    )
    prices_include_tax: bool = False
    rounding: Rounding = Rounding.HALF_UP
    delivery_fee: Amount = 6_000
    free_delivery_from: Amount | None = 150_000
    """The subtotal from which delivery is free."""
    delivery_zones: Annotated[tuple[DeliveryZone, ...], Meta(max_length=ZONES_MAX)] = ()
    """The first that matches applies; if none does, the two fields above."""

    def rate_bp(self, tax_class: str, field: str) -> int:
        """The tax rate of a class. Raises InvalidField for `field` if there is none."""
        rate = self.tax_rates_bp.get(tax_class)
        if rate is None:
            raise InvalidField(field, f"This cannot be sold: the shop has no tax rate for the class {tax_class!r}.")
        return rate

    def shipping_fee(self, fulfilment: Fulfilment, destination: Destination | None, subtotal: int) -> int:
        """The delivery fee; pickup is free."""
        if fulfilment is Fulfilment.PICKUP:
            return 0
        fee, free_from = self.delivery_fee, self.free_delivery_from
        if destination is not None and (zone := self._zone(destination)) is not None:
            fee, free_from = zone.fee, zone.free_from
        return 0 if free_from is not None and subtotal >= free_from else fee

    def _zone(self, destination: Destination) -> DeliveryZone | None:
        return next((zone for zone in self.delivery_zones if zone.holds(destination)), None)


DEMO_SHOP: Final = Shop()


def _plain(postcode: str) -> str:
    """Normalized: people write codes with or without spaces, in either case."""
    return postcode.replace(" ", "").replace("-", "").upper()
