"""Payment providers: each an adapter of ``commerce.payments.PaymentProvider``, side by side, loaded when configured."""
