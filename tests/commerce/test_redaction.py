from __future__ import annotations

from ordercast.commerce.redaction import REDACTED, Redaction

ASHA = Redaction(["Asha Rahman", "asha@example.com", None, "", " 12 ", "12 Lake Road"])


def test_the_parts_that_are_about_the_person_go_whole() -> None:
    order = {
        "id": "ord_1",
        "customerInfo": {"name": "somebody", "email": "x@example.com", "mobile": "1"},
        "billingInfo": {"line1": "anywhere"},
        "shippingInfo": None,
        "paymentInfo": {"method": "card", "brand": "visa", "last4": "4242"},
        "position": {"lat": 23.8, "lng": 90.4},
        "total": 12,
    }
    assert ASHA.without([order]) == [
        {
            "id": "ord_1",
            "customerInfo": {"name": None, "email": None, "mobile": None},
            "billingInfo": None,
            "shippingInfo": None,
            "paymentInfo": {"method": "card"},
            "position": None,
            "total": 12,
        }
    ]


def test_their_texts_go_wherever_they_are_written() -> None:
    found = {
        "note": "call ASHA RAHMAN back",
        "position": "epoch:1",
        "to": ["asha@example.com", "mina@example.com"],
        "deep": {"a": None},
    }
    assert ASHA.without(found) == {
        "note": REDACTED,
        "position": "epoch:1",
        "to": [REDACTED, "mina@example.com"],
        "deep": {"a": None},
    }


def test_what_is_too_short_to_be_somebody_is_not_looked_for() -> None:
    assert ASHA.without("12 cups") == "12 cups"
    assert repr(ASHA) == "<Redaction 3 texts>"


def test_what_is_no_text_stays() -> None:
    assert ASHA.without([1, 2.5, True, None]) == [1, 2.5, True, None]
