"""Stripe: its API (`client`), its messages (`events`), its minor units (`units`), the adapter (`provider`)."""

from .provider import StripeProvider

__all__ = ["StripeProvider"]
