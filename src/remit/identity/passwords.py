"""Passwords: argon2id, and as much work for nobody as for somebody."""

import base64
import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from remit.contracts import Person
from remit.core import InputError

# Twelve characters of one's own are more than the guesses argon2 leaves time for.
SHORTEST = 12
# A passphrase is shorter; what is longer is sent to keep us busy.
LONGEST_PASSWORD = 256
# Fewer different characters are a pattern.
FEWEST_DIFFERENT = 5
# What is left of a password when everything easily guessed is taken out.
SHORTEST_OWN = 6
_GUESSED = (
    "password", "passwort", "passwd", "qwertyuiop", "qwertz", "qwerty", "asdfghjkl", "zxcvbnm", "letmein", "welcome",
    "iloveyou", "admin", "administrator", "changeme", "secret", "login", "remit", "correct horse battery staple",
    "correcthorsebatterystaple", "0123456789", "1234567890", "123456789", "12345678", "1234567", "123456", "12345",
    "1234", "9876543210", "987654321", "abcdefghijkl", "abcdef", "abc", "123", "summer", "winter", "autumn", "spring",
    "sommer", "herbst", "2024", "2025", "2026", "2027",
)  # fmt: skip


class Passwords:
    """Hashes passwords and compares them with what is kept, in the same time whether somebody is there or not."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        """Takes the library's recommended parameters (RFC 9106, low memory) unless given a hasher."""
        self._hasher = hasher or PasswordHasher()
        self._nobody = _nobodys_hash(self._hasher)

    def hash_password(self, password: str, person: Person | None = None) -> str:
        """Returns the hash for people.yaml; a weak password is an `InputError` that does not repeat it."""
        if why := weakness(password, person):
            raise InputError("The password is too weak", why=why, hint="Take four words nobody would guess together")
        return self._hasher.hash(_bytes(password))

    def password_matches(self, password: str, kept: str) -> bool:
        """Whether `password` is the one `kept` is the hash of; no hash matches nothing, after the same work."""
        given = _bytes(password) if len(password) <= LONGEST_PASSWORD else b""
        try:
            return self._hasher.verify(kept or self._nobody, given) and bool(kept) and bool(given)
        except (VerificationError, InvalidHashError):
            return False

    def needs_rehash(self, kept: str) -> bool:
        """Whether a hash was made with other parameters than are recommended now."""
        return bool(kept) and self._hasher.check_needs_rehash(kept)


def weakness(password: str, person: Person | None = None) -> str:
    """Says why a password is easily guessed, or nothing."""
    plain = unicodedata.normalize("NFKC", password)
    if len(plain) < SHORTEST:
        return f"it has fewer than {SHORTEST} characters"
    if len(password) > LONGEST_PASSWORD:
        return f"it has more than {LONGEST_PASSWORD} characters"
    if len(set(plain)) < FEWEST_DIFFERENT:
        return f"it has fewer than {FEWEST_DIFFERENT} different characters"
    return "it is made of what anybody would try first" if _own_part(plain, person) < SHORTEST_OWN else ""


def _own_part(password: str, person: Person | None) -> int:
    """Returns how many letters and digits are left without the person's names and what everybody writes."""
    left = password.casefold()
    theirs = (person.id, *person.id.replace("@", ".").split("."), person.name, *person.name.split()) if person else ()
    names = {name.casefold() for name in theirs if len(name) > 2}
    for guessed in sorted(names | set(_GUESSED), key=len, reverse=True):
        left = left.replace(guessed, " ")
    return sum(character.isalnum() for character in left)


def _bytes(password: str) -> bytes:
    """Returns the bytes that are hashed: one password, however a keyboard composes its letters."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _nobodys_hash(hasher: PasswordHasher) -> str:
    """Returns the hash of no password: comparing with it takes the work of any other, making it takes none."""
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    salt, drawn = (
        base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (hasher.salt_len, hasher.hash_len)
    )
    return f"$argon2id$v=19${costs}${salt}${drawn}"
