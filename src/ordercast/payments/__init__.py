"""PAYMENTS: asking payment providers, and hearing from them.

What an order's change owes its provider is a row first (``db.payment_tasks``), and asked after the commit by
``payment_worker``; ``reconciler`` compares the providers' payments with ours; ``checkout`` takes a payment before its
order is placed; ``providers`` are the adapters, each of ``commerce.payments.PaymentProvider``.
Upstream: ``api``, whose requests take payments and bring webhooks in, and the node's jobs. Downstream: ``db``.
Stays true: whatever dies in between, a provider is asked under a key of ours until it has answered, and does it once.
"""

from .registry import Providers, payments_sentence, providers_of

__all__ = ["Providers", "payments_sentence", "providers_of"]
