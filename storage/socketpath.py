"""A short way to the server's socket.

The path of a Unix socket may have about a hundred bytes. The server is not affected, as
it opens its socket relative to its own folder, but clients name the folder. Where its
path is too long for them, a symbolic link in a private folder of the user leads to it.
"""

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from storage.errors import EmbeddedServerError

SOCKET_NAME: Final = ".s.PGSQL.5432"
LONGEST_PATH: Final = 100


def client_folder(folder: Path) -> Path:
    """Return `folder`, or a link to it that is short enough for a socket's path."""
    if is_usable(folder):
        return folder
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    for private in _private_folders():
        if is_usable(private / name) and _is_private(private):
            _link(private / name, folder)
            return private / name
    message = (
        f"the path {folder} is too long for a socket, and no private folder for a "
        "shorter one was found: choose a shorter data folder with --data"
    )
    raise EmbeddedServerError(message)


def is_usable(folder: Path) -> bool:
    """Tell whether libpq can address a socket in `folder` (it splits at commas)."""
    path = os.fsencode(folder / SOCKET_NAME)
    return len(path) <= LONGEST_PATH and b"," not in path


def _private_folders() -> Iterator[Path]:
    """Yield places of this user alone, the lasting ones first."""
    yield Path(os.path.expanduser("~")) / ".cache" / "stepwell"
    if os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(os.environ["XDG_RUNTIME_DIR"]) / "stepwell"
    yield Path(tempfile.gettempdir()) / f"stepwell-{os.geteuid()}"


def _is_private(folder: Path) -> bool:
    """Create a folder if needed, and tell whether nobody else can write there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = folder.lstat()
    except OSError:
        return False
    others_write = facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    ours = facts.st_uid == os.geteuid()
    return stat.S_ISDIR(facts.st_mode) and ours and not others_write


def _link(link: Path, folder: Path) -> None:
    """Make `link` lead to `folder`, in one step."""
    if link.is_symlink() and Path(os.readlink(link)) == folder:
        return
    unfinished = link.with_name(f"{link.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    unfinished.symlink_to(folder)
    unfinished.replace(link)
