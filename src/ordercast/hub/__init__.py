"""WHO HEARS: namespaces, sockets, rooms, acks, recovery.

Upstream: ``feed`` publishes, ``api`` registers commands, any Python program may do both. Downstream: ``protocol``
encodes; a connection, made by ``wire``, carries.
Stays true: nothing here knows a shop, a database or a TCP socket; the data path is synchronous.
"""
