"""Links from responses to further requests (OpenAPI 3.1, "Link Object"), for readers and crawlers."""

from __future__ import annotations

from typing import Any, Final

from litestar.openapi.spec import Link, OpenAPI, OpenAPIResponse, Operation

Source = tuple[str, str]
"""A path and method whose response names something."""

# By URL parameter: which responses contain it, and where.
_NAMED: Final[dict[str, dict[Source, str]]] = {
    "order_id": {("/api/orders", "post"): "/id", ("/api/orders", "get"): "/items/0/id"},
    "customer_id": {("/api/orders", "post"): "/customerId"},
    "product_id": {("/api/products", "post"): "/id", ("/api/products", "get"): "/items/0/id"},
    "service_id": {("/api/services", "post"): "/id", ("/api/services", "get"): "/items/0/id"},
    "carer_id": {("/api/carers", "post"): "/id", ("/api/carers", "get"): "/items/0/id"},
    "booking_id": {("/api/bookings", "post"): "/id", ("/api/bookings", "get"): "/items/0/id"},
    "code": {("/api/promotions", "post"): "/code"},
    "account_id": {("/api/accounts", "post"): "/id"},
    "driver_id": {("/api/drivers", "get"): "/items/0/id"},
    "method_id": {("/api/payment-methods", "get"): "/items/0/id"},
    "mismatch_id": {("/api/payment-mismatches", "get"): "/items/0/id"},
    "webhook_id": {("/api/payments/webhooks", "get"): "/items/0/id"},
    "conversation_id": {("/api/conversations", "post"): "/id", ("/api/conversations", "get"): "/items/0/id"},
    "message_id": {("/api/conversations", "get"): "/items/0/lastMessage/id"},
    "endpoint_id": {
        ("/api/webhook-endpoints", "post"): "/id",
        ("/api/webhook-endpoints", "get"): "/items/0/id",
    },
    "delivery_id": {("/api/webhook-endpoints/{endpoint_id}/deliveries", "get"): "/items/0/id"},
    "notification_id": {("/api/notifications", "get"): "/items/0/id"},
}
_ADDRESS: Final = {"name": "Asha Rahman", "line1": "12 Lake Road", "city": "Dhaka", "postcode": "1207", "country": "BD"}
# Bodies of linked requests that need one.
_BODIES: Final[dict[tuple[Source, Source], dict[str, Any]]] = {
    (("/api/products", "get"), ("/api/orders", "post")): {
        "fulfilment": "delivery",
        "customerInfo": {"name": "Asha Rahman", "email": "asha@example.com", "mobile": "+8801700000000"},
        "billingInfo": _ADDRESS,
        "shippingInfo": _ADDRESS,
        "cartItems": [{"productId": "$response.body#/items/0/id", "quantity": 1}],
        "paymentInfo": {"method": "cash"},
    },
    (("/api/orders", "post"), ("/api/orders/{order_id}/status", "post")): {
        "status": "processing",
        "version": "$response.body#/version",
    },
    (("/api/orders", "get"), ("/api/orders/{order_id}/status", "post")): {
        "status": "processing",
        "version": "$response.body#/items/0/version",
    },
    (("/api/orders", "post"), ("/api/orders/{order_id}/cancel", "post")): {
        "reason": "Not today",
        "version": "$response.body#/version",
    },
}


_OF_THE_SHOP: Final[Source] = ("/api/orders", "post")


def add_links(document: OpenAPI) -> None:
    """Tell in `document` which answers lead to which requests. An operation that there is no more is a KeyError; where
    the shop of ours is not served, there are no such requests.
    """
    operations = dict(_operations(document))
    if _OF_THE_SHOP not in operations:
        return
    for parameter, sources in _NAMED.items():
        for source, pointer in sources.items():
            for target, operation in operations.items():
                if f"{{{parameter}}}" in target[0]:
                    parameters = {parameter: f"$response.body#{pointer}"}
                    _add(operations[source], operation, parameters, _BODIES.get((source, target)))
    for (source, target), body in _BODIES.items():
        if "{" not in target[0]:
            _add(operations[source], operations[target], {}, body)


def _operations(document: OpenAPI) -> list[tuple[Source, Operation]]:
    found: list[tuple[Source, Operation]] = []
    for path, item in (document.paths or {}).items():
        methods = {name: getattr(item, name) for name in ("get", "post", "put", "patch", "delete")}
        found += [((path, name), operation) for name, operation in methods.items() if operation is not None]
    return found


def _add(source: Operation, target: Operation, parameters: dict[str, Any], body: dict[str, Any] | None) -> None:
    link = Link(operation_id=target.operation_id, parameters=parameters or None, request_body=body)
    for status, response in (source.responses or {}).items():
        if status.startswith("2") and isinstance(response, OpenAPIResponse):
            response.links = {**(response.links or {}), str(target.operation_id): link}
