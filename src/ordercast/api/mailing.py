"""Having mails sent: owed with the change that causes them, and bounded by the address that they go to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ordercast.commerce.letters import Language, MailKind
from ordercast.db import Transaction, mails

from .budgets import ACCOUNT_MAILS, ORDER_MAILS, Budget
from .context import AnyRequest, ApiContext
from .errors import NoMail, TooManyAttempts

# Of a header that names more than anybody reads.
_LANGUAGES_MAX: Final = 16
_KNOWN: Final = frozenset(map(str, Language))


def mail_to(
    context: ApiContext, request: AnyRequest, kind: MailKind, address: str | None
) -> Callable[[Transaction], None]:
    """What owes a mail within a unit of work; nothing where none is to be sent.

    An address that has had enough of a kind gets no more of it for a while, and the caller does not learn of it: the
    mails that it has been sent are as good. Those of another kind are not, so each counts for itself: whoever registers
    with a stranger's address keeps no link to a new password from them.
    """
    address = None if address is None else address.lower()
    if address is None or not context.sends_mail or not _is_within(context, ACCOUNT_MAILS, f"{kind} {address}"):
        return lambda _: None
    mail_id, language, now = context.new_id("mail"), language_of(request, context.language), context.now()
    return lambda transaction: mails.owe(transaction, mail_id, kind, address, language=language, now=now)


def confirmed_in(context: ApiContext, request: AnyRequest, address: str) -> Language | None:
    """In which language the buyer of a new order is mailed; None where they are not."""
    if not context.sends_mail or not _is_within(context, ORDER_MAILS, address.lower()):
        return None
    return language_of(request, context.language)


def check_sends_mail(context: ApiContext) -> None:
    """Raises NoMail."""
    if not context.sends_mail:
        raise NoMail


def _is_within(context: ApiContext, budget: Budget, address: str) -> bool:
    try:
        context.budgets.take_local(budget, address)
    except TooManyAttempts:
        return False
    return True


def language_of(request: AnyRequest, default: Language) -> Language:
    """The first language of ours among those that the request would have its answer in (RFC 9110 section 12.5.4)."""
    wanted = request.headers.get("accept-language", "").split(",")[:_LANGUAGES_MAX]
    for each in wanted:
        name = each.partition(";")[0].strip().partition("-")[0].lower()
        if name in _KNOWN:
            return Language(name)
    return default
