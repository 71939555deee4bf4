"""Moving an order by a socket."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from ordercast.api.body import IdText
from ordercast.commerce.deliveries import Proof
from ordercast.commerce.errors import NotPermitted
from ordercast.commerce.orders import Reason
from ordercast.commerce.people import Role
from ordercast.commerce.text_rules import check_texts
from ordercast.db import Transaction
from ordercast.db import orders as units

from .answering import Caller, Commands, Repeatable

Version = Annotated[int, Meta(ge=1, le=2**63 - 1)]

UPDATE: Final = "update_order_status"


class UpdateOrderStatus(Repeatable, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """`status` may be a former name; `version` is the one that the sender saw."""

    order_id: IdText
    status: Annotated[str, Meta(min_length=1, max_length=64)]
    version: Version
    reason: Reason | None = None
    proof: Proof | None = None


def register(commands: Commands) -> None:
    commands.add(UPDATE, UpdateOrderStatus, partial(_update, commands))


async def _update(commands: Commands, caller: Caller, command: UpdateOrderStatus) -> Any:
    """Move an order, and answer it as it is now."""
    actor = caller.actor
    if actor.role is Role.GUEST:
        raise NotPermitted(actor, "move an order")
    # A reason may be typed on several lines; it is kept on one.
    reason = None if command.reason is None else " ".join(command.reason.split())
    check_texts(msgspec.structs.replace(command, reason=reason))
    now, handover = commands.desk.now(), commands.desk.handover(command.order_id, command.proof)

    def effect(transaction: Transaction) -> bytes:
        return units.change_status(
            transaction,
            command.order_id,
            command.status,
            actor,
            reason=reason,
            expected_version=command.version,
            now=now,
            handover=handover,
        )

    await commands.desk.check_guesses(command.order_id, actor, handover)
    return await commands.once_on_order(caller, UPDATE, command, effect, command.order_id)
