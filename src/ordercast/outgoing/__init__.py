"""OUTGOING: requests to addresses that somebody else has named, such as a browser's push service.

Upstream: whoever sends to such an address. Downstream: nothing of ours.
Stays true: no request reaches a private address that the operator has not allowed, whatever a name resolves to when it
is connected to; none is redirected, and none takes longer, or brings back more, than its bounds.
"""

from .addresses import AddressRefused, Networks, check_url

__all__ = ["AddressRefused", "Networks", "check_url"]
