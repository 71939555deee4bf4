"""WEBHOOKS: what was committed, sent to the shop's own systems, each event at least once and each order's in turn.

Upstream: the feed table of ``db``, and the endpoints that ``api`` keeps. Downstream: other people's servers.
Stays true: nobody waits for one of them, no endpoint for another, and none is reached in a network that is not named.

The theory of operation stands in `delivery_worker`; which events there are, and what each says, in `events`.
"""

from .delivery_worker import DeliveryWorker, forget_deliveries
from .secret_box import SecretBox
from .sender import Sender

__all__ = ["DeliveryWorker", "SecretBox", "Sender", "forget_deliveries"]
