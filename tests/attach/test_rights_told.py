"""What a rule depends on is told to the nodes by triggers; a question that cannot be read is said with its line."""

from __future__ import annotations

import json
import secrets
import sqlite3
from pathlib import Path

import jwt

from ordercast import attach
from ordercast.attach.rule_answers import RuleAnswers

from .conftest import AttachedShop
from .test_commands import command
from .test_sqlite import TABLES, SqliteShop
from .test_sqlite import shop as sqlite_shop

__all__ = ["sqlite_shop"]

SECRET = secrets.token_hex(32)
RULE = """\
[shop]
built_in = false
[rooms]
vendor = ["vendor_{vendorId}"]
[[room]]
name = "order_{id}"
sql = 'SELECT 1 FROM "Order" WHERE id = :id AND "customerId" = :sub'
tables = ["Order"]
"""


def test_postgresql_tells_each_change_of_the_table_and_a_truncate(shop: AttachedShop) -> None:
    answers = RuleAnswers(shop.mapping(RULE), None)
    shop.apply(RULE)
    ((order,),) = shop.do("""INSERT INTO "Order" ("customerId", total) VALUES ('c1', 1) RETURNING id""")
    shop.do("""UPDATE "Order" SET "customerId" = 'c2'""")
    shop.do("""UPDATE "Customer" SET name = 'Z'""")
    shop.do('DELETE FROM "Order"')
    shop.do('TRUNCATE "Order"')
    rows = [json.loads(after) for (after,) in shop.feed("after")]
    assert [row.get("on") for row in rows] == ["insert", "update", "delete", None]
    assert {tuple(row["rooms"]) for row in rows} == {("ordercast-rights",)}
    changes = [answers.changes_in(json.dumps(row).encode()) for row in rows]
    assert [change and change.texts for change in changes] == [{str(order)}] * 3 + [None]
    assert all(change is not None and change.rules == {0} for change in changes)
    assert shop.check() == []


async def test_sqlite_tells_them_by_its_outbox(sqlite_shop: SqliteShop) -> None:
    sqlite_shop.apply(RULE)
    answers = RuleAnswers(attach.read(sqlite_shop.mapping_path), None)
    async with sqlite_shop.relayed():
        sqlite_shop.do("""INSERT INTO "Order" (id, "customerId", total) VALUES (7, 'c1', 1)""")
        sqlite_shop.do("""UPDATE "Order" SET "customerId" = 'c2'""")
        for row in await sqlite_shop.told(2):
            changes = answers.changes_in(json.dumps(row).encode())
            assert changes is not None
            assert (sorted(changes.rules), changes.texts) == ([0], frozenset({"7"}))


# --- At the command line ----------------------------------------------------------------------------------------------


def test_check_says_with_its_line_what_the_database_cannot_read(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "theirs.db")
    connection.executescript(TABLES)
    connection.close()
    file = tmp_path / "ordercast.toml"
    file.write_text(RULE)
    done = command(tmp_path, "sqlite:///theirs.db", "attach", "--apply")
    assert (done.returncode, done.stderr) == (0, "")
    assert "0 events are told" in done.stdout
    file.write_text(RULE.replace("customerId", "ownerId"))
    done = command(tmp_path, "sqlite:///theirs.db", "attach", "--check")
    assert done.returncode == 1
    assert "ordercast.toml:7: order_{id}: SQLite cannot read this: no such column: ownerId" in done.stderr


def test_a_token_is_printed_of_a_role_and_with_claims_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "ordercast.toml").write_text(RULE)
    environ = {"ORDERCAST_SECRET": SECRET}
    words = ("token", "--role", "vendor", "--sub", "v1", "--claim", "vendorId=7", "--claim", "city=Dhaka")
    done = command(tmp_path, "sqlite:///theirs.db", *words, **environ)
    assert done.returncode == 0, done.stderr
    claims = jwt.decode(done.stdout.strip(), SECRET, ["HS256"])
    assert {name: claims[name] for name in ("sub", "role", "vendorId", "city")} == {
        "sub": "v1", "role": "vendor", "vendorId": 7, "city": "Dhaka",
    }  # fmt: skip
    done = command(tmp_path, "sqlite:///theirs.db", "token", "--role", "nurse", **environ)
    assert (done.returncode, done.stderr) == (
        1, "ordercast: there is no role nurse: it is one of admin, store, customer, driver, carer, service, vendor.\n",
    )  # fmt: skip
