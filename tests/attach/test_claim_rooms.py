"""Rooms from claims: the mapping file says which, and no claim can name another."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercast.api.auth import TokenRefused, verify_token
from ordercast.api.claims import ClaimNames
from ordercast.attach.claim_rooms import ROOMS_PER_PERSON_MAX, ClaimRooms
from ordercast.attach.mapping import MappingError, read
from ordercast.attach.rendering import rooms_of_row
from ordercast.attach.templates import parse
from ordercast.commerce.people import Role
from ordercast.commerce.room_access import GrantRefused, may_see
from ordercast.sockets import rooms_of
from tests.api.client import SECRET
from tests.api.test_auth import signed

ROOMS = """\
[shop]
built_in = false
[rooms]
customer = ["customer_{customerId}", "city_{address.city}"]
vendor = ["vendor_{vendorId}", "branch_{branches}_{sub}", "vendors"]
"""


def rooms(folder: Path, text: str) -> ClaimRooms:
    path = folder / "ordercast.toml"
    path.write_text(text, encoding="utf-8")
    return read(path).rooms


def opened(grants: ClaimRooms, role: str, **claims: Any) -> list[str]:
    return [grant.room for grant in grants.of([role], claims)]


def test_claims_open_rooms_and_a_list_several(tmp_path: Path) -> None:
    grants = rooms(tmp_path, ROOMS)
    assert grants.roles == ("vendor",)
    assert opened(grants, "customer", customerId=7, address={"city": "Dhaka"}) == ["customer_7", "city_Dhaka"]
    assert opened(grants, "vendor", vendorId="v1", branches=["a", 2, "a"], sub="s") == [
        "vendor_v1", "branch_a_s", "branch_2_s", "vendors",
    ]  # fmt: skip


@pytest.mark.parametrize("value", [None, "", True, 1.5, {}, [], {"a": 1}, [[1]], "a\x00b", "a\nb", "\ud800"])
def test_a_claim_that_is_no_name_leaves_its_room_out(tmp_path: Path, value: Any) -> None:
    assert opened(rooms(tmp_path, ROOMS), "vendor", vendorId=value) == ["vendors"]


def test_rooms_of_a_person_are_bounded_in_number_and_length(tmp_path: Path) -> None:
    grants = rooms(tmp_path, ROOMS)
    with pytest.raises(GrantRefused, match=f"more than {ROOMS_PER_PERSON_MAX} rooms"):
        grants.of(["vendor"], {"vendorId": [*range(1_000)]})
    with pytest.raises(GrantRefused, match="200 characters"):
        grants.of(["vendor"], {"vendorId": "v" * 200})


FAULTS = [
    ("built", 'customer = ["{sub}"]', "a claim would name the whole room"),
    ("built", 'customer = ["store{x}"]', "a claim could make store-owners of it"),
    ("built", 'customer = ["store-{x}"]', "a claim could make store-owners of it"),
    ("built", 'customer = ["customer{x}"]', "a claim could make a room customer_... of it"),
    ("built", 'customer = ["store-owners"]', "store-owners is for the shop's people"),
    ("ours", 'vendor = ["customer_{x}"]', "rooms that begin with customer_ are ours, and not for vendor"),
    ("ours", 'customer = ["order_{orderId}"]', "rooms that begin with order_ are ours"),
    ("ours", 'customer = ["watch_order_{x}"]', "rooms that begin with"),
    ("built", 'customer = ["rows:{x}"]', "are those of `watch`"),
    ("built", 'customer = ["r{x}"]', "a claim could make a room rows:... of it"),
    ("built", 'customer = ["t_{old.x}"]', "a room is made of claims"),
    ("built", 'customer = ["t_{x"]', "a brace stands alone"),
    ("built", 'customer = "t_{x}"', "customer: expected a list, got a text"),
    ("built", 'customer = ["t_{x}", ""]', "1: expected a text of length >= 1"),
    ("built", 'guest = ["t_{x}"]', "a guest has no claims"),
    ("built", '"a:b" = ["t_{x}"]', "a role is a name of at most 64 characters, without a colon"),
    ("built", 'customer = ["ordercast-rights"]', "and not ordercast-rights"),
    ("built", 'customer = ["v_{x}"]\nvendor = ["v_admin_{x}"]', "v_{x}: a claim could make v_admin_{x} of it"),
]


@pytest.mark.parametrize(("shop", "text", "sentence"), FAULTS, ids=[text for _, text, _ in FAULTS])
def test_a_template_that_could_name_another_room_is_refused_with_its_line(
    tmp_path: Path, shop: str, text: str, sentence: str
) -> None:
    with pytest.raises(MappingError) as refused:
        rooms(tmp_path, f"[shop]\nbuilt_in = {'true' if shop == 'ours' else 'false'}\n[rooms]\n{text}\n")
    assert re.search(rf"ordercast\.toml:4: .*{re.escape(sentence)}", str(refused.value)), refused.value


def test_a_claim_makes_no_room_that_an_event_names_for_others(tmp_path: Path) -> None:
    emit = '[[emit]]\ntable = "t"\non = "insert"\nevent = "e"\nrooms = ["team_leads"]\n'
    with pytest.raises(MappingError, match=r"ordercast\.toml:2: team_\{team\}: a claim could make team_leads of it"):
        rooms(tmp_path, f'[rooms]\ncustomer = ["team_{{team}}"]\n{emit}')


@given(
    st.dictionaries(
        st.sampled_from(["customerId", "vendorId", "branches", "sub", "address"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30)
            | st.sampled_from(["store-owners", "_admin", "ordercast-rights", "order_1"]),
            lambda some: st.lists(some, max_size=5) | st.dictionaries(st.just("city"), some),
            max_leaves=8,
        ),
    ),
    st.sampled_from(["customer", "vendor"]),
)  # fmt: skip
def test_whatever_claims_say_a_room_is_of_its_templates_kind(claims: dict[str, Any], role: str) -> None:
    templates = {
        "customer": (parse("customer_{customerId}"), parse("city_{address.city}")),
        "vendor": (parse("vendor_{vendorId}"), parse("branch_{branches}_{sub}")),
    }
    for grant in ClaimRooms(templates).of([role], claims):
        kinds = {"customer": ("customer_", "city_"), "vendor": ("vendor_", "branch_")}[role]
        assert grant.room.startswith(kinds)
        assert len(grant.room) <= 200
        assert not any(character < " " for character in grant.room)


# --- Whose they are -------------------------------------------------------------------------------------------------


def test_a_role_of_the_shops_own_is_a_guest_to_ours_with_the_rooms_of_the_file(tmp_path: Path) -> None:
    names = ClaimNames(grants=rooms(tmp_path, ROOMS))
    token = signed(iss=None, role=["something", "vendor"], sub="s", vendorId="v1")
    identity = verify_token(SECRET, token, names)
    assert (identity.actor.role, identity.role, str(identity)) == (Role.GUEST, "vendor", "vendor:s")
    assert not identity.is_nobody
    assert rooms_of(identity) == ("vendor_v1", "vendors")


def test_one_of_several_roles_is_who_somebody_is_and_the_rooms_are_of_all(tmp_path: Path) -> None:
    names = ClaimNames(grants=rooms(tmp_path, ROOMS))
    identity = verify_token(SECRET, signed(iss=None, role=["vendor", "customer"], sub="c", customerId="k"), names)
    assert (identity.role, identity.own_role) == ("customer", "")
    assert rooms_of(identity) == ("customer_c", "user_c", "vendors", "customer_k")


def test_a_token_of_too_many_rooms_is_refused_in_a_sentence(tmp_path: Path) -> None:
    names = ClaimNames(grants=rooms(tmp_path, ROOMS))
    with pytest.raises(TokenRefused, match="more than 200 rooms"):
        verify_token(SECRET, signed(iss=None, role="vendor", sub="s", vendorId=[*range(300)]), names)
    with pytest.raises(TokenRefused, match=r"is none of admin, .*, vendor"):
        verify_token(SECRET, signed(iss=None, role="courier", sub="s"), names)


def test_a_row_is_seen_by_whoever_is_in_one_of_its_rooms() -> None:
    row = rooms_of_row([parse("vendor_{vendorId}"), parse("city_{city}")], {"vendorId": 7, "city": None})
    assert row == ("vendor_7",)
    assert may_see({"vendor_7", "x"}, row)
    assert not may_see({"city_"}, row)
    assert not may_see(set(), row)
