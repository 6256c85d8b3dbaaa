"""The REST API: views and verbs over HTTP, for programs that show a token.

FastAPI takes long to import; `remit.app` loads this by its name, only where it serves.
"""

from remit.endpoints.rest.app import build_rest

__all__ = ["build_rest"]
