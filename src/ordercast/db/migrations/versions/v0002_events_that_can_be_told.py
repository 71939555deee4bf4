"""Published events are checked by the database too: rooms and arguments are arrays, the name is not reserved.

SQLite adds no constraint to a table that is there. Its rows are thrown away rather than copied: the feed has told them.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _make_anew(Path(__file__).with_suffix(".sqlite.sql"))


def downgrade() -> None:
    _make_anew(Path(__file__).with_name("v0001_the_shop.sqlite.sql"))


def _make_anew(script: Path) -> None:
    op.drop_table("published_events")
    for statement in script.read_text(encoding="utf-8").split("\n\n"):
        if "published_events" in statement:
            op.get_bind().exec_driver_sql(statement)
