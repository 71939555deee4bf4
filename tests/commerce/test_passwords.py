from __future__ import annotations

import pytest

from ordercast.commerce.errors import InvalidField
from ordercast.commerce.passwords import CHOSEN_MAX, check_choice

PERSON = {"email": "Asha.Rahman@example.com", "name": "Asha M. Rahman"}


@pytest.mark.parametrize(
    "password",
    [
        "correct horse",
        "k4rtoffeln",
        "k4rtoffeln salat" * (CHOSEN_MAX // 16),
        "চা আর বিস্কুট",
        "Asha drinks chai",
        "83!0192#7745",
    ],
    ids=["words", "shortest", "longest", "bengali", "own-name-and-more", "digits"],
)
def test_a_password_that_nobody_tries_first_is_taken(password: str) -> None:
    check_choice(password, **PERSON)


@pytest.mark.parametrize(
    "password",
    [
        "",
        "k4rtoffel",
        "k4rtoffeln salat" * (CHOSEN_MAX // 16) + "x",
        "1111122222",
        "asha.rahman@EXAMPLE.com",
        "asha.rahman",
        " asha m. rahman ",
        "Asha.Rahman1!",
        "rahman-2026",
        "Example.com99",
        "Ordercast!2026",
        "1234567890",
        "qwertyuiop",
        "Password123",
        "P@ssw0rd123!",
        "Sunshine2024!",
        "\uff30assword123",
        "zyxwvutsrq!",
        "x93mx93mx93m",
        "aaaabbbbccccdddd",
        "4567890123!",
    ],
    ids=[
        "empty",
        "short",
        "long",
        "few-characters",
        "address",
        "mailbox",
        "name",
        "mailbox-and-signs",
        "part-of-name",
        "host",
        "shop",
        "digits",
        "keys",
        "common",
        "disguised",
        "common-and-year",
        "full-width",
        "alphabet",
        "repeated",
        "stretched",
        "counted",
    ],
)
def test_any_other_is_refused_with_its_field(password: str) -> None:
    with pytest.raises(InvalidField) as caught:
        check_choice(password, field="new", **PERSON)
    assert caught.value.field == "new"
    assert password not in str(caught.value) or not password
