"""MAIL: sends mails from the outbox, after the commit.

Upstream: ``app`` runs the worker on the leading node, with a mailer and links. Downstream: ``db`` has the outbox,
``commerce`` the texts. Stays true: nothing waits for a mail server; orders are placed, and pages answered, whether it
is up or not.
"""

from .adapters import mail_summary, mailer_of
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
    "mail_summary",
    "mailer_of",
]
