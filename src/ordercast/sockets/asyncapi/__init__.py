"""The AsyncAPI document of the shop's sockets: every event that they hear and every command that they may send.

It is made of what the server does: payloads are the types in ``feed.event_types``, rooms and examples come out of
``feed.audience``, commands are those that are registered on the server. Hardly anybody asks for it: who does, makes it
(``api.docs_page``).
"""

from .document import make_document

__all__ = ["make_document"]
