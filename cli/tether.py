"""Runs a program that ends with its parent: `python tether.py PARENT PROGRAM ARGUMENT...`.

Whoever starts children may be killed without a chance to end them. The kernel then sends
them SIGTERM, if they have asked for it; this asks, and becomes the program. Elsewhere than
on Linux it only becomes the program.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Bind this process to its parent and replace it by the program."""
    parent, program, *arguments = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != int(parent):
            sys.exit(143)
    os.execv(program, [program, *arguments])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
