"""Units of work on the endpoints of outgoing webhooks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from ordercast.commerce.errors import EditConflict, NotFound
from ordercast.commerce.people import Actor
from ordercast.commerce.timestamps import Timestamp
from ordercast.commerce.webhook_endpoints import DisabledBy, SealedSecret
from ordercast.db.transaction import Transaction

from . import statements
from .table import ENDPOINTS

# A shop has a handful of systems; each costs a read per commit.
ENDPOINTS_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    id: str
    url: str
    description: str
    events: tuple[str, ...]
    secrets: tuple[SealedSecret, ...]
    enabled: bool
    disabled_by: DisabledBy | None
    failing_since: Timestamp | None
    through: int
    version: int
    created_at: Timestamp
    updated_at: Timestamp


def page(transaction: Transaction, after: str, limit: int) -> list[WebhookEndpoint]:
    return transaction.page(statements.AFTER, _endpoint, ENDPOINTS, after=after, limit=limit)


def enabled(transaction: Transaction) -> list[WebhookEndpoint]:
    """The enabled endpoints."""
    return transaction.page(statements.ENABLED_AFTER, _endpoint, ENDPOINTS, after="", limit=ENDPOINTS_MAX)


def find(transaction: Transaction, endpoint_id: str) -> WebhookEndpoint:
    """Find an endpoint. Raises NotFound."""
    found = transaction.read_one(statements.BY_ID, _endpoint, ENDPOINTS, id=endpoint_id)
    if found is None:
        raise NotFound("webhook endpoint")
    return found


def lock(transaction: Transaction, endpoint_id: str, expected_version: int | None = None) -> WebhookEndpoint:
    """Find and lock an endpoint until this unit ends. Raises NotFound and EditConflict."""
    row = transaction.one(statements.BY_ID_FOR_UPDATE, id=endpoint_id)
    if row is None:
        raise NotFound("webhook endpoint")
    found = transaction.decoded(row, _endpoint, ENDPOINTS)
    if expected_version is not None and found.version != expected_version:
        raise EditConflict("webhook endpoint", found.version, expected_version, row[-1], found.updated_at)
    return found


def count(transaction: Transaction) -> int:
    return len(transaction.all(statements.AFTER, after="", limit=ENDPOINTS_MAX))


def add(transaction: Transaction, endpoint: WebhookEndpoint, actor: Actor) -> None:
    """Insert an endpoint."""
    transaction.run(
        statements.ADD_ENDPOINT,
        id=endpoint.id,
        url=endpoint.url,
        description=endpoint.description,
        events=" ".join(endpoint.events),
        secrets=_written(endpoint.secrets),
        enabled=int(endpoint.enabled),
        disabled_by=endpoint.disabled_by,
        through=endpoint.through,
        actor=str(actor),
        created_at=endpoint.created_at,
        updated_at=endpoint.updated_at,
    )


def change(transaction: Transaction, changed: WebhookEndpoint, actor: Actor) -> None:
    """Update a locked endpoint."""
    transaction.run(
        statements.CHANGE,
        endpoint_id=changed.id,
        new_url=changed.url,
        new_description=changed.description,
        new_events=" ".join(changed.events),
        new_enabled=int(changed.enabled),
        new_disabled_by=changed.disabled_by,
        new_failing_since=changed.failing_since,
        new_through=changed.through,
        new_actor=str(actor),
        new_updated_at=changed.updated_at,
    )


def save_secrets(
    transaction: Transaction, endpoint_id: str, secrets: Iterable[SealedSecret], actor: Actor, now: Timestamp
) -> None:
    transaction.run(
        statements.KEEP_SECRETS,
        endpoint_id=endpoint_id,
        new_secrets=_written(secrets),
        new_actor=str(actor),
        new_updated_at=now,
    )


def reseal(transaction: Transaction, endpoint: WebhookEndpoint, secrets: Iterable[SealedSecret]) -> None:
    """Replace the sealed secrets, unless they were changed meanwhile."""
    transaction.run(
        statements.RESEAL,
        endpoint_id=endpoint.id,
        old_secrets=_written(endpoint.secrets),
        new_secrets=_written(secrets),
    )


def resume_pending(transaction: Transaction, endpoint_id: str, now: Timestamp) -> None:
    """Make deliveries that were pending at disabling due now."""
    transaction.run(statements.HASTEN_ALL, endpoint_id=endpoint_id, new_due_at=now)


def skip_pending(transaction: Transaction, endpoint_id: str, now: Timestamp) -> None:
    """Skip deliveries that were pending at disabling."""
    transaction.run(statements.SKIP_ALL, endpoint_id=endpoint_id, at=now)


def remove(transaction: Transaction, endpoint_id: str) -> None:
    transaction.run(statements.REMOVE_ENDPOINT, endpoint_id=endpoint_id)


def admins(transaction: Transaction, limit: int) -> list[str]:
    """The admins' mail addresses."""
    return [email for (email,) in transaction.all(statements.ADMINS, after="", limit=limit)]


def disabled_urls(transaction: Transaction) -> list[str]:
    """The URLs of endpoints that were disabled automatically."""
    return [url for (url,) in transaction.all(statements.STOPPED, after="", limit=ENDPOINTS_MAX)]


def disable(
    transaction: Transaction, endpoint_id: str, by: DisabledBy, *, before: Timestamp, actor: str, now: Timestamp
) -> bool:
    """Disable an endpoint that is gone, or accepted nothing since `before`; return whether it was enabled until now."""
    return bool(
        transaction.run(
            statements.DISABLE,
            endpoint_id=endpoint_id,
            new_disabled_by=by,
            before=before,
            always=int(by is DisabledBy.GONE),
            new_actor=actor,
            new_updated_at=now,
        )
    )


def _endpoint(row: tuple[Any, ...]) -> WebhookEndpoint:
    id_, url, description, events, secrets, is_enabled, disabled_by, failing_since, through, version, *moments, _ = row
    return WebhookEndpoint(
        require_text(id_),
        require_text(url),
        require_text(description),
        tuple(events.split()),
        tuple(_secret(each) for each in secrets.split()),
        bool(is_enabled),
        None if disabled_by is None else DisabledBy(disabled_by),
        None if failing_since is None else Timestamp(require_text(failing_since)),
        int(through),
        int(version),
        Timestamp(require_text(moments[0])),
        Timestamp(require_text(moments[1])),
    )


def _secret(written: str) -> SealedSecret:
    until, _, sealed = written.partition("=")
    return SealedSecret(sealed, Timestamp(until) if until else None)


def _written(secrets: Iterable[SealedSecret]) -> str:
    return " ".join(f"{each.until or ''}={each.sealed}" for each in secrets)


def require_text(value: Any) -> str:
    """Return a text. Raises TypeError if another program wrote something else."""
    if not isinstance(value, str):
        raise TypeError("a text is wanted")
    return value
