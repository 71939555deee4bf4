"""Collections of a MongoDB replica set, kept in our own database so that they flow through the feed: another shop's
orders, mirrored; and any documents, of whose changes a mapping makes events.

Upstream: change streams of another shop's collections. Downstream: units of work on ``db.mirrored``, whose triggers
fill the feed, and a port to who makes events of documents.
Stays true: a change and the place in the stream behind it are committed together, so each is delivered once.

Import it only where it is used: the driver is slow to load.
"""

from .applying import order_source
from .collections import Collections
from .source import MongoSource

__all__ = ["Collections", "MongoSource", "order_source"]
