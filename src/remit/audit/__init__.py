"""What was decided, provably: the tamper-evident log, its checkpoints and its verifier."""

from remit.audit.checks import Report, verify_export, verify_proof
from remit.audit.export import verify_log, write_export
from remit.audit.kept import KeptCheckpoint
from remit.audit.keys import load_or_create_key, next_key
from remit.audit.log import Log, newest_checkpoint, waiting_entries
from remit.audit.model import LARGEST_LEAF, Happened, LogEntry, make_entry
from remit.audit.notes import Checkpoint, Proof, PublicKey, SigningKey, open_checkpoint, open_note, sign_note
from remit.audit.tree import verify_consistency, verify_inclusion

__all__ = [
    "LARGEST_LEAF",
    "Checkpoint",
    "Happened",
    "KeptCheckpoint",
    "Log",
    "LogEntry",
    "Proof",
    "PublicKey",
    "Report",
    "SigningKey",
    "load_or_create_key",
    "make_entry",
    "newest_checkpoint",
    "next_key",
    "open_checkpoint",
    "open_note",
    "sign_note",
    "verify_consistency",
    "verify_export",
    "verify_inclusion",
    "verify_log",
    "verify_proof",
    "waiting_entries",
    "write_export",
]
