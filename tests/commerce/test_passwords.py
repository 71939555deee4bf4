from __future__ import annotations

import pytest

from ordercast.commerce.errors import InvalidField
from ordercast.commerce.passwords import CHOSEN_MAX, CHOSEN_MIN, check_choice

PERSON = {"email": "Asha.Rahman@example.com", "name": "Asha M. Rahman"}


@pytest.mark.parametrize(
    "password",
    ["correct horse", "abcd" + "x" * (CHOSEN_MIN - 4), "abcd" * (CHOSEN_MAX // 4), "চা আর বিস্কুট", "Asha.Rahman@example"],
    ids=["words", "shortest", "longest", "bengali", "alike"],
)
def test_a_password_that_nobody_tries_first_is_taken(password: str) -> None:
    check_choice(password, **PERSON)


@pytest.mark.parametrize(
    "password",
    [
        "",
        "abcd" + "x" * (CHOSEN_MIN - 5),
        "abcd" * (CHOSEN_MAX // 4) + "x",
        "1111122222",
        "asha.rahman@EXAMPLE.com",
        "asha.rahman",
        " asha m. rahman ",
    ],
    ids=["empty", "short", "long", "few-characters", "address", "mailbox", "name"],
)
def test_any_other_is_refused_with_its_field(password: str) -> None:
    with pytest.raises(InvalidField) as caught:
        check_choice(password, field="new", **PERSON)
    assert caught.value.field == "new"
    assert password not in str(caught.value) or not password
