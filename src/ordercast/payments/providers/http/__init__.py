"""A payment provider that is one small HTTP service of the shop's own: what is asked and answered (`messages`), how
(`client`), and the adapter (`provider`). docs/guides/payment-provider.md is its protocol, with every byte.
"""

from .provider import HttpProvider

__all__ = ["HttpProvider"]
