"""Providers of payments: each an adapter of ``commerce.payments.PaymentProvider``, side by side.

A deed that an order's change owes is a row first (``db.payment_tasks``), and asked of the provider after the commit by
``settling``; ``sweeping`` compares the provider's books with ours.
"""

from .registry import Providers, payments_sentence, providers_of

__all__ = ["Providers", "payments_sentence", "providers_of"]
