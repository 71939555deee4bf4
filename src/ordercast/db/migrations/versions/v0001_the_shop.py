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

_SCRIPT = Path(__file__).with_suffix(".sqlite.sql").read_text(encoding="utf-8")


def upgrade() -> None:
    for statement in _SCRIPT.split("\n\n"):
        op.get_bind().exec_driver_sql(statement.strip())


def downgrade() -> None:
    # Dropping a table first deletes its rows, which the triggers of orders and history refuse.
    for trigger in re.findall(r"(?m)^CREATE TRIGGER (\w+)", _SCRIPT):
        op.execute(f"DROP TRIGGER {trigger}")
    for table in reversed(re.findall(r"(?m)^CREATE TABLE (\w+)", _SCRIPT)):
        op.drop_table(table)
