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


def test_every_operation_parameter_schema_and_property_is_described() -> None:
    document = msgspec.json.decode(openapi_document())
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation.get("summary"), (method, path)
            assert operation.get("description"), (method, path)
            assert "Raises" not in operation["description"], (method, path)
            assert all(each.get("description") for each in operation.get("parameters", [])), (method, path)
    for name, schema in document["components"]["schemas"].items():
        assert schema.get("description"), f"{name}: a docstring, or a line of `SCHEMAS` in api/openapi/texts.py"
        for field, one in (schema.get("properties") or {}).items():
            assert one.get("description"), f"{name}.{field}: a string under it, or one of `FIELDS` there"
