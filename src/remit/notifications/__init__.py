"""Signed webhooks, mail and security events. Filled later."""
