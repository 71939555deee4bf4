"""The shop, its orders, and the feed that its triggers fill.

Until the first release this is the whole schema, and `make schema` writes its script anew; afterwards it is frozen, and
every change is a migration of its own.
"""

from __future__ import annotations

import re
from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in _script().split("\n\n"):
        # Without parameters, or the driver would take a percent sign for the beginning of one.
        op.get_bind().exec_driver_sql(statement.strip(), execution_options={"no_parameters": True})


def downgrade() -> None:
    script = _script()
    if op.get_bind().dialect.name == "sqlite":
        # Dropping a table first deletes its rows, which the triggers of orders and history refuse.
        for trigger in re.findall(r"(?m)^CREATE TRIGGER (\w+)", script):
            op.execute(f"DROP TRIGGER {trigger}")
    for table in reversed(re.findall(r"(?m)^CREATE TABLE (\w+)", script)):
        op.drop_table(table)
    for domain in re.findall(r"(?m)^CREATE DOMAIN (\w+)", script):
        op.execute(f"DROP DOMAIN {domain}")
    for function in re.findall(r"(?m)^CREATE FUNCTION (\w+)", script):
        op.execute(f"DROP FUNCTION {function}")


def _script() -> str:
    """What the schema is in the language of the database that is migrated."""
    return Path(__file__).with_suffix(f".{op.get_bind().dialect.name}.sql").read_text(encoding="utf-8")
