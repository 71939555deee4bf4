"""When an order or a booking was noticed, and when it was sent to a screen; and what was done about those that nobody
had opened.

Beside them, not in them: an acknowledgement is no change of an order. It makes no version, no line of history and no
row of the feed.
"""

from __future__ import annotations

from ordercast.commerce.notice import NoticeStep
from ordercast.db.columns import check, given_moment, identifier, index, json_array, line, one_of, table, word

notices = table(
    "notices",
    identifier("entity_id", primary_key=True),
    # The moment on the change that brought it, so that a day's figures are read from here alone.
    given_moment("committed_at"),
    # When a screen first said that it has painted it, and whose it was ...
    given_moment("received_at", optional=True),
    line("received_by", optional=True),
    # ... and the sockets that have said so, each once; a bounded number of them (commerce.notice).
    json_array("screens"),
    # When a person first opened it.
    given_moment("opened_at", optional=True),
    line("opened_by", optional=True),
    check("notice_receiver", "(received_at IS NULL) = (received_by IS NULL)"),
    check("notice_opener", "(opened_at IS NULL) = (opened_by IS NULL)"),
    index("notices_by_time", "committed_at", where="received_at IS NOT NULL"),
    rowid=False,
)

# When an event was first written to a socket of the shop's people. A table of its own, and no wider than that: each
# order has a row in it, whether or not any screen ever says anything.
notices_sent = table(
    "notices_sent",
    identifier("entity_id", primary_key=True),
    given_moment("committed_at"),
    given_moment("sent_at"),
    rowid=False,
)

notice_escalations = table(
    "notice_escalations",
    identifier("entity_id", primary_key=True),
    word("step", primary_key=True),
    given_moment("at"),
    one_of("step", NoticeStep),
    # A mail says what is still unopened of those that it was owed for.
    index("notices_mailed", "at", where=f"step = '{NoticeStep.MAIL}'"),
    rowid=False,
)
