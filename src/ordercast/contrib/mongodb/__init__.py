"""Orders that live in a MongoDB replica set, mirrored into our own database so that they flow through the feed.

Upstream: a change stream of another shop's collection. Downstream: units of work on ``db.mirrored``, whose triggers
fill the feed.
Stays true: a change and the place in the stream behind it are committed together, so each is delivered once.

Import it only where it is used: the driver is slow to load.
"""

from .source import MongoSource

__all__ = ["MongoSource"]
