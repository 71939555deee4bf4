"""Settings of the database, Redis and MongoDB."""

from __future__ import annotations

import re
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import msgspec
from msgspec import Meta

from .errors import PREFIX, ConfigError
from .mysql_url import MysqlUrl, is_mysql, read_mysql_url

OWN_SCHEMA = "ordercast"
MAPPING_FILE = "ordercast.toml"
_MONGODB = re.compile(r"mongodb(\+srv)?://.")
_NOT_UNDERSTOOD = (
    "is no URL that PostgreSQL understands; in its password write @ as %40, and / # % and spaces alike; behind ? are"
    " parameters of libpq"
)
# Of Prisma's, whose URL is what many shops have at hand: https://www.prisma.io/docs/orm/overview/databases/postgresql.
# None of them is for us: tables are found in any schema, and ours is named by `database_schema`.
_OF_PRISMA = "schema|connection_limit|pool_timeout|socket_timeout|pgbouncer|statement_cache_size|sslaccept|sslidentity"
_PARAMETER_OF_PRISMA = re.compile(rf"(?<=[?&])(?:{_OF_PRISMA})=[^&@/]*(?:&|$)")


class DatabaseSettings(msgspec.Struct, frozen=True, kw_only=True):
    database_url: str = "sqlite:///ordercast.db"
    database_schema: Annotated[str, Meta(pattern=r"^([a-z_][a-z0-9_]{0,62})?$")] = ""
    """PostgreSQL's schema of our tables, beside those of other programs. Empty: ``ordercast`` where there is a mapping
    file, else where the connection leads, which is ``public`` unless `database_url` says more.
    """
    mapping_file: Annotated[str, Meta(min_length=1)] = MAPPING_FILE
    """The file that maps attached tables to events; without it none are attached."""
    built_in: bool = True
    """Whether the shop of ours is served: its API, pages and demo; else the live server alone, for a shop that is there
    already. The mapping file may say no too.
    """
    source_url: str = ""
    """The database whose tables the mapping file is about, where that is not the one that is served: a shop's SQLite
    file, its MySQL or MariaDB, or its MongoDB. Empty: what the file says of it, else `database_url`; on SQLite ours is
    then a file beside it.
    """
    demo: bool = True
    """Fill a new embedded database with the demo shop."""
    disk_free_mb_min: Annotated[int, Meta(ge=0, le=1_000_000)] = 256
    """With less left on the embedded database's disk, the node says `degraded`."""
    wal_mb_max: Annotated[int, Meta(ge=1, le=1_000_000)] = 256
    """With a longer write-ahead log of the embedded database, the node says `degraded`."""
    redis_url: str = ""
    """Redis or Valkey: the bus between a shop's nodes."""
    redis_prefix: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$")] = "ordercast"
    """Prefix of this shop's channels in Redis."""
    redis_emitters: Annotated[str, Meta(max_length=64)] = ""
    """The key of other back ends' Socket.IO Redis emitters, which are trusted; empty: off."""
    mongodb_url: str = ""
    """A MongoDB replica set, with the database: its orders are mirrored and published like ours."""
    mongodb_collection: Annotated[str, Meta(pattern=r"^(?!system\.)[^$\x00]{1,200}$")] = "orders"
    mongodb_currency: Annotated[str, Meta(pattern=r"^([A-Z]{3})?$")] = ""
    """The currency of its amounts; empty: the shop's."""

    @property
    def is_demo(self) -> bool:
        """Whether this is the demo shop on a file of its own."""
        return self.demo and self.built_in and self.sqlite_path is not None

    @property
    def sqlite_path(self) -> Path | None:
        """The embedded database's file, or None when the shop lives on a database server."""
        if not self.database_url.startswith("sqlite:///"):
            return None
        return Path(self.database_url.removeprefix("sqlite:///"))

    @property
    def mapping_path(self) -> Path | None:
        """The mapping file, if it is there."""
        path = Path(self.mapping_file)
        return path if path.is_file() else None

    @property
    def source_path(self) -> Path | None:
        """The shop's own SQLite file, whose tables are attached."""
        if not self.source_url.startswith("sqlite:///"):
            return None
        return Path(self.source_url.removeprefix("sqlite:///"))

    @property
    def source_mysql(self) -> MysqlUrl | None:
        """The shop's own MySQL database, whose tables are attached."""
        return read_mysql_url(self.source_url) if is_mysql(self.source_url) else None

    @property
    def source_mongodb(self) -> str:
        """The URL of the shop's own MongoDB, of whose collections something is told; empty for any other."""
        return self.source_url if _MONGODB.match(self.source_url) else ""

    @property
    def shown_source_url(self) -> str:
        """Where the shop's own database is, for people and logs."""
        url = self.source_mysql
        if self.source_mongodb:
            return re.sub(r"(?<=://)[^/]*@", "", self.source_mongodb).partition("?")[0]
        return url.shown if url is not None else self.source_url or self.shown_database_url

    @property
    def store_url(self) -> str:
        """`database_url` of a server, with the schema of our tables."""
        options = parts_of_postgresql_url(self.database_url).get("options", "")
        schema = self.database_schema
        if not schema and self.mapping_path is not None and "search_path" not in options:
            schema = OWN_SCHEMA
        if not schema:
            return self.database_url
        # Alone: nothing of another program's can be taken for ours. Of two options of a name libpq takes the last.
        parameters = quote(f"{options} -csearch_path={schema}".strip(), safe="")
        return f"{self.database_url}{'&' if '?' in self.database_url else '?'}options={parameters}"

    @property
    def shown_database_url(self) -> str:
        """Where the database is, for people and logs; of a server's URL nothing that may be, or hold, a password."""
        if self.sqlite_path is not None:
            return self.database_url
        try:
            parts = parts_of_postgresql_url(self.database_url)
        except ValueError:
            return "postgresql://..."
        hosts, ports = parts.get("host", "").split(","), parts.get("port", "").split(",")
        places = [_place(host, port) for host, port in zip_longest(hosts, ports, fillvalue=ports[-1])]
        return f"postgresql://{','.join(places)}/{quote(parts.get('dbname', ''))}"


# --- Checks -----------------------------------------------------------------------------------------------------------


def check_database(settings: DatabaseSettings) -> None:
    if is_mysql(settings.database_url):
        raise ConfigError(
            "database_url",
            "MySQL is where a shop's own tables may be: name it in ORDERCAST_SOURCE_URL, and here where ours are to be",
        )
    if not re.match(r"sqlite:///.|postgres(ql)?://.", settings.database_url):
        raise ConfigError("database_url", "must start with sqlite:/// or postgresql://")
    if settings.sqlite_path is None:
        try:
            parts_of_postgresql_url(settings.database_url)
        except ValueError as error:
            raise ConfigError("database_url", str(error)) from None
    path = settings.sqlite_path
    if settings.mapping_file != MAPPING_FILE and settings.mapping_path is None:
        raise ConfigError("mapping_file", f"there is no file {settings.mapping_file}")
    _check_source(settings)
    if path is not None and settings.database_schema:
        raise ConfigError("database_schema", "is of use with PostgreSQL alone; SQLite keeps ours in a file of its own")
    if path is not None and str(path) == ":memory:":
        raise ConfigError("database_url", "a shop in memory could not be shared by its threads; name a file")
    if path is not None and path.is_dir():
        raise ConfigError("database_url", f"{path} is a folder; name a file")


def _check_source(settings: DatabaseSettings) -> None:
    if not settings.source_url or settings.source_path is not None:
        return
    if settings.source_mongodb:
        _check_mongodb_url("source_url", settings.source_mongodb)
        return
    if not is_mysql(settings.source_url):
        raise ConfigError(
            "source_url",
            "must be a file or a server of MySQL or MongoDB, as sqlite:///shop.db, mysql://user@host/shop or"
            " mongodb://host/shop?replicaSet=rs0; PostgreSQL's tables are attached where ours are too",
        )
    try:
        read_mysql_url(settings.source_url)
    except ValueError as error:
        raise ConfigError("source_url", str(error)) from None
    if find_spec("pymysql") is None:
        raise ConfigError("source_url", "MySQL needs one more package: pip install 'ordercast[mysql]'")


def check_redis(settings: DatabaseSettings) -> None:
    if settings.redis_url and not re.match(r"(rediss?|unix)://.", settings.redis_url):
        raise ConfigError("redis_url", "must start with redis://, rediss:// or unix://")
    if settings.redis_emitters and not settings.redis_url:
        raise ConfigError("redis_emitters", f"says nothing without {PREFIX}REDIS_URL")


def check_mongodb(settings: DatabaseSettings) -> None:
    if settings.mongodb_url:
        _check_mongodb_url("mongodb_url", settings.mongodb_url)


def _check_mongodb_url(name: str, url: str) -> None:
    if not _MONGODB.match(url):
        raise ConfigError(name, "must start with mongodb:// or mongodb+srv://")
    if not re.match(r"[^:]+://[^/?]+/[^?]", url):
        raise ConfigError(name, "must name the database, as mongodb://host/shop?replicaSet=rs0")


# --- Addresses of servers ---------------------------------------------------------------------------------------------


def without_parameters_of_prisma(url: str) -> str:
    """The URL of a PostgreSQL server without what another program's URL says to that program alone."""
    if not url.startswith(("postgresql://", "postgres://")):
        return url
    kept = _PARAMETER_OF_PRISMA.sub("", url)
    return kept if kept == url else kept.rstrip("?&")


def parts_of_postgresql_url(url: str) -> dict[str, str]:
    """What the URL of a server says, by libpq's names. Raises ValueError, without a word of the URL: where a password
    is not percent-encoded, any of its parts may belong to that.
    """
    import psycopg  # noqa: PLC0415 - a shop on SQLite starts without it

    try:
        found = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        raise ValueError(_NOT_UNDERSTOOD) from None
    parts = {name: str(value) for name, value in found.items() if value is not None}
    hosts, ports = parts.get("host", "").split(","), parts.get("port", "").split(",")
    if not all(map(_is_host, hosts)) or not all(map(_is_port, ports)) or "@" in parts.get("dbname", ""):
        raise ValueError(_NOT_UNDERSTOOD)
    return parts


def _is_host(text: str) -> bool:
    return re.fullmatch(r"[\w.:%-]*|/[^@]*", text) is not None


def _is_port(text: str) -> bool:
    return text == "" or (re.fullmatch("[0-9]{1,5}", text) is not None and 0 < int(text) < 65_536)


def _place(host: str, port: str) -> str:
    shown = f"[{host}]" if ":" in host else quote(host, safe="")
    return f"{shown}:{port}" if port else shown
