"""Makes the AsyncAPI document of the shop's events and commands.

It is generated from the code: payload types of ``feed.event_types``, rooms and examples of ``feed.audience``, commands
registered on the server. It is made on request (``api.docs_page``).
"""

from .document import make_document

__all__ = ["make_document"]
