"""Tables: when an order or booking was sent, received and opened, and the escalation steps taken.

Separate from orders: a notice makes no version, no history and no row of the feed.
"""

from __future__ import annotations

from ordercast.commerce.notice import NoticeStep
from ordercast.db.columns import check, given_moment, identifier, index, json_array, line, one_of, table, word

notices = table(
    "notices",
    identifier("entity_id", primary_key=True),
    # The time of the change, so that a day's figures need no join.
    given_moment("committed_at"),
    # When the first screen painted it, and its user ...
    given_moment("received_at", optional=True),
    line("received_by", optional=True),
    # ... and the sockets that did, each once and bounded (commerce.notice).
    json_array("screens"),
    # When a person first opened it.
    given_moment("opened_at", optional=True),
    line("opened_by", optional=True),
    check("notice_receiver", "(received_at IS NULL) = (received_by IS NULL)"),
    check("notice_opener", "(opened_at IS NULL) = (opened_by IS NULL)"),
    index("notices_by_time", "committed_at", where="received_at IS NOT NULL"),
    rowid=False,
)

# When an event was first written to a staff socket. A narrow table: every order has a row.
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
    # A mail lists what is still unopened of what it was queued for.
    index("notices_mailed", "at", where=f"step = '{NoticeStep.MAIL}'"),
    rowid=False,
)
