"""NOTIFY: notifications sent by push, mail and SMS, to people whose browser is closed.

Theory of operation:

1. A trigger writes one row of `notification_tasks` for each contact point (a browser, a mailbox, a number) of a
notification's recipient, in the transaction that causes the notification. A rollback removes both; a commit keeps both.
2. `NotificationWorker` runs on the leading node. It reads the tasks that are due, and `Planner` decides each one by the
preferences of that moment: send it, hold it until quiet hours end, or drop it. No text is stored: it is rendered when
it is sent, in the recipient's language.
3. A `NotificationSender` for each channel makes one attempt. `Delayed` is retried after `BACKOFF_S`; `Refused` ends the
task; `Gone` also deletes the contact point.
4. Outcomes are written after the attempt, so delivery is at least once. A repeated notification has the same id, tag
and push topic as the first, and replaces it on the device.
5. Tasks held for quiet hours are sent as one digest per contact point.

Upstream: ``app`` runs the worker; ``api`` reads which channels are configured. Downstream: ``db`` stores the tasks,
``commerce`` has the rules, ``mail`` has the mailer. Stays true: no request waits for a push service, a mail server or a
gateway.
"""

from .adapters import channels_summary, configured_channels, push_key, senders_of
from .notification_worker import NotificationWorker, forget_tasks
from .planning import Planner
from .sender import Delayed, Gone, NotificationSender, OutgoingNotification, Refused

__all__ = [
    "Delayed",
    "Gone",
    "NotificationSender",
    "NotificationWorker",
    "OutgoingNotification",
    "Planner",
    "Refused",
    "channels_summary",
    "configured_channels",
    "forget_tasks",
    "push_key",
    "senders_of",
]
