from __future__ import annotations

import pytest

from ordercast.commerce.errors import CardNumberGiven, ControlCharacter
from ordercast.commerce.text_rules import check_texts, has_card_number

from .orders import ADDRESS, command

CARDS = [
    "4242424242424242",
    "4242 4242 4242 4242",
    "4242-4242-4242-4242",
    "5555555555554444",
    "378282246310005",
    "6011 1111 1111 1117",
    "my card 4111111111111111, thank you",
    "4242 4242 4242 4242 123",
    "4242424242424242 12/30",
    "৪২৪২৪২৪২৪২৪২৪২৪২",
    "4242\u00a04242\u00a04242\u00a04242",
]
HARMLESS = [
    "4242424242424241",
    "01700000000",
    "8801700000000",
    "12 Lake Road, Dhaka 1207",
    "ord_01m7ycs618aayr6fgw62jbxchf",
    "",
]


@pytest.mark.parametrize("text", CARDS)
def test_a_card_number_is_seen_however_it_is_written(text: str) -> None:
    assert has_card_number(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_other_digits_are_left_alone(text: str) -> None:
    assert not has_card_number(text)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("customerInfo.name", {"customerInfo": {"name": CARDS[0], "email": "a@b.cd", "mobile": "+8801700000000"}}),
        ("customerInfo.mobile", {"customerInfo": {"name": "A", "email": "a@b.cd", "mobile": CARDS[0]}}),
        ("billingInfo.line1", {"billingInfo": {**ADDRESS, "line1": CARDS[1]}}),
        ("shippingInfo.line2", {"shippingInfo": {**ADDRESS, "line2": CARDS[2]}}),
        ("cartItems[0].productId", {"cartItems": [{"productId": CARDS[0], "quantity": 1}]}),
        ("paymentInfo.token", {"paymentInfo": {"method": "card", "token": "tok_4242424242424242"}}),
    ],
)
def test_a_card_number_is_refused_in_every_text_and_not_repeated(field: str, changes: dict[str, object]) -> None:
    with pytest.raises(CardNumberGiven) as caught:
        check_texts(command(**changes))
    assert caught.value.field == field
    assert "4242" not in str(caught.value)


def test_an_international_telephone_number_is_no_card() -> None:
    # 13 digits that pass the check of a card's last digit; Germany's country code begins like one.
    number = next(f"+49151000000{n:02d}" for n in range(100) if has_card_number(f"49151000000{n:02d}"))
    check_texts(command(customerInfo={"name": "A", "email": "a@b.cd", "mobile": number}))
    with pytest.raises(CardNumberGiven):
        check_texts(command(customerInfo={"name": number, "email": "a@b.cd", "mobile": "+8801700000000"}))


@pytest.mark.parametrize("character", ["\x00", "\n", "\x1b", "\x7f"])
def test_control_characters_are_refused(character: str) -> None:
    with pytest.raises(ControlCharacter) as caught:
        check_texts(command(billingInfo={**ADDRESS, "city": f"Dha{character}ka"}))
    assert caught.value.field == "billingInfo.city"


def test_names_of_every_script_pass() -> None:
    check_texts(command(billingInfo={**ADDRESS, "name": "রহমান‍ 山田 Åse"}))
