"""Who is calling, and on whose behalf? Attempts by their secret, people by password or link, programs by token."""

from remit.identity.identity import People, hash_secret, issue_secret, secret_matches
from remit.identity.links import Links
from remit.identity.lockouts import Lockouts, client_subject, person_subject
from remit.identity.model import Caller, Credentials, LoginLink, Session, Token
from remit.identity.passwords import LONGEST_PASSWORD, Passwords, weakness
from remit.identity.sessions import Sessions
from remit.identity.tokens import Tokens

__all__ = [
    "LONGEST_PASSWORD",
    "Caller",
    "Credentials",
    "Links",
    "Lockouts",
    "LoginLink",
    "Passwords",
    "People",
    "Session",
    "Sessions",
    "Token",
    "Tokens",
    "client_subject",
    "hash_secret",
    "issue_secret",
    "person_subject",
    "secret_matches",
    "weakness",
]
