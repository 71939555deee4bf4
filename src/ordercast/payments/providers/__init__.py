"""Payment providers: adapters of ``commerce.payments.PaymentProvider``, imported when configured."""
