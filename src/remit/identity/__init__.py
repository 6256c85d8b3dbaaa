"""Who is calling, and on whose behalf?"""

from remit.identity.identity import People, issue_secret, secret_matches
from remit.identity.model import Caller, Credentials

__all__ = ["Caller", "Credentials", "People", "issue_secret", "secret_matches"]
