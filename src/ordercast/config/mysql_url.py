"""Reads the URL of a MySQL or MariaDB server, ``mysql://user:password@host:3306/shop?ssl-mode=VERIFY_CA``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

SCHEME: Final = re.compile(r"(mysql|mariadb)://", re.IGNORECASE)
SSL_MODES: Final = ("DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")
PORT: Final = 3306
_PARAMETERS: Final = ("socket", "ssl-mode", "ssl-ca", "ssl-cert", "ssl-key")
# Of Prisma's, whose URL many shops have at hand: what is for its own pool says nothing here.
_OF_PRISMA: Final = frozenset({"connection-limit", "pool-timeout", "connect-timeout", "socket-timeout", "sslaccept"})
_NOT_UNDERSTOOD: Final = "is no URL of a MySQL server; in its password write @ as %40, and / # % and spaces alike"


@dataclass(frozen=True, slots=True)
class MysqlUrl:
    """Where a server is, and as whom it is asked."""

    database: str
    user: str
    password: str = field(repr=False)
    host: str = "localhost"
    port: int = PORT
    socket: str = ""
    """The file of its socket; empty: by TCP."""
    ssl_mode: str = "PREFERRED"
    """As MySQL's own clients call them. PREFERRED: encrypted where the server can, and whoever it is."""
    ssl_ca: str = ""
    ssl_cert: str = ""
    ssl_key: str = ""

    @property
    def shown(self) -> str:
        """For people and logs: without user and password."""
        host = f"[{self.host}]" if ":" in self.host else quote(self.host, safe="")
        port = "" if self.port == PORT else f":{self.port}"
        return f"mysql://{host}{port}/{quote(self.database, safe='')}"


def is_mysql(url: str) -> bool:
    return SCHEME.match(url) is not None


def read_mysql_url(url: str) -> MysqlUrl:
    """Raises ValueError, without a word of the URL: where a password is not percent-encoded, any part may be its."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "localhost", parts.port or PORT
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise ValueError(_NOT_UNDERSTOOD) from None
    if parts.fragment or parts.netloc.count("@") > 1 or "/" in parts.path[1:]:
        raise ValueError(_NOT_UNDERSTOOD)
    database = unquote(parts.path[1:])
    if not database:
        raise ValueError("must name the database, as mysql://user@host/shop")
    if not parts.username:
        raise ValueError("must name a user, as mysql://user@host/shop")
    known = {name.lower().replace("_", "-"): value for name, value in pairs}
    if unknown := known.keys() - set(_PARAMETERS) - _OF_PRISMA:
        shown = min(unknown) if re.fullmatch(r"[\w-]{1,40}", min(unknown)) else "one of its parameters"
        raise ValueError(f"has no parameter {shown}; there are {', '.join(_PARAMETERS)}")
    mode = known.get("ssl-mode", "VERIFY_CA" if known.get("ssl-ca") else "PREFERRED").upper()
    if mode not in SSL_MODES:
        raise ValueError(f"ssl-mode is one of {', '.join(SSL_MODES)}")
    return MysqlUrl(
        database,
        unquote(parts.username),
        unquote(parts.password or ""),
        host,
        port,
        known.get("socket", ""),
        mode,
        known.get("ssl-ca", ""),
        known.get("ssl-cert", ""),
        known.get("ssl-key", ""),
    )
