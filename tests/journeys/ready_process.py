"""A process that has imported Remit and runs one command after another in forks of itself: an import takes a second.

With more than a socket's path it is the command that asks it, which needs nothing but the standard library: it hands over
its arguments, folder, variables and open files, and ends as the command did.
"""

import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence

LARGEST = 1_000_000


def ask(path: str, arguments: list[str]) -> int:
    """Has the command run there, and returns its exit code."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as there:
        there.connect(path)
        told = {"arguments": arguments, "cwd": os.getcwd(), "environment": dict(os.environ)}
        socket.send_fds(there, [json.dumps(told).encode()], [0, 1, 2])
        return int(there.recv(16) or b"1")


def serve(path: str) -> None:
    """Runs each command that comes, in a fork, until it is ended."""
    from remit.cli import main  # noqa: PLC0415  whoever only asks must not wait for it

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.bind(path)
        door.listen(16)
        while True:
            asked, _ = door.accept()
            if os.fork() == 0:
                os._exit(_run(main, asked))
            asked.close()


def _run(main: Callable[[Sequence[str]], None], asked: socket.socket) -> int:
    """Is the command, and tells its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    text, files, _, _ = socket.recv_fds(asked, LARGEST, 3)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    told = json.loads(text)
    os.chdir(told["cwd"])
    os.environ.clear()
    os.environ.update(told["environment"])
    sys.path[0] = told["cwd"]  # as with `python -m`
    sys.argv = ["remit", *told["arguments"]]
    code = 1
    try:
        main(told["arguments"])
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        asked.send(str(code).encode())
    return code


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[2] == "--":
        sys.exit(ask(sys.argv[1], sys.argv[3:]))
    serve(sys.argv[1])
