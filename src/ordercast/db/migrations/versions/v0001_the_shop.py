"""The shop, its orders, and the feed that its triggers fill.

Until the first release this is the whole schema as the present tables and triggers have it. With the release its script
(`make schema`) is kept beside this file and frozen, and every change is a migration of its own.
"""

from __future__ import annotations

import re

from alembic import op

from ordercast.db.dialects import DIALECTS
from ordercast.db.publish_by_sql import DROP_PUBLISH
from ordercast.db.schema_script import schema_statements

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in _statements():
        # Without parameters, or the driver would take a percent sign for the beginning of one.
        op.get_bind().exec_driver_sql(statement, execution_options={"no_parameters": True})


def downgrade() -> None:
    script = "\n".join(_statements())
    if op.get_bind().dialect.name == "sqlite":
        # Dropping a table first deletes its rows, which the triggers of orders and history refuse.
        for trigger in re.findall(r"(?m)^CREATE TRIGGER (\w+)", script):
            op.execute(f"DROP TRIGGER {trigger}")
        for view in re.findall(r"(?m)^CREATE VIEW (\w+)", script):
            op.execute(f"DROP VIEW {view}")
    else:
        op.get_bind().exec_driver_sql(DROP_PUBLISH, execution_options={"no_parameters": True})
    for table in reversed(re.findall(r"(?m)^CREATE (?:VIRTUAL )?TABLE (\w+)", script)):
        op.drop_table(table)
    for domain in re.findall(r"(?m)^CREATE DOMAIN (\w+)", script):
        op.execute(f"DROP DOMAIN {domain}")
    for function in re.findall(r"(?m)^CREATE FUNCTION (\w+)", script):
        op.execute(f"DROP FUNCTION {function}")


def _statements() -> list[str]:
    """What makes the schema, in the language of the database that is migrated."""
    return schema_statements(DIALECTS[op.get_bind().dialect.name])
