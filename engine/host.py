"""Which machine this is, exactly enough to ask whether a process of it is alive."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def host_name() -> str:
    """Name the machine, its present boot and the process namespace."""
    return ":".join((socket.gethostname(), _boot(), _namespace()))


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return "-"


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return "-"


def is_alive(pid: int) -> bool:
    """Tell whether a process exists; a zombie does not count as alive."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[:1] != ["Z"]
