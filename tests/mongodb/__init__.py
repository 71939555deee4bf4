"""A MongoDB replica set of one member, as far as drivers, change streams and these tests look.

It follows the documents of the wire protocol and of change streams, and the drivers' specifications. What it does not
know it refuses with the code that a server has for it.
"""

from .server import MongoStandIn

__all__ = ["MongoStandIn"]
