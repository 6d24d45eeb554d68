"""Advisory locks on files.

A lock belongs to the open file, not to the process: it goes when the last holder of
the descriptor is gone, whatever killed it, and a child that inherits the descriptor
keeps it. That makes it the one sign of life that no reused process id can fake.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class FileLock:
    """One open handle on a lock file; unlocked until `share` or `acquire`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Wait until nobody else holds the lock, then hold it alone."""
        fcntl.flock(self._open(), fcntl.LOCK_EX)

    def share(self) -> None:
        """Wait until nobody holds the lock alone, then hold it with others."""
        fcntl.flock(self._open(), fcntl.LOCK_SH)

    def try_acquire(self) -> bool:
        """Hold the lock alone if that is possible at once."""
        try:
            fcntl.flock(self._open(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Close this handle; a child that inherited it keeps the lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @property
    def descriptor(self) -> int:
        """The open file, to hand to a child process."""
        return self._open()

    def _open(self) -> int:
        if self._descriptor is None:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        return self._descriptor


@contextlib.contextmanager
def exclusively(path: Path) -> Iterator[None]:
    """Hold the lock at `path` alone for the length of a block."""
    lock = FileLock(path)
    lock.acquire()
    try:
        yield
    finally:
        lock.release()


def is_locked(path: Path) -> bool:
    """Tell whether anybody holds the lock at `path`, without keeping it."""
    lock = FileLock(path)
    try:
        return not lock.try_acquire()
    finally:
        lock.release()
