"""WEBHOOKS: committed events, delivered to the shop's own systems at least once, and in order for each subject.

Upstream: the feed table of ``db``, and the endpoints that ``api`` stores. Downstream: HTTP servers of others. Stays
true: no request waits for a receiver, no endpoint for another, and no private network is reached without the operator's
leave.

The theory of operation stands in `delivery_worker`; the event types and payloads in `events`.
"""

from .delivery_worker import DeliveryWorker, forget_deliveries
from .secret_box import SecretBox
from .sender import Sender

__all__ = ["DeliveryWorker", "SecretBox", "Sender", "forget_deliveries"]
