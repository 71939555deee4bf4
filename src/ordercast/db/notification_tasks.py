"""The outbox of notifications: one task for each contact point, committed with its cause and sent afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from inspect import cleandoc
from typing import Any, Final, NamedTuple, cast

import msgspec

from ordercast.commerce.notification_preferences import Channel, NotificationPreferences, TaskState
from ordercast.commerce.notifications import SHOP, NotificationKind, Severity
from ordercast.commerce.people import Role
from ordercast.commerce.timestamps import Timestamp

from . import contact_points, domains
from .columns import count, entry, flag, given_moment, identifier, index, moment, one_of, table, word
from .dialects import Trigger
from .lenient_json import is_moment, read_json
from .notification_preferences import preferences_of
from .noun import Noun, PersonalData
from .statement import Statement, statements_in
from .transaction import Transaction

TABLE: Final = "notification_tasks"

_IS_DUE: Final = f"state = '{TaskState.DUE}'"

# The text is rendered when it is sent, in the recipient's language then; none is stored.
notification_tasks = table(
    TABLE,
    entry(),
    identifier("notification_id"),
    identifier("contact_point_id"),
    identifier("user_id"),
    word("way"),
    word("state", default=TaskState.DUE),
    count("attempts"),
    given_moment("due_at"),
    # Held during quiet hours, and sent in a digest.
    flag("held", False),
    # The status or reason of the refusal.
    word("problem", optional=True),
    moment("created_at"),
    one_of("way", Channel),
    one_of("state", TaskState),
    index("notification_tasks_due", "due_at", "entry", where=_IS_DUE),
    index("notification_tasks_of_point", "contact_point_id", "entry", where=_IS_DUE),
    index("notification_tasks_by_user", "user_id", "entry"),
    index("notification_tasks_ended", "created_at", where=f"state <> '{TaskState.DUE}'"),
)

# --- Statements -------------------------------------------------------------------------------------------------------

_TASK: Final = """
    SELECT tasks.entry, tasks.notification_id, tasks.contact_point_id, tasks.user_id, tasks.way, tasks.attempts,
      tasks.held, tasks.created_at, notifications.recipient, notifications.entry, notifications.kind,
      notifications.order_id, notifications.data, notifications.severity, contact_points.address, contact_points.keys,
      contact_points.language, contact_points.for_shop, accounts.role, accounts.active, accounts.verified,
      accounts.email, preferences.user_id, preferences.language, preferences.timezone, preferences.quiet_from,
      preferences.quiet_to, preferences.quiet_lets_through, preferences.mobile, preferences.topics
    FROM notification_tasks AS tasks
      LEFT JOIN notifications ON notifications.id = tasks.notification_id
      LEFT JOIN contact_points ON contact_points.id = tasks.contact_point_id
      LEFT JOIN accounts ON accounts.id = tasks.user_id
      LEFT JOIN notification_preferences AS preferences ON preferences.user_id = tasks.user_id"""
DUE: Final = Statement(f"""{_TASK}
    WHERE tasks.{_IS_DUE} AND tasks.due_at <= :now
    ORDER BY tasks.due_at, tasks.entry LIMIT :limit
""")
HELD_OF_POINT: Final = Statement(f"""
    SELECT entry FROM notification_tasks
    WHERE contact_point_id = :contact_point_id AND {_IS_DUE} AND held = 1 AND due_at <= :now
    ORDER BY entry LIMIT :limit
""")
NEXT_DUE: Final = Statement(f"SELECT min(due_at) FROM notification_tasks WHERE {_IS_DUE}")
# A newer notification of the same order and recipient.
IS_OUTDATED: Final = Statement("""
    SELECT 1 FROM notifications
    WHERE recipient = :recipient AND entry > :after AND kind = :kind AND order_id = :order_id LIMIT 1
""")
FINISH: Final = Statement(f"""
    UPDATE notification_tasks SET state = :new_state, problem = :new_problem, attempts = attempts + 1
    WHERE entry = :entry AND {_IS_DUE}
""")
POSTPONE: Final = Statement(f"""
    UPDATE notification_tasks SET attempts = attempts + :tried, due_at = :new_due_at, held = :new_held,
      problem = :new_problem
    WHERE entry = :entry AND {_IS_DUE}
""")
FOLLOW: Final = Statement(f"""
    UPDATE notification_tasks SET contact_point_id = :new_point_id
    WHERE contact_point_id = :contact_point_id AND {_IS_DUE}
""")
FORGET_ENDED: Final = Statement(f"""
    DELETE FROM notification_tasks WHERE entry IN (
      SELECT entry FROM notification_tasks WHERE state <> '{TaskState.DUE}' AND created_at < :before
      LIMIT :limit @postgresql(FOR UPDATE SKIP LOCKED))
""")

# --- Triggers ---------------------------------------------------------------------------------------------------------


# A row damaged by another program, with checks disabled, must not fail the notification.
_HAS_KNOWN_CHANNEL: Final = (
    f"({one_of('contact_points.way', Channel).condition})"
    f" @sqlite(AND {domains.ID.check('contact_points.id')} AND {domains.ID.check('contact_points.user_id')})"
)


def _insert_task(where: str) -> str:
    """SQL that inserts a task for each contact point that meets `where`."""
    return cleandoc(f"""
        INSERT INTO notification_tasks (notification_id, contact_point_id, user_id, way, due_at, created_at)
          SELECT NEW.id, contact_points.id, contact_points.user_id, contact_points.way, NEW.created_at, NEW.created_at
          FROM contact_points
          WHERE {where} AND {_HAS_KNOWN_CHANNEL}
    """)


_OWED: Final = (_insert_task("contact_points.user_id = NEW.recipient"),)
_OWED_TO_SHOP: Final = (_insert_task("contact_points.for_shop = 1"),)

NOUN: Final = Noun(
    name=TABLE,
    tables=(notification_tasks,),
    statements=statements_in(globals()),
    triggers=(
        Trigger("notifications_owed", "AFTER INSERT", "notifications", _OWED, f"NEW.recipient <> '{SHOP}'"),
        Trigger(
            "notifications_owed_to_shop", "AFTER INSERT", "notifications", _OWED_TO_SHOP, f"NEW.recipient = '{SHOP}'"
        ),
    ),
    personal={
        TABLE: PersonalData(
            "user_id = :customer_id", ("notification_id", "way", "state", "problem", "created_at"), key="entry"
        ),
    },
)

# --- Units of work ----------------------------------------------------------------------------------------------------

# Damaged rows skipped at most, before readable ones behind them wait for a repair.
LOOKED_THROUGH_MAX: Final = 4_096
# Held notifications counted in one digest.
DIGEST_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class NotificationContent:
    """The notification of a task."""

    recipient: str
    entry: int
    kind: NotificationKind
    order_id: str | None
    data: Any
    severity: Severity


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a task's contact point leads."""

    address: str
    keys: Any
    language: str | None
    for_shop: bool


@dataclass(frozen=True, slots=True)
class RecipientAccount:
    """The recipient's account, if it is local."""

    role: Role
    active: bool
    verified: bool
    email: str


@dataclass(frozen=True, slots=True)
class Task:
    entry: int
    notification_id: str
    contact_point_id: str
    user_id: str
    channel: Channel
    attempts: int
    held: bool
    created_at: Timestamp
    content: NotificationContent | None
    """None if it was deleted meanwhile."""
    destination: Destination | None
    """None if the contact point was deleted meanwhile."""
    account: RecipientAccount | None
    preferences: NotificationPreferences


class TaskOutcome(NamedTuple):
    entry: int
    state: TaskState
    problem: str | None = None


def due(transaction: Transaction, now: Timestamp, wanted: int) -> list[Task]:
    """The tasks due now, at most `wanted`; damaged rows are skipped."""
    limit = wanted
    while True:
        rows = transaction.all(DUE, now=now, limit=limit)
        found = transaction.readable(rows, _task, TABLE)
        if found or len(rows) < limit or limit >= LOOKED_THROUGH_MAX:
            return found[:wanted]
        limit *= 2


def next_due(transaction: Transaction) -> str | None:
    """When the next task is due; None if there is none."""
    row = transaction.one(NEXT_DUE)
    return None if row is None else row[0]


def held_with(transaction: Transaction, task: Task, now: Timestamp) -> list[int]:
    """The entries of held tasks of the same contact point that are due now, including this one."""
    rows = transaction.all(HELD_OF_POINT, contact_point_id=task.contact_point_id, now=now, limit=DIGEST_MAX)
    return [each for (each,) in rows]


def is_outdated(transaction: Transaction, content: NotificationContent) -> bool:
    """Whether the recipient has a notification of a newer state of the same order."""
    if content.kind is not NotificationKind.ORDER_STATUS or content.order_id is None:
        return False
    values = {
        "recipient": content.recipient,
        "after": content.entry,
        "kind": content.kind,
        "order_id": content.order_id,
    }
    return transaction.one(IS_OUTDATED, **values) is not None


def finish(transaction: Transaction, ended: Iterable[TaskOutcome]) -> None:
    """Write the outcomes of tasks."""
    for entry_, state, problem in ended:
        transaction.run(FINISH, entry=entry_, new_state=state, new_problem=problem)


def postpone(transaction: Transaction, entry_: int, until: Timestamp, *, problem: str | None, held: bool) -> None:
    """Make a task due again at `until`, after a failed attempt (`problem`) or for quiet hours."""
    tried = int(problem is not None)
    transaction.run(POSTPONE, entry=entry_, new_due_at=until, new_problem=problem, new_held=int(held), tried=tried)


def move_device(
    transaction: Transaction, former: str, endpoint: str, keys: str, now: Timestamp
) -> list[contact_points.ContactPoint]:
    """Replace the browser's endpoint in its contact points and due tasks; return the new contact points."""
    moved = []
    for point in contact_points.on_device(transaction, former):
        new_id = contact_points.device_id(endpoint, point.user_id)
        anew = replace(point, id=new_id, address=endpoint, keys=keys, created_at=now)
        contact_points.add(transaction, anew)
        if new_id != point.id:
            transaction.run(FOLLOW, contact_point_id=point.id, new_point_id=new_id)
            contact_points.remove(transaction, point.id)
        moved.append(anew)
    return moved


def forget_ended(transaction: Transaction, before: Timestamp, limit: int) -> int:
    """Delete at most `limit` ended tasks made before then; return how many."""
    return transaction.run(FORGET_ENDED, before=before, limit=limit)


# --- Rows -------------------------------------------------------------------------------------------------------------

_TaskRow = tuple[int, str, str, str, Channel, int, int, str]
_ContentRow = tuple[str, int, NotificationKind, str | None, str, Severity]
_DestinationRow = tuple[str, str, str | None, int]
_AccountRow = tuple[Role, int, int, str]


def _task(row: tuple[Any, ...]) -> Task:
    entry_, notification_id, point_id, user_id, channel, attempts, held, created_at = msgspec.convert(row[:8], _TaskRow)
    if not is_moment(created_at):
        raise ValueError("created_at is no moment")
    return Task(
        entry_,
        notification_id,
        point_id,
        user_id,
        channel,
        attempts,
        bool(held),
        cast(Timestamp, created_at),
        None if row[8] is None else _content(row[8:14]),
        None if row[14] is None else _destination(row[14:18]),
        None if row[18] is None else _account(row[18:22]),
        NotificationPreferences() if row[22] is None else preferences_of(row[23:]),
    )


def _content(row: tuple[Any, ...]) -> NotificationContent:
    recipient, entry_, kind, order_id, data, severity = msgspec.convert(row, _ContentRow)
    return NotificationContent(recipient, entry_, kind, order_id, read_json(data), severity)


def _destination(row: tuple[Any, ...]) -> Destination:
    address, keys, language, for_shop = msgspec.convert(row, _DestinationRow)
    return Destination(address, read_json(keys), language, bool(for_shop))


def _account(row: tuple[Any, ...]) -> RecipientAccount:
    role, active, verified, email = msgspec.convert(row, _AccountRow)
    return RecipientAccount(role, bool(active), bool(verified), email)
