"""The shop, its orders, and the feed that its triggers fill."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES_NEWEST_FIRST = (
    "meta",
    "sessions",
    "idempotency",
    "feed",
    "published_events",
    "order_history",
    "order_lines",
    "orders",
    "accounts",
    "customers",
    "products",
)


def upgrade() -> None:
    script = Path(__file__).with_suffix(".sqlite.sql").read_text(encoding="utf-8")
    for statement in script.split("\n\n"):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    # Dropping a table first deletes its rows, which the triggers of orders and history refuse.
    for trigger in ("orders_kept", "history_kept"):
        op.execute(f"DROP TRIGGER {trigger}")
    for table in _TABLES_NEWEST_FIRST:
        op.drop_table(table)
