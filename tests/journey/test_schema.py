"""Requests that the API's own document permits, and some that it forbids, made by machine and sent to a running shop.

Nothing may be answered with a 500, and every answer must be one that the document tells of, in the shape that it tells.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from msgspec import json
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ordercast.api.application import openapi_document

from .shop import Shop

CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# More of them by hand: a hundred take some minutes.
EXAMPLES: Final = int(os.environ.get("ORDERCAST_TEST_EXAMPLES", "6"))
ROLES: Final = ("admin", "store", "customer", "driver", "service", None)

SCHEMA: Final = schemathesis.openapi.from_dict(json.decode(openapi_document()))
OPERATIONS: Final[list[Any]] = [result.ok() for result in SCHEMA.get_all_operations() if isinstance(result, Ok)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("schema"))
    shop.start()
    yield shop
    shop.kill()


@pytest.fixture(scope="module")
def known(shop: Shop) -> dict[str, str]:
    """What there is, by the names of parameters in addresses: few made-up ones would name anything."""
    staff = {"Authorization": f"Bearer {shop.token('admin')}"}
    promotion = {"code": "KNOWN", "kind": "percent", "value": 1_000}
    httpx.post(f"{shop.url}/api/promotions", json=promotion, headers=staff).raise_for_status()
    order = shop.place()
    people = httpx.get(f"{shop.url}/api/accounts", headers=staff).raise_for_status().json()["items"]
    return {
        "order_id": order["id"],
        "customer_id": order["customerId"],
        "product_id": order["cartItems"][0]["productId"],
        "code": "KNOWN",
        "account_id": next(person["id"] for person in people if person["role"] == "driver"),
        "provider": "sandbox",
    }


@pytest.mark.parametrize("operation", OPERATIONS, ids=[operation.label for operation in OPERATIONS])
def test_every_answer_is_one_that_the_document_tells_of(shop: Shop, known: dict[str, str], operation: Any) -> None:
    cases = operation.as_strategy(GenerationMode.POSITIVE) | operation.as_strategy(GenerationMode.NEGATIVE)

    @settings(
        max_examples=EXAMPLES,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, role=st.sampled_from(ROLES), is_known=st.booleans())
    def send(case: Any, role: str | None, is_known: bool) -> None:
        if is_known and case.path_parameters:
            case.path_parameters |= {name: id_ for name, id_ in known.items() if name in case.path_parameters}
        headers = {} if role is None else {"Authorization": f"Bearer {shop.token(role)}"}
        case.validate_response(case.call(base_url=shop.url, headers=headers), checks=CHECKS)

    send()


@pytest.mark.usefixtures("known")
def test_one_answer_leads_to_the_next_request(shop: Shop) -> None:
    """Histories: what an operation answered, such as an order's id, is what the next one asks with."""
    run_histories(shop, SCHEMA)


@pytest.mark.usefixtures("known")
def test_an_order_that_was_answered_is_asked_for_next(shop: Shop) -> None:
    """Among orders alone, for chance has a hundred operations to choose from."""
    done = run_histories(shop, SCHEMA.include(path_regex="^/api/orders"))
    # Which links are followed is chance's choice; that they lead somewhere is not: no made-up id would name an order.
    assert any("{order_id}" in path for _, path in done), sorted(done)


def run_histories(shop: Shop, schema: Any) -> set[tuple[str, str]]:
    """Let chance ask, each time with what it was answered before; gives the methods and paths that succeeded."""
    machine: Any = schema.as_state_machine()
    done: set[tuple[str, str]] = set()
    broken: list[BaseException] = []

    class Histories(machine):  # type: ignore[misc]
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            is_guest = (case.method, case.path) == ("POST", "/api/orders")
            headers = {} if is_guest else {"Authorization": f"Bearer {shop.token('admin')}"}
            return {"base_url": shop.url, "headers": headers}

        def validate_response(self, response: Any, case: Any, **_: Any) -> None:
            try:
                case.validate_response(response, checks=CHECKS)
            except BaseException as error:
                broken.append(error)
                raise
            if response.status_code < 300:
                done.add((case.method, case.path))

    for _ in range(EXAMPLES):
        # The shop is one for all histories, and answers the same requests otherwise a second time. Hypothesis ends what
        # it would repeat by that; what an answer broke is kept apart.
        with contextlib.suppress(Flaky):
            Histories.run(
                settings=settings(
                    max_examples=3,
                    stateful_step_count=12,
                    database=None,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )
            )
    assert broken == []
    return done
