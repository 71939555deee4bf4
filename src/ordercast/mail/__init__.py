"""MAIL: what is owed to mailboxes, sent after the commit that owes it.

Upstream: ``app`` runs the worker on the node that leads, and gives it a mailer and the links of the front door.
Downstream: ``db`` keeps the outbox, ``commerce`` the words.
Stays true: nobody waits for a mail server; an order is placed, and a page answered, whether there is one or not.
"""

from .adapters import mail_sentence, mailer_of
from .letters import Letters
from .links import Links
from .mail_worker import MailWorker, forget_mails
from .mailer import MailDelayed, Mailer, MailRefused, MailServerAway, MailSession

__all__ = [
    "Letters",
    "Links",
    "MailDelayed",
    "MailRefused",
    "MailServerAway",
    "MailSession",
    "MailWorker",
    "Mailer",
    "forget_mails",
    "mail_sentence",
    "mailer_of",
]
