"""PAYMENTS: calls to payment providers, and their webhooks.

Actions that a change requires of a provider are rows first (``db.payment_tasks``), and are run after the commit by
``payment_worker``; ``webhook_inbox`` stores events and applies them; ``reconciler`` compares the providers' records
with ours; ``checkout`` authorizes a payment before its order is placed; ``providers`` are the adapters of
``commerce.payments.PaymentProvider``.

Upstream: ``api``, whose requests take payments and bring webhooks in, and the node's jobs. Downstream: ``db``. Stays
true: each action is repeated with the same idempotency key until the provider has answered, whatever crashes in
between, and takes effect once.
"""

from .registry import Providers, payments_summary, providers_of

__all__ = ["Providers", "payments_summary", "providers_of"]
