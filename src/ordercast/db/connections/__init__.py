"""Connections to the two databases, as the writer and the readers use them."""

from .connector import Connection, Connector, Cursor

__all__ = ["Connection", "Connector", "Cursor"]
