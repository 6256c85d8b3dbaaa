"""What programs reach over HTTP: signed webhooks, and in `remit.endpoints.rest` the REST API.

The MCP server, the model endpoint and A2A are filled later.
"""

from remit.endpoints.crowd import Crowd
from remit.endpoints.idempotency import Idempotency
from remit.endpoints.signatures import Source, load_sources, sign
from remit.endpoints.webhooks import BODY_SECONDS, WebhookEndpoint

__all__ = ["BODY_SECONDS", "Crowd", "Idempotency", "Source", "WebhookEndpoint", "load_sources", "sign"]
