"""Asks a back end's webhook whether somebody may be in a room: signed as every webhook of ours, 200 or 403."""

from __future__ import annotations

import secrets
import time
from typing import Final

from ordercast.commerce.room_access import RuleUnanswered
from ordercast.commerce.webhook_signatures import sign_standard
from ordercast.outgoing import AddressRefused
from ordercast.outgoing.http import OutgoingHttp, RequestFailed

from .room_sections import ANYWHERE

# Somebody waits for a room.
ANSWER_S_MAX: Final = 3.0
_YES: Final = frozenset({200, 204})
_NO: Final = frozenset({401, 403, 404})


class WebhookAuthorizer:
    """See ``questions.Authorizer``."""

    def __init__(self, secret: str, *, answer_s_max: float = ANSWER_S_MAX) -> None:
        """`secret` is of Standard Webhooks, ``whsec_...``."""
        self._secret = secret
        self._http = OutgoingHttp(ANYWHERE, response_s_max=answer_s_max)

    def __repr__(self) -> str:
        return f"<WebhookAuthorizer by {self._http!r}>"

    async def ask(self, url: str, body: bytes) -> bool:
        signed = sign_standard([self._secret], f"msg_{secrets.token_hex(16)}", body, time.time())
        try:
            response = await self._http.post(url, {**signed, "Content-Type": "application/json"}, body)
        except (AddressRefused, RequestFailed) as error:
            raise RuleUnanswered(f"its webhook did not answer: {error}") from None
        if response.status in _YES:
            return True
        if response.status in _NO:
            return False
        raise RuleUnanswered(f"its webhook answered {response.status}; 200 is yes, and 403 no")

    async def close(self) -> None:
        await self._http.close()
