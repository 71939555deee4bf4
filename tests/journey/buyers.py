"""Buyers that order as fast as they are answered, ask again as the pages do, and note what was confirmed to them."""

from __future__ import annotations

import threading
from typing import Any
from uuid import uuid4

import httpx


class Buyers:
    """Four of them, each with a connection for every order."""

    def __init__(self, url: str, order: dict[str, Any], *, pause_s: float = 0.0) -> None:
        self.refusals: list[str] = []
        """What went wrong, in words: a status that is not 201, or a connection that was lost."""
        self._url = url
        self._body = {**order, "cartItems": [{**order["cartItems"][0], "quantity": 1}]}
        self._pause_s = pause_s
        self._confirmed: set[str] = set()
        self._news = threading.Condition()
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._buy, daemon=True) for _ in range(4)]
        for thread in self._threads:
            thread.start()

    def _buy(self) -> None:
        key = str(uuid4())
        while not self._stopping.wait(self._pause_s):
            headers = {"idempotency-key": key}
            try:
                answer = httpx.post(f"{self._url}/api/orders", json=self._body, headers=headers, timeout=5)
            except httpx.HTTPError as error:
                self.refusals.append(repr(error))  # killed; the buyer tries again
                continue
            if answer.status_code != 201:
                self.refusals.append(f"{answer.status_code} {answer.text}")
                continue
            key = str(uuid4())
            with self._news:
                self._confirmed.add(answer.json()["id"])
                self._news.notify_all()

    def wait_for_more(self, count: int) -> None:
        with self._news:
            wanted = len(self._confirmed) + count
            assert self._news.wait_for(lambda: len(self._confirmed) >= wanted, 60), "nothing is sold any more"

    def stop(self) -> set[str]:
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        return self._confirmed
