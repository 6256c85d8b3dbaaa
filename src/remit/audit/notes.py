"""The texts of the log that others can read too: C2SP signed notes, checkpoints, proofs and their Ed25519 keys. Pure.

Formats: c2sp.org/signed-note, c2sp.org/tlog-checkpoint, c2sp.org/tlog-proof.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from remit.audit.tree import HASH_BYTES
from remit.core import InputError, IntegrityError

_ED25519 = b"\x01"
_PRIVATE = "PRIVATE+KEY+"
_PROOF_HEADER = "c2sp.org/tlog-proof@v1"
# Sixteen post-quantum signatures of nearly 5 kB each must fit; anything much larger is not a note.
_LARGEST_NOTE = 262_144
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]+")
_SIGNATURE_LINE = re.compile(r"— (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/=]+)")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What an auditor needs: the log's name and its Ed25519 public key."""

    name: str
    key: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes by which a signature line names its key."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.key).digest()[:4]

    def text(self) -> str:
        """Returns the verifier key as one line: `<name>+<key id>+<base64>`."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(_ED25519 + self.key)}"

    @classmethod
    def parse(cls, text: str) -> "PublicKey":
        """Reads what `text()` wrote."""
        if text.strip().startswith(_PRIVATE):
            raise InputError(
                "This is the private key", hint="Keep it secret; the public key begins with the log's name"
            )
        name, key_id, key = _split_key(text)
        public = cls(name, key)
        if public.key_id.hex() != key_id:
            raise InputError("The key's id does not belong to it", which=key_id, hint="Copy the whole line again")
        return public


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The log's name and the seed of its Ed25519 private key."""

    name: str
    seed: bytes = field(repr=False)

    @classmethod
    def new(cls, name: str) -> "SigningKey":
        """Makes a random key for the log called `name`."""
        if not _NAME.fullmatch(name):
            raise InputError("A log cannot have this name", which=name, why="spaces and + are not allowed")
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @property
    def public(self) -> PublicKey:
        """The key auditors verify with."""
        return PublicKey(self.name, Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw())

    def text(self) -> str:
        """Returns the private key as one line, for a file that only its owner may read."""
        return f"{_PRIVATE}{self.name}+{self.public.key_id.hex()}+{_base64(_ED25519 + self.seed)}"

    @classmethod
    def parse(cls, text: str) -> "SigningKey":
        """Reads what `text()` wrote."""
        if not text.startswith(_PRIVATE):
            raise InputError("This is not a private key", why=f"it does not begin with {_PRIVATE}")
        name, key_id, seed = _split_key(text.removeprefix(_PRIVATE))
        signing = cls(name, seed)
        if signing.public.key_id.hex() != key_id:
            raise InputError("The private key is damaged", why="its id does not belong to it")
        return signing


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: its name, how many entries it has, and the root over them."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Returns the note text."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Reads a note text; extension lines are allowed and not looked at."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() or not all(lines):
            raise InputError("This is not a checkpoint", why="it needs a name, a size and a root, one a line")
        origin, size, root = lines[:3]
        return cls(origin, _number(size), _hash(root))


@dataclass(frozen=True, slots=True)
class Proof:
    """What proves one entry: its place, its bytes, the path to the root, and the signed checkpoint."""

    index: int
    leaf: bytes
    path: Sequence[bytes]
    note: str

    def text(self) -> str:
        """Returns a tlog-proof; the leaf travels in its `extra` line, so that one file is enough."""
        lines = [_PROOF_HEADER, f"extra {_base64(self.leaf)}", f"index {self.index}", *map(_base64, self.path)]
        return "\n".join([*lines, "", self.note])

    @classmethod
    def parse(cls, text: str) -> "Proof":
        """Reads what `text()` wrote; nothing is verified yet."""
        head, _, note = text.partition("\n\n")
        header, *lines = head.split("\n")
        if header != _PROOF_HEADER or not note or len(lines) < 2:
            raise InputError("This is not a proof", why=f"it does not read like {_PROOF_HEADER}")
        extra, index, *path = lines
        if not extra.startswith("extra ") or not index.startswith("index "):
            raise InputError("This proof does not carry its entry", hint="Make it with `remit log prove`")
        leaf = _unbase64(extra.removeprefix("extra "))
        return cls(_number(index.removeprefix("index ")), leaf, [_hash(line) for line in path], note)


def sign_note(text: str, key: SigningKey) -> str:
    """Returns `text` with the signature line of `key`."""
    if not text.endswith("\n") or not _is_plain(text):
        raise InputError("This text cannot be signed", why="it must end with a newline and hold no control characters")
    signature = Ed25519PrivateKey.from_private_bytes(key.seed).sign(text.encode())
    return f"{text}\n— {key.name} {_base64(key.public.key_id + signature)}\n"


def open_note(note: str, key: PublicKey) -> str:
    """Returns the text of `note` when `key` signed it; otherwise it is an `IntegrityError`.

    Signatures by other keys are ignored: witnesses may have added theirs.
    """
    text, signatures = _split_note(note)
    ours = [signature for name, signature in signatures if name == key.name and signature[:4] == key.key_id]
    if not ours:
        raise IntegrityError("This note is not signed by", which=key.name, why="no signature line names that key")
    try:
        for signature in ours:
            Ed25519PublicKey.from_public_bytes(key.key).verify(signature[4:], text.encode())
    except InvalidSignature:
        raise IntegrityError("The signature is wrong", which=key.name, why="the text was changed or forged") from None
    return text


def open_checkpoint(note: str, key: PublicKey) -> Checkpoint:
    """Returns the checkpoint in `note` when `key` signed it and it is that log's own."""
    checkpoint = Checkpoint.parse(open_note(note, key))
    if checkpoint.origin != key.name:
        raise IntegrityError("This checkpoint is of another log", which=checkpoint.origin, why=f"the key is {key.name}")
    return checkpoint


def _split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    if len(note) > _LARGEST_NOTE or not _is_plain(note):
        raise InputError("This is not a signed note", why="it is too large or holds control characters")
    body, separator, tail = note.rpartition("\n\n")
    if not separator or not tail.endswith("\n"):
        raise InputError("This is not a signed note", why="it has no signature lines")
    signatures: list[tuple[str, bytes]] = []
    for line in tail[:-1].split("\n"):
        match = _SIGNATURE_LINE.fullmatch(line)
        if match is None:
            raise InputError("This is not a signed note", why=f"{line[:80]!r} is not a signature line")
        signatures.append((match["name"], _unbase64(match["signature"])))
    return body + "\n", signatures


def _split_key(text: str) -> tuple[str, str, bytes]:
    """Returns name, key id and the 32 bytes of a key line; base64 may hold plus signs, names may not."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3 or not _NAME.fullmatch(parts[0]):
        raise InputError("This is not a key", why="a key reads <name>+<key id>+<base64>")
    content = _unbase64(parts[2])
    if content[:1] != _ED25519 or len(content) != 33:
        raise InputError("This is not an Ed25519 key", which=parts[0])
    return parts[0], parts[1], content[1:]


def _is_plain(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return all(character >= " " or character == "\n" for character in text)


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise InputError("This is not a number of entries", which=text[:80])
    return int(text)


def _hash(text: str) -> bytes:
    content = _unbase64(text)
    if len(content) != HASH_BYTES:
        raise InputError("This is not a SHA-256 hash", which=text[:80], why=f"it has {len(content)} bytes")
    return content


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _unbase64(text: str) -> bytes:
    """Decodes strictly: one value has one text, so that nothing can be changed unseen."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not text or _base64(content) != text:
        raise InputError("This is not base64", which=text[:80])
    return content
