"""Records of erasures: whose data, when and by whom. See ``privacy``."""

from __future__ import annotations

from typing import Final

from .columns import actor, identifier, index, moment, table
from .dialects import Trigger
from .noun import Noun, PersonalData
from .statement import Statement, statements_in
from .trigger_helpers import feed_row
from .types import ChangeKind

erasures = table(
    "erasures",
    identifier("id", primary_key=True),
    identifier("customer_id"),
    actor(),
    moment("at"),
    index("erasures_by_customer", "customer_id"),
    rowid=False,
)

RECORD: Final = Statement("INSERT INTO erasures (id, customer_id, actor, at) VALUES (:id, :customer_id, :actor, :at)")

# Notifies every node, which may have events in memory.
_FEED_INSERT: Final = feed_row(
    ChangeKind.CUSTOMER_ERASED, "NEW.customer_id", at="NEW.at", after="@json_text(@json_object('id', NEW.id))"
)

NOUN: Final = Noun(
    name="erasures",
    tables=(erasures,),
    statements=statements_in(globals()),
    triggers=(Trigger("customers_erased", "AFTER INSERT", "erasures", (_FEED_INSERT,)),),
    personal={"erasures": PersonalData("customer_id = :customer_id", ("id", "at"), {})},
)
