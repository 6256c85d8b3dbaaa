"""The verifier as a command: `python -m remit.audit.verify EXPORT --key PUBLIC_KEY`.

It knows nothing of Remit but the log's format. Exit codes: 0 everything holds, 1 something is wrong, 2 used wrongly.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from remit.audit.checks import Report, verify_export
from remit.audit.notes import PublicKey
from remit.core import InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Verifies one export, prints what was found and returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        since = [_read(Path(path)) for path in options.since]
        proofs = [_read(Path(path)) for path in options.proof]
        report = verify_export(Path(options.export), read_key(options.key), since=since, proofs=proofs)
    except InputError as error:
        sys.stderr.write(f"{error.text()}\n")
        return 2
    sys.stdout.write(json.dumps(report.as_json()) + "\n" if options.json else _text(report, bool(since)))
    return 0 if report.ok else 1


def read_key(text: str) -> PublicKey:
    """Returns the public key in `text`, or in the file it names."""
    path = Path(text)
    return PublicKey.parse(_read(path) if path.is_file() else text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="remit.audit.verify", description="Verifies an exported log.")
    parser.add_argument("export", metavar="EXPORT", help="the exported folder or zip file")
    parser.add_argument("--key", required=True, help="the log's public key, or a file that holds it")
    parser.add_argument(
        "--since", action="append", default=[], metavar="FILE", help="an older checkpoint you kept; may be repeated"
    )
    parser.add_argument(
        "--proof", action="append", default=[], metavar="FILE", help="a proof of one entry; may be repeated"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    return parser


def _text(report: Report, has_older: bool) -> str:
    lines = [f"{report.origin}: {report.size} entries, root {report.as_json()['root']}"]
    lines += [f"  wrong: {problem}" for problem in report.problems]
    if report.ok:
        lines.append("Every entry is in its place and under the signed checkpoint.")
        if not has_older:
            lines.append("Whether newer entries were cut off, only a checkpoint you kept can tell (--since).")
    return "\n".join(lines) + "\n"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("Cannot read", which=str(path), why=str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
