"""Statements on outgoing webhooks."""

from __future__ import annotations

from typing import Final

from ordercast.commerce.people import Role
from ordercast.commerce.webhook_endpoints import DeliveryState
from ordercast.db.statement import BulkStatement, Statement

from .table import IS_PENDING, IS_STOPPED

# --- Endpoints --------------------------------------------------------------------------------------------------------

_ENDPOINT: Final = """
    SELECT id, url, description, events, secrets, enabled, disabled_by, failing_since, through, version,
      created_at, updated_at, actor
    FROM webhook_endpoints
"""
AFTER: Final = Statement(f"{_ENDPOINT} WHERE id > :after ORDER BY id LIMIT :limit")
ENABLED_AFTER: Final = Statement(f"{_ENDPOINT} WHERE enabled = 1 AND id > :after ORDER BY id LIMIT :limit")
BY_ID: Final = Statement(f"{_ENDPOINT} WHERE id = :id")
BY_ID_FOR_UPDATE: Final = Statement(f"{_ENDPOINT} WHERE id = :id @for_update")
ADD_ENDPOINT: Final = Statement("""
    INSERT INTO webhook_endpoints (id, url, description, events, secrets, enabled, disabled_by, through, actor,
      created_at, updated_at)
    VALUES (:id, :url, :description, :events, :secrets, :enabled, :disabled_by, :through, :actor,
      :created_at, :updated_at)
""")
CHANGE: Final = Statement("""
    UPDATE webhook_endpoints SET url = :new_url, description = :new_description, events = :new_events,
      enabled = :new_enabled, disabled_by = :new_disabled_by, failing_since = :new_failing_since,
      through = :new_through, version = version + 1, actor = :new_actor, updated_at = :new_updated_at
    WHERE id = :endpoint_id
""")
KEEP_SECRETS: Final = Statement("""
    UPDATE webhook_endpoints SET secrets = :new_secrets, version = version + 1, actor = :new_actor,
      updated_at = :new_updated_at
    WHERE id = :endpoint_id
""")
RESEAL: Final = Statement(
    "UPDATE webhook_endpoints SET secrets = :new_secrets WHERE id = :endpoint_id AND secrets = :old_secrets"
)
REMOVE_ENDPOINT: Final = Statement("DELETE FROM webhook_endpoints WHERE id = :endpoint_id")
# Matches for one transaction only, the one that inserts the deliveries of the rows between.
ADVANCE: Final = Statement("""
    UPDATE webhook_endpoints SET through = :new_through
    WHERE id = :endpoint_id AND through = :old_through AND enabled = 1
""")
FAIL: Final = Statement("""
    UPDATE webhook_endpoints SET failing_since = :since WHERE id = :endpoint_id AND failing_since IS NULL
""")
RECOVER: Final = Statement("""
    UPDATE webhook_endpoints SET failing_since = NULL WHERE id = :endpoint_id AND failing_since IS NOT NULL
""")
DISABLE: Final = Statement("""
    UPDATE webhook_endpoints SET enabled = 0, disabled_by = :new_disabled_by, version = version + 1,
      actor = :new_actor, updated_at = :new_updated_at
    WHERE id = :endpoint_id AND enabled = 1 AND (failing_since <= :before OR CAST(:always AS bigint) = 1)
""")
STOPPED: Final = Statement(f"""
    SELECT url FROM webhook_endpoints WHERE id > :after AND {IS_STOPPED} ORDER BY id LIMIT :limit
""")
ADMINS: Final = Statement(f"""
    SELECT email FROM accounts
    WHERE role = '{Role.ADMIN}' AND active = 1 AND id > :after ORDER BY id LIMIT :limit
""")

# --- Deliveries -------------------------------------------------------------------------------------------------------

ADD: Final = BulkStatement("""
    INSERT INTO webhook_deliveries @bulk_values(endpoint_id ordercast_id, event_id ordercast_id, event ordercast_word,
      subject ordercast_id, seq bigint, body ordercast_told, due_at ordercast_moment, created_at ordercast_moment)
    ON CONFLICT (endpoint_id, event_id) DO NOTHING
""")
# Ended deliveries restart at the first attempt; pending ones are not touched.
ADD_OR_REPLAY: Final = Statement(f"""
    INSERT INTO webhook_deliveries (endpoint_id, event_id, event, subject, seq, body, due_at, created_at)
    VALUES (:endpoint_id, :event_id, :event, :subject, :seq, :body, :due_at, :created_at)
    ON CONFLICT (endpoint_id, event_id) DO UPDATE
      SET state = '{DeliveryState.PENDING}', attempts = 0, due_at = excluded.due_at, ended_at = NULL
      WHERE webhook_deliveries.state IN ('{DeliveryState.FAILED}', '{DeliveryState.SKIPPED}')
        OR webhook_deliveries.state = '{DeliveryState.DELIVERED}' AND CAST(:delivered_too AS bigint) = 1
""")
QUEUED: Final = Statement(f"""
    SELECT count(*) FROM (
      SELECT entry FROM webhook_deliveries WHERE endpoint_id = :endpoint_id AND {IS_PENDING} LIMIT :limit) AS queued
""")
# One of each subject at a time: a later one waits until the former is delivered or failed.
_EARLIER: Final = """
    SELECT earlier.entry FROM webhook_deliveries AS earlier
    WHERE earlier.endpoint_id = webhook_deliveries.endpoint_id AND earlier.subject = webhook_deliveries.subject
      AND earlier.state = 'pending' AND earlier.entry < webhook_deliveries.entry
"""
DUE: Final = Statement(f"""
    SELECT id, event_id, event, subject, body, attempts, entry FROM webhook_deliveries
    WHERE endpoint_id = :endpoint_id AND {IS_PENDING} AND due_at <= :now AND NOT EXISTS ({_EARLIER})
    ORDER BY due_at, entry LIMIT :limit
""")
NEXT_DUE: Final = Statement(f"""
    SELECT min(due_at) FROM webhook_deliveries WHERE endpoint_id = :endpoint_id AND {IS_PENDING} AND due_at > :now
""")
OLDEST_PENDING: Final = Statement(f"""
    SELECT created_at FROM webhook_deliveries WHERE endpoint_id = :endpoint_id AND {IS_PENDING}
    ORDER BY due_at LIMIT 1
""")
_ONE_PENDING: Final = f"WHERE id = :delivery_id AND {IS_PENDING}"
END: Final = Statement(f"""
    UPDATE webhook_deliveries SET state = :new_state, attempts = attempts + 1, problem = :new_problem, ended_at = :at
    {_ONE_PENDING}
""")
POSTPONE: Final = Statement(f"""
    UPDATE webhook_deliveries SET attempts = attempts + 1, problem = :new_problem, due_at = :new_due_at {_ONE_PENDING}
""")
# Later deliveries of the subject get the same due time, so that they are not read before.
POSTPONE_BEHIND: Final = Statement(f"""
    UPDATE webhook_deliveries SET due_at = :new_due_at
    WHERE endpoint_id = :endpoint_id AND subject = :subject AND {IS_PENDING} AND entry > :entry
""")
HASTEN_ALL: Final = Statement(f"""
    UPDATE webhook_deliveries SET due_at = :new_due_at WHERE endpoint_id = :endpoint_id AND {IS_PENDING}
""")
SKIP_ALL: Final = Statement(f"""
    UPDATE webhook_deliveries SET state = '{DeliveryState.SKIPPED}', ended_at = :at
    WHERE endpoint_id = :endpoint_id AND {IS_PENDING}
""")
REPLAY: Final = Statement(f"""
    UPDATE webhook_deliveries SET state = '{DeliveryState.PENDING}', attempts = 0, due_at = :now, ended_at = NULL
    WHERE id = :delivery_id AND endpoint_id = :endpoint_id
""")
_LISTED: Final = """
    SELECT entry, id, event_id, event, subject, seq, state, attempts, due_at, problem, created_at, ended_at
    FROM webhook_deliveries
"""
BEFORE: Final = Statement(f"""
    {_LISTED} WHERE endpoint_id = :endpoint_id AND entry < :before ORDER BY entry DESC LIMIT :limit
""")
OF_STATE_BEFORE: Final = Statement(f"""
    {_LISTED}
    WHERE endpoint_id = :endpoint_id AND state = :state AND entry < :before ORDER BY entry DESC LIMIT :limit
""")
DELIVERY: Final = Statement(f"{_LISTED} WHERE id = :delivery_id AND endpoint_id = :endpoint_id")
BY_EVENT: Final = Statement(f"{_LISTED} WHERE endpoint_id = :endpoint_id AND event_id = :event_id")
BODY: Final = Statement("SELECT body FROM webhook_deliveries WHERE id = :delivery_id")
_SOME: Final = "SELECT entry FROM webhook_deliveries WHERE {} LIMIT :limit @postgresql(FOR UPDATE SKIP LOCKED)"
_OF_ENDPOINT: Final = "endpoint_id = :endpoint_id ORDER BY entry"
REMOVE_OF: Final = Statement(f"""
    DELETE FROM webhook_deliveries WHERE entry IN ({_SOME.format(_OF_ENDPOINT)})
""")
FORGET_OLD: Final = Statement(f"DELETE FROM webhook_deliveries WHERE entry IN ({_SOME.format('created_at < :before')})")

# --- Attempts ---------------------------------------------------------------------------------------------------------

ADD_ATTEMPT: Final = Statement("""
    INSERT INTO webhook_attempts (delivery_id, at, status, headers, body, duration_ms, problem)
    VALUES (:delivery_id, :at, :answered, :headers, :body, :duration_ms, :problem)
""")
ATTEMPTS: Final = Statement("""
    SELECT entry, at, status, headers, body, duration_ms, problem FROM webhook_attempts
    WHERE delivery_id = :delivery_id ORDER BY entry DESC LIMIT :limit
""")
FORGET_ANSWERS: Final = Statement(
    "UPDATE webhook_attempts SET headers = '', body = '' WHERE delivery_id = :delivery_id"
)

# --- The feed ---------------------------------------------------------------------------------------------------------

# The time of the next row after a number, for the binary search of a replay.
FEED_AT: Final = Statement("SELECT seq, at FROM feed WHERE seq > :after ORDER BY seq LIMIT 1")

# --- Personal data ----------------------------------------------------------------------------------------------------

BODY_FOR_UPDATE: Final = Statement("SELECT event, body FROM webhook_deliveries WHERE id = :delivery_id @for_update")
REWRITE: Final = Statement("UPDATE webhook_deliveries SET body = :new_body WHERE id = :delivery_id")
