"""What the API says of itself: bodies that take nothing else, and what leads from one answer to the next request."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ordercast.api.application import openapi_document


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(openapi_document())
    return decoded


def test_bodies_take_no_field_that_they_do_not_name(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    closed = {name for name, schema in schemas.items() if schema.get("additionalProperties") is False}
    assert {"PlaceOrder", "CartItem", "AddressInfo", "CardPayment", "MoveOrder", "SignIn", "DeliveryZone"} <= closed
    assert not {"Order", "Problem", "OrderPage"} & closed


def test_an_order_leads_to_what_can_be_done_with_it(document: dict[str, Any]) -> None:
    links = document["paths"]["/api/orders"]["post"]["responses"]["201"]["links"]
    operations = {
        operation["operationId"]: path
        for path, methods in document["paths"].items()
        for operation in methods.values()
        if isinstance(operation, dict)
    }
    reached = {operations[link["operationId"]] for link in links.values()}
    assert reached >= {path for path in document["paths"] if "{order_id}" in path}
    assert all(link["parameters"] for link in links.values())
