"""What programs reach over HTTP: signed webhooks. REST, the MCP server, the model endpoint and A2A are filled later."""

from remit.endpoints.signatures import Source, load_sources, sign
from remit.endpoints.webhooks import BODY_SECONDS, WebhookEndpoint

__all__ = ["BODY_SECONDS", "Source", "WebhookEndpoint", "load_sources", "sign"]
