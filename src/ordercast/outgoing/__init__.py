"""OUTGOING: HTTP requests to URLs that users or the operator entered, such as push endpoints and webhooks.

Upstream: ``notify`` and ``webhooks``. Downstream: nothing of ours. Stays true: no request reaches a private address
that the operator has not allowed, whatever the name resolves to at connect time (SSRF); redirects are not followed;
time and response size are bounded.
"""

from .addresses import AddressRefused, Networks, check_url

__all__ = ["AddressRefused", "Networks", "check_url"]
