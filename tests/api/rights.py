"""Who may do what: every operation of the API and every command of a socket, a row each.

The columns are `ROLES`. `A`: anybody's; `O`: one's own alone (order, account, card ...); `-`: refused, with 400, 401,
403 or 404 (a command: by the code that says so). What an allowed role may do to an order in which state is the status
flow's table, not this one; what a list holds for whom is its own test's.

A webhook is the provider's who signed it, a refresh is the cookie's, and what a mailed link opens is its mailbox's: of
a role alone nobody may do any of them.
`/metrics` is whoever's who reaches its port.
"""

from __future__ import annotations

from typing import Final

ROLES: Final = ("admin", "store", "customer", "driver", "service", "guest", "nobody")
ROUTES: Final[dict[str, str]] = {
    "GET /api/accounts": "A - - - - - -",
    "POST /api/accounts": "A - - - - - -",
    "POST /api/accounts/{account_id}": "A - - - - - -",
    "POST /api/auth/claim-orders": "- - A - - - -",
    "POST /api/auth/forgot-password": "A A A A A A A",
    "POST /api/auth/login": "A A A A A A A",
    "POST /api/auth/logout": "A A A A A A A",
    "POST /api/auth/logout-all": "A A A A A - -",
    "POST /api/auth/password": "A A A A - - -",
    "POST /api/auth/refresh": "- - - - - - -",
    "POST /api/auth/register": "A A A A A A A",
    "POST /api/auth/resend-verification": "A A A A A A A",
    "POST /api/auth/reset-password": "- - - - - - -",
    "POST /api/auth/revoke": "A - - - - - -",
    "POST /api/auth/verify-email": "- - - - - - -",
    "POST /api/checkout/quote": "A A A A A A A",
    "GET /api/config": "A A A A A A A",
    "POST /api/conversations": "A A O O A O -",
    "GET /api/conversations/{conversation_id}": "A A O O A O -",
    "GET /api/conversations/{conversation_id}/messages": "A A O O A O -",
    "POST /api/conversations/{conversation_id}/messages": "A A O O A O -",
    "POST /api/customers/{customer_id}/erase": "A - - - - - -",
    "GET /api/customers/{customer_id}/export": "A - - - - - -",
    "GET /api/drivers": "A A - - - - -",
    "POST /api/drivers/{driver_id}/duty": "A A - O - - -",
    "POST /api/emit": "- - - - A - -",
    "GET /api/me": "A A A A A - -",
    "POST /api/me/erase": "- - A - - - -",
    "GET /api/me/export": "- - A - - - -",
    "GET /api/notifications": "A A A A - - -",
    "POST /api/notifications/read": "A A A A - - -",
    "POST /api/notifications/{notification_id}/read": "O O O O - - -",
    "GET /api/orders": "A A A A A - -",
    "POST /api/orders": "A A A - - A A",
    "GET /api/orders/{order_id}": "A A O O A O -",
    "POST /api/orders/{order_id}/cancel": "A A O - - - -",
    "GET /api/orders/{order_id}/delivery": "A A O O A O -",
    "POST /api/orders/{order_id}/driver": "A A - - - - -",
    "GET /api/orders/{order_id}/history": "A A O O A O -",
    "POST /api/orders/{order_id}/pay": "A A O - - O -",
    "POST /api/orders/{order_id}/pay/check": "A A O - - O -",
    "POST /api/orders/{order_id}/refund": "A A - - - - -",
    "POST /api/orders/{order_id}/status": "A A O O - - -",
    "GET /api/payment-methods": "- - A - - - -",
    "DELETE /api/payment-methods/{method_id}": "- - O - - - -",
    "GET /api/payment-mismatches": "A A - - - - -",
    "POST /api/payment-mismatches/{mismatch_id}/resolve": "A A - - - - -",
    "POST /api/payments/webhook/{provider}": "- - - - - - -",
    "GET /api/payments/webhooks": "A A - - - - -",
    "GET /api/payments/webhooks/{webhook_id}": "A A - - - - -",
    "POST /api/payments/webhooks/{webhook_id}/retry": "A A - - - - -",
    "GET /api/products": "A A A A A A A",
    "POST /api/products": "A A - - - - -",
    "GET /api/products/{product_id}": "A A A A A A A",
    "PATCH /api/products/{product_id}": "A A - - - - -",
    "GET /api/products/{product_id}/history": "A A - - - - -",
    "GET /api/promotions": "A A - - - - -",
    "POST /api/promotions": "A A - - - - -",
    "GET /api/promotions/{code}": "A A - - - - -",
    "PATCH /api/promotions/{code}": "A A - - - - -",
    "GET /api/shop": "A A A A A A A",
    "PUT /api/shop": "A - - - - - -",
    "GET /api/stats": "A A - - - - -",
    "GET /api/status-flow": "A A A A A A A",
    "POST /emit-booking": "- - - - A - -",
    "GET /health/live": "A A A A A A A",
    "GET /health/ready": "A A A A A A A",
    "GET /metrics": "A A A A A A A",
}
COMMANDS: Final[dict[str, str]] = {
    "assign_driver": "A A - - - - -",
    "auth_refresh": "A A A A A A -",
    "driver_location": "- - - A - - -",
    "echo": "A A A A A A A",
    "mark_seen": "A A A A - - -",
    "send_message": "A A O O A O -",
    "unwatch_order": "A A A A A A -",
    "update_order_status": "A A O O - - -",
    "watch_order": "A A O O A O -",
}
