"""What a row that another program holds costs those who do not need it, and those who do."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from statistics import median, quantiles
from typing import Any, Final

import psycopg

from .buyers import ADDRESS, SECRET, Buyers, Pace
from .contender import SQLITE, Contender, run_shop
from .measure import Result

PER_S: Final = 100
SECONDS: Final = 5.0
# Who wants what is held comes so often.
RELATED_EVERY_S: Final = 0.1
ABOUT: Final = f"{PER_S} orders/s for other products while psql holds one; who wants that one comes ten times a second"


def measure(databases: Sequence[str], samples: int) -> list[Result]:
    """Each sample is five seconds without the lock, then five with it; one round before them is thrown away."""
    found: dict[tuple[str, str], list[float]] = {}
    for database in databases:
        if database == SQLITE:  # it has one lock, for all of the file
            continue
        with run_shop("ours", SECRET, database) as contender:
            buyers = Buyers(contender.port)
            buyers.open_shop()
            for turn in range(samples + 1):
                for row, figures in (("free", _free(contender, buyers)), ("held", _held(contender, buyers))):
                    for figure, value in figures.items() if turn else ():
                        found.setdefault((f"{database}, {row}, {figure}", _unit(figure)), []).append(value)
            buyers.close()
    return [Result("locked_row", label, unit, values) for (label, unit), values in found.items()]


def _unit(figure: str) -> str:
    return {"server": "us/order", "refused": "of 100"}.get(figure, "ms")


def _free(contender: Contender, buyers: Buyers) -> dict[str, float]:
    contender.settle()
    before_s = contender.cpu_s()
    return _figures(buyers.buy_steadily(PER_S, SECONDS), contender.cpu_s() - before_s)


def _held(contender: Contender, buyers: Buyers) -> dict[str, float]:
    contender.settle()
    before_s = contender.cpu_s()
    with psycopg.connect(contender.url, application_name="psql") as other:
        product = next(each for each in _products(contender) if each not in buyers.products)
        other.execute("UPDATE products SET price = price + 1 WHERE id = %s", (product,))
        with _wanted(contender, product) as answers:
            pace = buyers.buy_steadily(PER_S, SECONDS)
        other.rollback()
    refused = [after_s for status, after_s in answers if status == 503]
    figures = _figures(pace, contender.cpu_s() - before_s)
    share = 100 * len(refused) / len(answers)
    return {**figures, "refused": share, "refused after": 1000 * median(refused)}


def _figures(pace: Pace, cpu_s: float) -> dict[str, float]:
    cuts = quantiles(pace.answered_s, n=100)
    return {"p50": 1000 * cuts[49], "p99": 1000 * cuts[98], "server": 1e6 * cpu_s / len(pace.answered_s)}


def _products(contender: Contender) -> list[str]:
    return [each["id"] for each in _ask(contender, "GET", "/api/products")[1]["items"]]


@contextlib.contextmanager
def _wanted(contender: Contender, product: str) -> Iterator[list[tuple[int, float]]]:
    """Order the product again and again while the block lasts; gives each answer's status, and after how long."""
    answers: list[tuple[int, float]] = []
    over, asking = threading.Event(), list[threading.Thread]()

    def order(number: int) -> None:
        customer = {"name": "Asha Rahman", "email": f"wants{number}@example.com", "mobile": "+8801700000000"}
        body = {
            "fulfilment": "delivery", "customerInfo": customer, "billingInfo": ADDRESS, "shippingInfo": ADDRESS,
            "cartItems": [{"productId": product, "quantity": 1}], "paymentInfo": {"method": "cash"},
        }  # fmt: skip
        began_s = time.monotonic()
        status, _ = _ask(contender, "POST", "/api/orders", body)
        answers.append((status, time.monotonic() - began_s))

    def come() -> None:
        while not over.wait(RELATED_EVERY_S):
            asking.append(threading.Thread(target=order, args=(len(asking),)))
            asking[-1].start()

    coming = threading.Thread(target=come)
    coming.start()
    yield answers
    over.set()
    coming.join()
    for each in asking:
        each.join()


def _ask(contender: Contender, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", contender.port, timeout=30)
    content = None if body is None else json.dumps(body)
    connection.request(method, path, content, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read())
    connection.close()
    return found
