"""Configuration: what may be set from outside, its bounds and its defaults.

Every setting is an environment variable ``ORDERCAST_<NAME>`` or a line of ``.env``; the defaults suit development.
A value that cannot be used is refused at start with the variable's name, before anything is opened.

Each subject is a module, with its fields, properties and check. Their classes inherit in a row, since a msgspec Struct
inherits fields from one base only; the last is `Settings`.
"""

from .budgets import BUDGETS
from .database import OWN_SCHEMA, parts_of_postgresql_url
from .errors import ConfigError
from .mysql_url import MysqlUrl, is_mysql, read_mysql_url
from .notifications import vapid_private_key
from .settings import Settings, load, misspelt
from .tokens import OWN_ISSUER

__all__ = [
    "BUDGETS",
    "OWN_ISSUER",
    "OWN_SCHEMA",
    "ConfigError",
    "MysqlUrl",
    "Settings",
    "is_mysql",
    "load",
    "misspelt",
    "parts_of_postgresql_url",
    "read_mysql_url",
    "vapid_private_key",
]
