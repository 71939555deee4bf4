"""The HTTP payment provider, a small service of the shop's own: requests and responses (`messages`), transport
(`client`), adapter (`provider`). docs/guides/payment-provider.md specifies the protocol.
"""

from .provider import HttpProvider

__all__ = ["HttpProvider"]
