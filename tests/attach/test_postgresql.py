"""Tables of another program on PostgreSQL: what is committed to them is told, and they are none the worse for it."""

from __future__ import annotations

import json

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ordercast.attach import MappingError

from .conftest import AttachedShop

NEW_ORDER = """\
[shop]
built_in = false

[[emit]]
table = "Order"
on = "insert"
event = "new_order"
rooms = ["store-owners", "customer_{customerId}"]
[emit.payload]
type = "new_order"
[emit.payload.order]
id = "{id}"
status = "{paymentStatus}"
total = "{total}"
customerName = "{customer.name}"
createdAt = "{createdAt}"
mobile = "{customer.phone}"
customer_email = "{customer.email}"
[emit.sql]
customer = 'SELECT to_json(c) FROM "Customer" c WHERE c.id = NEW."customerId"'
"""


def emit(table: str = "Order", on: str = '"insert"', rooms: str = '["store"]', rest: str = "") -> str:
    return f"[[emit]]\ntable = '{table}'\non = {on}\nevent = \"e\"\nrooms = {rooms}\n{rest}\n"


def test_a_prisma_order_makes_the_exact_new_order(shop: AttachedShop) -> None:
    shop.apply(NEW_ORDER)
    ((order_id,),) = shop.do(
        """INSERT INTO "Order" ("customerId", "total", "paymentStatus", "createdAt")
           VALUES ('c1', 24000, 'paid', '2026-11-30 10:00:00.5') RETURNING id"""
    )
    (event,) = shop.told()
    assert (event["event"], event["rooms"]) == ("new_order", ["store-owners", "customer_c1"])
    assert event["args"] == [
        {
            "type": "new_order",
            "order": {
                "id": str(order_id),
                "status": "paid",
                "total": 24000,
                "customerName": "Asha Rahman",
                "createdAt": "2026-11-30T10:00:00.500Z",
                "mobile": "+8801700000000",
                "customer_email": "asha@example.com",
            },
        }
    ]
    assert list(event["args"][0]["order"]) == [
        "id", "status", "total", "customerName", "createdAt", "mobile", "customer_email",
    ]  # fmt: skip
    assert (event["table"], event["on"], event["key"]) == ("public.Order", "insert", {"id": str(order_id)})
    assert event["writer"] == {"database": shop.name, "role": "postgres", "application": "backend"}
    assert shop.feed("actor, entity_id") == [("db:postgres@backend", f"Order {order_id}")]
    assert shop.check() == []


def test_what_rolls_back_was_never_told(shop: AttachedShop) -> None:
    shop.apply(NEW_ORDER)
    shop.do("BEGIN")
    shop.do("""INSERT INTO "Order" ("customerId", "total") VALUES ('c1', 1)""")
    shop.do("ROLLBACK")
    assert shop.told() == []


def test_a_change_is_told_where_its_columns_and_condition_say(shop: AttachedShop) -> None:
    shop.apply(
        emit(
            on='["insert", "update", "delete"]',
            rest="""\
changed = ["status"]
when = "NEW.total > 10"
payload = ["{status}", "{old.status}", "{id} of {customerId}: {total}!", "{shipping.to.0}", 7]""",
        )
    )
    one = "00000000-0000-0000-0000-000000000001"
    shop.do(f"""INSERT INTO "Order" VALUES ('{one}', 'c1', 'new', 'paid', 11, '{{"to": ["Dhaka"]}}')""")
    shop.do("""INSERT INTO "Order" ("customerId", "total") VALUES ('c1', 1)""")
    shop.do("""UPDATE "Order" SET "paymentStatus" = 'unpaid'""")
    shop.do("""UPDATE "Order" SET "status" = 'ready'""")
    shop.do("""DELETE FROM "Order" """)
    told = f"{one} of c1: 11!"
    assert [(event["on"], event["args"][0]) for event in shop.told()] == [
        ("insert", ["new", None, told, "Dhaka", 7]),
        ("update", ["ready", "new", told, "Dhaka", 7]),
        ("delete", ["ready", "ready", told, "Dhaka", 7]),
    ]


def test_an_error_in_a_mapping_is_kept_and_the_write_goes_on(shop: AttachedShop) -> None:
    shop.apply(
        emit(rest='name = "bad"\npayload = "{half}"\n[emit.sql]\nhalf = "1 / (NEW.total - 5)"')
        + emit(rest='name = "good"\npayload = "{total}"')
    )
    shop.do("""INSERT INTO "Order" ("customerId", "total") SELECT 'c1', g FROM generate_series(4, 6) AS g""")
    shop.do("""INSERT INTO "Order" ("customerId", "total") VALUES ('c1', 5), ('c1', 5)""")
    assert shop.do("""SELECT count(*) FROM "Order" """) == [(5,)]
    assert shop.errors() == [("bad", "insert", 1, "division by zero"), ("bad", "insert", 2, "division by zero")]
    assert [event["args"] for event in shop.told() if event["mapping"] == "good"] == [[4], [5], [6], [5], [5]]
    assert [event["args"] for event in shop.told() if event["mapping"] == "bad"] == [[-1], [1]]


def test_a_mapping_may_be_asked_to_refuse_what_it_cannot_tell(shop: AttachedShop) -> None:
    shop.apply(emit(rest='on_error = "fail"\npayload = "{half}"\n[emit.sql]\nhalf = "1 / (NEW.total - 5)"'))
    with pytest.raises(psycopg.errors.DivisionByZero):
        shop.do("""INSERT INTO "Order" ("customerId", "total") VALUES ('c1', 5)""")
    assert shop.do("""SELECT count(*) FROM "Order" """) == [(0,)]


@pytest.mark.parametrize(
    "harm",
    [
        "DROP TABLE ordercast.feed CASCADE",
        "ALTER TABLE ordercast.feed RENAME TO somewhere",
        "DROP TABLE ordercast.attach_errors",
        "DROP SCHEMA ordercast CASCADE",
    ],
)
def test_no_write_of_the_shop_is_refused_for_what_happens_to_ours(own_shop: AttachedShop, harm: str) -> None:
    shop = own_shop
    shop.apply(emit() + emit(rest='name = "bad"\npayload = "{half}"\n[emit.sql]\nhalf = "1 / (NEW.total - 5)"'))
    shop.do(harm)
    shop.do("""INSERT INTO "Order" ("customerId", "total") VALUES ('c1', 5)""")
    assert shop.do("""SELECT count(*) FROM "Order" """) == [(1,)]


def test_migrations_of_the_shop_go_on_and_harm_only_their_own_mapping(shop: AttachedShop) -> None:
    shop.apply(emit(rest='name = "status"\npayload = "{status}"') + emit(rest='name = "row"\npayload = "{*}"'))
    insert = """INSERT INTO "Order" ("customerId", "total") VALUES ('c1', 5)"""
    shop.do("""ALTER TABLE "Order" RENAME "status" TO "state" """)
    shop.do("""ALTER TABLE "Order" ADD "note" text DEFAULT 'n', ALTER "total" TYPE bigint, DROP "shipping" """)
    shop.do(insert)
    (event,) = shop.told()
    assert (event["args"][0]["state"], event["args"][0]["note"]) == ("new", "n")
    assert [row[:2] for row in shop.errors()] == [("status", "insert")]
    assert shop.check() == ["7: public.Order has no column status; there is state"]
    shop.apply(emit(rest='name = "status"\npayload = "{state}"') + emit(rest='name = "row"\npayload = "{*}"'))
    assert (shop.check(), shop.errors()) == ([], [])


# --- Every way in which a row is written ------------------------------------------------------------------------------

ALL = '["insert", "update", "delete"]'


def test_cascades_upserts_and_copies_are_told(shop: AttachedShop) -> None:
    shop.apply(emit(on=ALL, rest='payload = "{total}"'))
    one = "00000000-0000-0000-0000-00000000000"
    upsert = f"""INSERT INTO "Order" ("id", "customerId", "total") VALUES ('{one}1', 'c1', 1)
      ON CONFLICT ("id") DO UPDATE SET "total" = "Order"."total" + 1"""
    shop.do(upsert)
    shop.do(upsert)
    with shop.connection.cursor().copy("""COPY "Order" ("id", "customerId", "total") FROM STDIN""") as copy:
        copy.write(f"{one}2\tc1\t9\n{one}3\tc2\t10\n".encode())
    shop.do("""DELETE FROM "Customer" WHERE "id" = 'c1'""")
    assert [(event["on"], event["args"][0]) for event in shop.told()] == [
        ("insert", 1), ("update", 2), ("insert", 9), ("insert", 10), ("delete", 2), ("delete", 9),
    ]  # fmt: skip


def test_a_change_of_20_000_rows_is_told_row_by_row(shop: AttachedShop) -> None:
    shop.do("""CREATE TABLE stock (id integer PRIMARY KEY, pieces integer)""")
    shop.do("INSERT INTO stock SELECT g, 1 FROM generate_series(1, 20000) AS g")
    shop.apply(emit("stock", '"update"', rest='changed = ["pieces"]\npayload = ["{id}", "{pieces}"]'))
    shop.do("UPDATE stock SET pieces = 2 WHERE id > 0")
    assert len({entity for (entity,) in shop.feed("entity_id")}) == 20_000


def test_names_in_any_script_and_keys_of_several_columns_are_told(shop: AttachedShop) -> None:
    shop.do("""CREATE TABLE "অর্ডার ""ক"" " ("দোকান" integer, "নম্বর" integer, "a.b{c}'d" text, "json" json,
      PRIMARY KEY ("নম্বর", "দোকান"))""")
    shop.apply(
        emit(
            'অর্ডার "ক" ',
            ALL,
            '["r_{দোকান}_{নম্বর}"]',
            "payload = { \"'k\" = \"it's {json.x.y}\", b = '{*}' }\nchanged = ['json']",
        )
    )
    table = '"অর্ডার ""ক"" "'
    shop.do(f"""INSERT INTO {table} VALUES (1, 2, 'x', '{{"x": {{"y": "z"}}}}')""")
    shop.do(f"""UPDATE {table} SET json = '{{"x": 1}}'""")
    first, second = shop.told()
    assert (first["rooms"], first["key"]) == (["r_1_2"], {"নম্বর": 2, "দোকান": 1})
    assert first["args"] == [{"'k": "it's z", "b": {"দোকান": 1, "নম্বর": 2, "a.b{c}'d": "x", "json": {"x": {"y": "z"}}}}]
    assert second["args"][0]["'k"] == "it's "


def test_partitions_and_heirs_are_told_as_their_table(shop: AttachedShop) -> None:
    shop.do("CREATE TABLE visits (id integer, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at)")
    shop.do("CREATE TABLE visits_26 PARTITION OF visits FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')")
    shop.do("CREATE TABLE people (id integer PRIMARY KEY)")
    shop.do("CREATE TABLE staff (desk text) INHERITS (people)")
    mapping = emit("visits", rest='payload = "{at}"') + emit("people", rest='payload = "{id}"')
    shop.apply(mapping)
    shop.do("CREATE TABLE visits_27 PARTITION OF visits FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')")
    shop.do("INSERT INTO visits VALUES (1, '2026-05-05'), (2, '2027-05-05')")
    shop.do("INSERT INTO visits_26 VALUES (3, '2026-06-06')")
    shop.do("INSERT INTO staff VALUES (7, 'a')")
    assert [(event["table"], event["args"][0]) for event in shop.told()] == [
        ("public.visits", "2026-05-05"), ("public.visits", "2027-05-05"), ("public.visits", "2026-06-06"),
        ("public.people", 7),
    ]  # fmt: skip
    assert shop.check() == []
    shop.do("CREATE TABLE guests () INHERITS (people)")
    assert ["the trigger on public.guests is missing" in fault for fault in shop.check()] == [True]
    shop.apply(mapping)
    shop.do("INSERT INTO guests VALUES (8)")
    assert shop.args()[-1] == 8


def test_a_write_through_a_view_and_a_payload_from_one_are_told(shop: AttachedShop) -> None:
    shop.do('CREATE VIEW cards AS SELECT o.*, c.name AS who FROM "Order" o JOIN "Customer" c ON c.id = o."customerId"')
    shop.do('CREATE VIEW plain AS SELECT * FROM "Order"')
    shop.apply(emit(rest='view = "cards"\npayload = ["{view.who}", "{view.total}"]'))
    shop.do("""INSERT INTO plain ("id", "customerId", "status", "paymentStatus", "total", "createdAt")
      VALUES (gen_random_uuid(), 'c2', 'new', 'paid', 5, now())""")
    assert shop.args() == [["Zoe", 5]]


def test_generated_columns_are_told_and_virtual_ones_refused_with_the_line(shop: AttachedShop) -> None:
    shop.do("CREATE TABLE lines (id integer PRIMARY KEY, n integer, twice integer GENERATED ALWAYS AS (n * 2) STORED)")
    if shop.connection.info.server_version >= 180_000:  # older ones have none
        shop.do("ALTER TABLE lines ADD half integer GENERATED ALWAYS AS (n / 2) VIRTUAL")
        with pytest.raises(MappingError, match=r"toml:6: public\.lines works half out when it is read"):
            shop.apply(emit("lines", rest='payload = "{half}"'))
    shop.apply(emit("lines", rest='payload = "{twice}"'))
    shop.do("INSERT INTO lines VALUES (1, 4)")
    assert shop.args() == [8]


def test_a_row_is_told_at_the_commit_where_that_is_asked_for(shop: AttachedShop) -> None:
    shop.do("CREATE TABLE lines (order_id uuid, sku text)")
    shop.apply(
        emit(
            rest='at = "commit"\npayload = "{skus}"\n[emit.sql]\n'
            "skus = 'SELECT json_agg(sku) FROM lines WHERE order_id = NEW.\"id\"'"
        )
    )
    one = "00000000-0000-0000-0000-000000000001"
    shop.do("BEGIN")
    shop.do(f"""INSERT INTO "Order" ("id", "customerId", "total") VALUES ('{one}', 'c1', 1)""")
    shop.do(f"INSERT INTO lines VALUES ('{one}', 'lamp'), ('{one}', 'rug')")
    shop.do("COMMIT")
    assert shop.args() == [["lamp", "rug"]]
    assert shop.check() == []


def test_a_partitioned_table_is_told_at_the_commit_too(shop: AttachedShop) -> None:
    shop.do("CREATE TABLE visits (id integer PRIMARY KEY, n integer) PARTITION BY RANGE (id)")
    shop.do("CREATE TABLE visits_1 PARTITION OF visits FOR VALUES FROM (0) TO (100)")
    shop.apply(emit("visits", ALL, rest='at = "commit"\nwhen = "OLD.n IS DISTINCT FROM NEW.n"\npayload = "{n}"'))
    shop.do("INSERT INTO visits VALUES (1, 5)")
    shop.do("UPDATE visits_1 SET n = 5")
    shop.do("UPDATE visits SET n = 6")
    assert shop.args() == [5, 6]
    assert shop.check() == []


# What a person may call a column or write in a payload: quotes, backslashes, dollars, any script.
NAMES = st.text(st.characters(exclude_characters="\0{}", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=15)


def toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(NAMES, min_size=2, max_size=2, unique=True), key=NAMES, constant=NAMES, value=NAMES)
def test_whatever_things_are_called_they_are_told(
    shop: AttachedShop, names: list[str], key: str, constant: str, value: str
) -> None:
    table, column = f"t {names[0]}", f"{names[1]} c"
    quoted = [each.replace('"', '""') for each in (table, column)]
    shop.do(f'CREATE TABLE "{quoted[0]}" (id integer PRIMARY KEY, "{quoted[1]}" text)')
    before = len(shop.told())
    field = '{"' + quoted[1] + '"}'
    payload = {key: field, "c": constant, "text": f"{constant}{field}{constant}"}
    pairs = ", ".join(f"{toml(each)} = {toml(text)}" for each, text in payload.items())
    shop.apply(
        f"[[emit]]\ntable = {toml('public.' + table)}\non = 'insert'\nevent = 'e'\n"
        f"rooms = ['a']\npayload = {{ {pairs} }}\n"
    )
    written = value.replace("'", "''")
    shop.do(f"""INSERT INTO "{quoted[0]}" VALUES (1, '{written}')""")
    told = shop.told()[before:]
    assert [event["args"] for event in told] == [[{key: value, "c": constant, "text": f"{constant}{value}{constant}"}]]
    shop.do(f'DROP TABLE "{quoted[0]}"')


def test_a_session_of_any_path_zone_and_style_is_told_alike(shop: AttachedShop) -> None:
    shop.do("CREATE TABLE moments (id integer PRIMARY KEY, at timestamptz, day date, price numeric(9,2), raw bytea)")
    shop.apply(emit("moments", rest='payload = ["{at}", "{day}", "{price}", "{raw}", "{id}@{at}"]'))
    shop.do(
        "SET search_path = ''; SET timezone = 'Asia/Dhaka'; SET datestyle = 'German'; SET quote_all_identifiers = on"
    )
    shop.do("CREATE TEMPORARY TABLE feed (id integer)")
    shop.do(r"INSERT INTO public.moments VALUES (1, '30.11.2026 16:00:00.25', '30.11.2026', 12.50, '\x00ff')")
    at = "2026-11-30T10:00:00.250Z"
    assert shop.args() == [[at, "2026-11-30", 12.5, "\\x00ff", f"1@{at}"]]


def test_replicated_and_bulk_loaded_rows_are_told(shop: AttachedShop) -> None:
    shop.apply(emit(rest='payload = "{total}"'))
    shop.do("SET session_replication_role = replica")
    shop.do("""INSERT INTO "Order" ("customerId", "total") VALUES ('c1', 3)""")
    assert shop.args() == [3]


def test_truncate_is_told_as_a_gap(shop: AttachedShop) -> None:
    shop.apply(emit(on='"delete"') + emit(on='"delete"', rooms='["customer_{customerId}"]', rest='name = "second"'))
    shop.do('TRUNCATE "Order"')
    rows = shop.feed("after::json")
    assert sorted(after["rooms"] for (after,) in rows) == [["\x00everybody"], ["store"]]


# --- Rooms ------------------------------------------------------------------------------------------------------------


def test_a_room_with_nothing_in_a_place_of_its_name_is_none(shop: AttachedShop) -> None:
    shop.do("CREATE TABLE tasks (id integer PRIMARY KEY, owner text, vendors text[])")
    shop.apply(emit("tasks", rooms='["owner_{owner}", "{all}"]', rest='payload = 1\n[emit.sql]\nall = "NEW.vendors"'))
    shop.do("INSERT INTO tasks VALUES (1, 'a', '{v1,v2}'), (2, NULL, '{v3}'), (3, '', NULL), (4, 'b', '{}')")
    assert [event["rooms"] for event in shop.told()] == [["owner_a", "v1", "v2"], ["v3"], ["owner_b"]]


# --- Faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (emit("Orders"), "2: there is no table Orders"),
        (emit("public.Order", rest='payload = "{Total}"'), "6: public.Order has no column Total; there is total"),
        (emit(rooms='["a",\n"b_{customerID}"]'), "6: public.Order has no column customerID; there is customerId"),
        (emit(on='"update"', rest='changed = ["x"]'), "6: public.Order has no column x"),
        (emit(rest='when = "NEW.totl > 1"'), '6: PostgreSQL cannot read this: column new.totl does not exist'),
        (emit(rest='[emit.sql]\na = "1 +"'), "7: PostgreSQL cannot read this: syntax error"),
        (emit(rest='view = "cards"'), "6: there is no table cards"),
    ],
)  # fmt: skip
def test_what_the_database_has_not_is_told_with_its_line(shop: AttachedShop, text: str, fault: str) -> None:
    with pytest.raises(MappingError) as raised:
        shop.apply(text)
    (line,) = str(raised.value).splitlines()
    assert line.startswith(f"{shop.path}:{fault}")


@pytest.mark.parametrize(
    ("harm", "fault"),
    [
        ('DROP TRIGGER {name} ON "Order"', "is missing, and no e is told"),
        ('ALTER TABLE "Order" DISABLE TRIGGER ALL', "is disabled, and no e is told"),
        ('ALTER TABLE "Order" ENABLE TRIGGER {name}', "does not fire always"),
        (
            "CREATE OR REPLACE FUNCTION ordercast.{function}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
            "is another than the file says",
        ),
        (
            """DROP TRIGGER {name} ON "Order"; CREATE TRIGGER {name} AFTER DELETE ON "Order" FOR EACH ROW
               EXECUTE FUNCTION ordercast.{function}(); ALTER TABLE "Order" ENABLE ALWAYS TRIGGER {name}""",
            "fires at other times",
        ),
        ('ALTER TABLE "Order" RENAME TO "Bestellung"', "there is no table Order"),
        ('ALTER TABLE "Order" RENAME TO o; CREATE TABLE "Order" (LIKE o INCLUDING ALL)', "is missing, and no e"),
    ],
)
def test_what_was_done_to_a_trigger_is_found_and_mended(shop: AttachedShop, harm: str, fault: str) -> None:
    text = emit(rest='payload = "{total}"')
    shop.apply(text)
    assert shop.check() == []
    ident = shop.mapping(text).emits[0].id
    for statement in harm.format(name=f'"00_ordercast_{ident}"', function=f"emit_{ident}").split("; "):
        shop.do(statement)
    assert any(fault in told for told in shop.check()), shop.check()
    if "Bestellung" in harm:
        return
    shop.apply(text)
    assert shop.check() == []
    assert shop.apply(text) == []


def test_what_the_file_has_no_more_is_taken_away(shop: AttachedShop) -> None:
    shop.apply(emit() + emit(rest='name = "second"'))
    shop.mapping(emit())
    (fault,) = shop.check()
    assert fault.startswith("1: a trigger on public.Order is of no [[emit]] any more")
    assert [statement.split()[0:2] for statement in shop.apply(emit())] == [["DROP", "TRIGGER"], ["DROP", "FUNCTION"]]
    assert shop.check() == []


def test_detaching_leaves_nothing_behind(own_shop: AttachedShop) -> None:
    shop = own_shop
    names = """SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = '"Order"'::regclass
      UNION ALL SELECT nspname FROM pg_namespace WHERE nspname = 'ordercast'
      UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"""
    shop.apply(emit(on=ALL))
    assert len(shop.do(names)) == 3
    with shop.attaching() as attaching:
        attaching.detach(with_schema=False)
    assert shop.do(names) == [("ordercast",)]
    assert shop.do("SELECT relname FROM pg_class WHERE relname LIKE 'attach%'") == []
    with shop.attaching() as attaching:
        attaching.apply()
        attaching.detach(with_schema=True)
    assert shop.do(names) == []
    shop.do("""INSERT INTO "Order" ("customerId", "total") VALUES ('c1', 3)""")


# --- Rights -----------------------------------------------------------------------------------------------------------


def test_the_shops_role_needs_no_right_of_ours_and_who_attaches_few(own_shop: AttachedShop) -> None:
    shop = own_shop
    server = shop.server
    for role in ("shop_app", "attacher"):
        server.execute(f"DROP ROLE IF EXISTS {role}")
        server.execute(f"CREATE ROLE {role} LOGIN")
    try:
        shop.do("DROP SCHEMA ordercast CASCADE")
        shop.do('GRANT SELECT, INSERT ON "Order", "Customer" TO shop_app')
        shop.do(f"GRANT CREATE ON DATABASE {shop.name} TO attacher")
        shop.do('GRANT TRIGGER, SELECT ON "Order", "Customer" TO attacher')
        from ordercast.attach.postgresql.attaching import PostgresqlAttaching
        from ordercast.db import migrate

        url = f"{server.url(shop.name, user='attacher')}?options=-csearch_path%3Dordercast"
        migrate.upgrade(url)
        with PostgresqlAttaching(url, shop.mapping(NEW_ORDER)) as attaching:
            attaching.apply()
            assert attaching.check() == []
            assert [note.sentence for note in attaching.notes()] == [
                "public.Order is another role's: what comes to it by replication is not told"
            ]
        with psycopg.connect(server.url(shop.name, user="shop_app"), application_name="web") as connection:
            connection.execute("""INSERT INTO "Order" ("customerId", "total") VALUES ('c1', 3)""")
        assert [event["writer"]["role"] for event in shop.told()] == ["shop_app"]
        assert shop.args()[0]["order"]["customerName"] == "Asha Rahman"
    finally:
        shop.do("DROP SCHEMA IF EXISTS ordercast CASCADE")
        for role in ("shop_app", "attacher"):
            shop.do(f"DROP OWNED BY {role}")
            server.execute(f"DROP ROLE {role}")
