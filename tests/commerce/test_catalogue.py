from __future__ import annotations

from ordercast.commerce.catalogue import DEMO_CATALOGUE
from ordercast.commerce.shop import DEMO_TAX_RATES_BP
from tests.commerce.ids import is_id

SLUGS = (
    "masala-chai green-tea filter-coffee mango-lassi samosa paratha chicken-biryani dal-fry hilsa-curry roshogolla "
    "mishti-doi jilapi lemon-sherbet fruit-box"
)


def test_the_demo_shop_sells_its_fourteen_things_in_both_languages() -> None:
    assert [product.slug for product in DEMO_CATALOGUE] == SLUGS.split()
    assert len({product.id for product in DEMO_CATALOGUE}) == 14
    for product in DEMO_CATALOGUE:
        assert is_id(product.id, "prd")
        assert product.image == f"/images/{product.slug}.svg"
        assert product.tax_class in DEMO_TAX_RATES_BP
        assert product.price > 0
        assert all("\u0980" <= text[0] <= "\u09ff" for text in (product.name_bn, product.description_bn))
