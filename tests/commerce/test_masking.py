from __future__ import annotations

from typing import Any

from ordercast.commerce.masking import masked

ADDRESS = {"name": "Asha Rahman", "line1": "12 Lake Road", "line2": "Flat 3", "city": "Dhaka", "country": "BD"}
ORDER: dict[str, Any] = {
    "id": "ord_1",
    "total": 500,
    "customerId": "cus_1",
    "customerInfo": {"name": "Asha Rahman", "email": "asha@example.com", "mobile": "+8801700000042"},
    "billingInfo": {**ADDRESS, "postcode": "1207"},
    "shippingInfo": ADDRESS,
    "cartItems": [{"name": "Chai"}],
}


def test_the_person_is_hinted_at_and_the_order_is_whole() -> None:
    shown = masked(ORDER)
    assert shown["customerInfo"] == {"name": "A••• R•••", "email": "a•••@e•••", "mobile": "•••42"}
    assert shown["shippingInfo"] == {
        "name": "A••• R•••",
        "line1": "•••",
        "line2": "•••",
        "city": "Dhaka",
        "country": "BD",
    }
    assert shown["billingInfo"]["postcode"] == "•••"
    assert (shown["id"], shown["total"], shown["cartItems"]) == ("ord_1", 500, ORDER["cartItems"])
    for text in ("Asha", "Rahman", "asha", "example", "1700", "Lake", "Flat", "1207", "cus_1"):
        assert text not in repr(shown)


def test_what_another_program_left_out_stays_out() -> None:
    nobody = {"name": None, "email": None, "mobile": None}
    shown = masked({"id": "ord_1", "customerInfo": nobody, "billingInfo": None, "shippingInfo": None})
    assert shown["customerInfo"] == nobody
    assert (shown["billingInfo"], shown["shippingInfo"]) == (None, None)


def test_the_order_itself_is_left_alone() -> None:
    before = repr(ORDER)
    masked(ORDER)
    assert repr(ORDER) == before
