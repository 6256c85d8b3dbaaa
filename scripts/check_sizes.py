"""Fails when a file passes 400 lines or a function 50: the house keeps its rooms small."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

FILE_LIMIT = 400
FUNCTION_LIMIT = 50
ROOTS = ("src", "tests", "benchmarks", "scripts")


def oversized(path: Path) -> Iterator[str]:
    """Yields one line for each thing in `path` that is too long."""
    text = path.read_text(encoding="utf-8")
    length = len(text.splitlines())
    if length > FILE_LIMIT:
        yield f"{path}: {length} lines, limit {FILE_LIMIT}: which room is missing?"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LIMIT:
                yield f"{path}:{node.lineno}: {node.name} has {lines} lines, limit {FUNCTION_LIMIT}"


def main() -> int:
    """Prints every finding; 1 when there is one."""
    findings = [line for root in ROOTS for path in sorted(Path(root).rglob("*.py")) for line in oversized(path)]
    print("\n".join(findings) or "sizes: every file and function is within its limit")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
