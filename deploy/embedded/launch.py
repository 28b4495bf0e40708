"""Becomes a program that ends with the process that started it: `launch.py PARENT_PID NAME=VALUE... -- PROGRAM ARG...`.

Run by path in an isolated interpreter. Only Linux can end a child with its parent; elsewhere it only sets the
variables.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: str, *rest: str) -> None:
    """Set the variables, tie this process to its parent, and become the program."""
    split = rest.index("--")
    for pair in rest[:split]:
        name, _, value = pair.partition("=")
        os.environ[name] = value
    program = rest[split + 1 :]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(parent):
            sys.exit("the process that started this one is gone")
    # The interpreter ignores it and the program would inherit that.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execvp(program[0], program)  # noqa: S606 - no shell is meant
    except OSError as error:
        sys.exit(f"{program[0]} cannot be started: {error.strerror}")


if __name__ == "__main__":
    main(*sys.argv[1:])
