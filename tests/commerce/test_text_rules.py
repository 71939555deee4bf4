# ruff: noqa: RUF001 - names as people write them
from __future__ import annotations

import unicodedata

import pytest

from ordercast.commerce.errors import BlankText, CardNumberGiven, ControlCharacter, HiddenCharacter
from ordercast.commerce.text_rules import _HIDDEN, check_texts, has_card_number

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


@pytest.mark.parametrize("character", ["\x00", "\n", "\x1b", "\x7f", "\x85", "\x9b", "\u2028", "\u2029"])
def test_control_characters_are_refused(character: str) -> None:
    with pytest.raises(ControlCharacter) as caught:
        check_texts(command(billingInfo={**ADDRESS, "city": f"Dha{character}ka"}))
    assert caught.value.field == "billingInfo.city"


@pytest.mark.parametrize(
    "name",
    [
        "রহমান‍ 山田 Åse",
        "শ্রাবন্তী",
        "ক্\u200cষ",  # a joiner and a non-joiner shape Bengali, and Persian
        "می\u200cخواهم",
        "محمد \u200fعلي\u200e (12)",
        "\u061cדוד",
        "👩\u200d🍳 Kitchen",
        "❤\ufe0f",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "🇧🇩",
        "é".encode().decode() + "e\u0301",
        'O\'Neil "Bob" & Söhne',
        " Asha",
        "\ufffd",
    ],
    ids=ascii,
)
def test_names_of_every_script_pass(name: str) -> None:
    check_texts(command(billingInfo={**ADDRESS, "name": name}))


@pytest.mark.parametrize(
    "name",
    [
        "admin\u202e",
        "\u202dabc",
        "a\u2066b\u2069",
        "ad\u200bmin",
        "\ufeffAsha",
        "As\u2060ha",
        "A\u00adsha",
        "\uffff",
        "\U0010fffe",
    ],
    ids=ascii,
)
def test_what_deceives_the_eye_is_refused(name: str) -> None:
    with pytest.raises(HiddenCharacter, match=r"U\+[0-9A-F]{4,6}\.$") as caught:
        check_texts(command(customerInfo={"name": name, "email": "a@b.cd", "mobile": "+8801700000000"}))
    assert caught.value.field == "customerInfo.name"


@pytest.mark.parametrize(
    "name",
    [" ", "     ", "\u00a0", "\u3000 ", "\u200d", "\u200e\u200f", "\u3164", "\u2800\u2800", "\u0301", "\ufe0f"],
    ids=ascii,
)
def test_a_text_in_which_nothing_is_seen_is_refused(name: str) -> None:
    with pytest.raises(BlankText) as caught:
        check_texts(command(billingInfo={**ADDRESS, "name": name}))
    assert caught.value.field == "billingInfo.name"


def test_every_character_that_is_no_letter_is_decided_on() -> None:
    """The lists follow Unicode's: a format character is refused, or is one of those that shape what is seen."""
    passing = {"\u200c", "\u200d", "\u200e", "\u200f", "\u061c"} | set(map(chr, range(0xE0020, 0xE0080)))
    for code in range(0x110000):
        character = chr(code)
        if unicodedata.category(character) == "Cf":
            is_a_number_sign = unicodedata.name(character, "").startswith(("ARABIC", "SYRIAC", "KAITHI", "EGYPTIAN"))
            assert bool(_HIDDEN.search(character)) is not (character in passing or is_a_number_sign), hex(code)
