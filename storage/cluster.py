"""A PostgreSQL data folder: its files, how it is made, launched and told to stop.

    <data>/                 mode 0700
        lock                held alone by whoever starts or stops the server
        users               shared by every process that uses the server
        alive               inherited, locked, by every process of the server (or initdb)
        password            of the one superuser, made at random
        postgres.log
        postgresql/         PostgreSQL's own folder, with the server's socket

The server listens on a Unix socket inside its own folder, which nobody but its owner
may enter, and asks for the password even there. It has no TCP port.
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from storage.errors import EmbeddedServerError
from storage.filelock import FileLock, is_locked
from storage.serverprocess import (
    give,
    run_initdb,
    spawn_server,
    usable_binaries,
    write_private,
)
from storage.serveruser import ServerUser, choose_server_user
from storage.tuning import machine_memory, render_settings, tuned_settings

DATABASE: Final = "stepwell"
SETTINGS_FILE: Final = "stepwell.conf"
LARGEST_LOG: Final = 16 * 1024 * 1024
STALE_FILES: Final = ("postmaster.pid", ".s.PGSQL.5432", ".s.PGSQL.5432.lock")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The files of one embedded server."""

    data: Path

    @property
    def folder(self) -> Path:
        """PostgreSQL's own folder."""
        return self.data / "postgresql"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.data / "postgres.log"

    @property
    def exists(self) -> bool:
        """Whether the folder has been initialised to its end."""
        return (self.folder / "PG_VERSION").exists()

    @property
    def major(self) -> int | None:
        """The version that made the folder; None before it is made."""
        if not self.exists:
            return None
        return int((self.folder / "PG_VERSION").read_text())

    @property
    def password(self) -> str:
        """The superuser's password."""
        return (self.data / "password").read_text()

    def prepare(self) -> None:
        """Create the data folder, closed to others and invisible to git."""
        try:
            self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            ignore = self.data / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n")
        except OSError as error:
            message = (
                f"the data folder {self.data} cannot be made: {error.strerror}:"
                " name another with --data DIR"
            )
            raise EmbeddedServerError(message) from error

    def is_alive(self) -> bool:
        """Tell whether any process of the server still runs.

        The lock says so wherever it is inherited; on network file systems it is not,
        and there the process that PostgreSQL's own pid file names has to be ours.
        """
        return is_locked(self.data / "alive") or self.postmaster() is not None

    def postmaster(self) -> int | None:
        """Return the id of the server's first process, if it lives and is ours.

        A zombie has no working directory, and an id that was given to another process
        since belongs to one that works elsewhere.
        """
        pid = self._recorded_pid()
        if pid is None:
            return None
        return pid if works_in(pid, self.folder) else None

    def create(self) -> None:
        """Initialise the folder; beside its final name, so that it is never half."""
        unfinished = self.folder.with_name("postgresql.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        user = choose_server_user(unfinished)
        give(unfinished, user)
        password = secrets.token_hex(16)
        write_private(self.data / "password", password)
        binaries = usable_binaries(None, user)
        with self._lock_to_inherit() as descriptor:
            run_initdb(binaries, unfinished, user, password, inherited=descriptor)
        with (unfinished / "postgresql.conf").open("a") as configuration:
            configuration.write(f"\ninclude = '{SETTINGS_FILE}'\n")
        unfinished.rename(self.folder)
        _make_durable(self.data)

    def launch(self, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start the server's first process and return without waiting for it."""
        user = choose_server_user(self.folder)
        binaries = usable_binaries(self.major, user)
        self._remove_stale_files()
        self._write_settings(settings, user)
        _rotate(self.log)
        with self._lock_to_inherit() as descriptor:
            return spawn_server(
                binaries, self.folder, user, log=self.log, inherited=descriptor
            )

    def shut_down(self, how: signal.Signals) -> None:
        """Tell the server to stop: SIGINT in order, SIGQUIT at once."""
        pid = self.postmaster()
        if pid is not None:
            os.kill(pid, how)

    def last_words(self, length: int = 1500) -> str:
        """Return the end of the server's log."""
        if not self.log.exists():
            return "(the server wrote no log)"
        return self.log.read_text(errors="replace")[-length:].strip()

    @contextlib.contextmanager
    def _lock_to_inherit(self) -> Iterator[int]:
        """Yield the held lock that says, in a process that inherits it, who lives."""
        alive = FileLock(self.data / "alive")
        alive.acquire()
        try:
            yield alive.descriptor
        finally:
            alive.release()

    def _recorded_pid(self) -> int | None:
        """Return the process that PostgreSQL's pid file names."""
        try:
            first = (self.folder / "postmaster.pid").read_text().split("\n", 1)[0]
            return int(first)
        except (FileNotFoundError, ValueError):
            return None

    def _remove_stale_files(self) -> None:
        """Remove what a killed server left; call only when nothing of it lives.

        PostgreSQL would otherwise believe the recorded process id, which by now may be
        a zombie or, in a restarted container, another program.
        """
        for name in STALE_FILES:
            (self.folder / name).unlink(missing_ok=True)

    def _write_settings(
        self, settings: Mapping[str, str], user: ServerUser | None
    ) -> None:
        """Write the settings that PostgreSQL's configuration includes."""
        path = self.folder / SETTINGS_FILE
        write_private(
            path, render_settings(tuned_settings(machine_memory()) | dict(settings))
        )
        give(path, user)


def works_in(pid: int, folder: Path) -> bool:
    """Tell whether the process `pid` lives and has `folder` as working directory."""
    if not Path("/proc/self/cwd").exists():
        return _is_postgres(pid)
    try:
        return os.path.samefile(f"/proc/{pid}/cwd", folder)
    except OSError:
        return False


def _make_durable(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _rotate(log: Path) -> None:
    """Keep one older log once the log has grown large."""
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_name(f"{log.name}.1"))


def _is_postgres(pid: int) -> bool:
    """Tell whether a process is a living postgres, where there is no /proc."""
    answer = subprocess.run(  # noqa: S603 - a number is all that is passed
        ["/bin/ps", "-o", "stat=,comm=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    state, _, command = answer.stdout.strip().partition(" ")
    return "postgres" in command and not state.startswith("Z")
