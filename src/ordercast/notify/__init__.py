"""NOTIFY: what people are told of by the ways that they chose, with the browser closed.

Upstream: ``app`` runs the worker on the node that leads; ``api`` asks which ways this shop has.
Downstream: ``db`` keeps the tasks, ``commerce`` decides who wants what and when, ``mail`` has the mailer.
Stays true: a task is committed with what causes it, and sent after the commit; nobody waits for a push service.
"""

from .adapters import push_key, ways_of, ways_offered, ways_sentence
from .notification_worker import NotificationWorker, forget_tasks
from .outgoing import Delayed, Gone, OutgoingNotification, Refused, SendingWay
from .planning import Planner

__all__ = [
    "Delayed",
    "Gone",
    "NotificationWorker",
    "OutgoingNotification",
    "Planner",
    "Refused",
    "SendingWay",
    "forget_tasks",
    "push_key",
    "ways_of",
    "ways_offered",
    "ways_sentence",
]
