"""Running PostgreSQL's programs: as the right user, and with nothing of ours leaking in."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from storage.binaries import Binaries, choose_binaries
from storage.errors import EmbeddedServerError
from storage.serveruser import ServerUser, reachable_binaries

SUPERUSER: Final = "stepwell"
_SETS_ITERATIONS: Final = 16  # the first version that lets iterations be chosen
SOCKET_SETTINGS: Final = (
    "listen_addresses=",
    "port=5432",  # only a part of the socket's name
    "unix_socket_directories=.",  # relative to the folder: no limit on its length
    "unix_socket_permissions=0700",
)


def usable_binaries(major: int | None, user: ServerUser | None) -> Binaries:
    """Return the programs for a folder of version `major`, in reach of `user`."""
    binaries = choose_binaries(major)
    return reachable_binaries(binaries, user) if user else binaries


def run_initdb(
    binaries: Binaries,
    folder: Path,
    user: ServerUser | None,
    password: str,
    *,
    inherited: int,
) -> None:
    """Initialise a folder: UTF-8 in the C locale, checksums, no trust for anybody.

    The password is 128 bits of chance, which no one guesses: to hash it thousands of times
    would protect nothing, and cost every connection more than all the rest of it.
    """
    with _granted(folder, user) as (argument, descriptors):
        reading = _pipe_with(f"{password}\n", user)
        command = [binaries.program("initdb"), "-D", argument, "-U", SUPERUSER]
        command += ["--encoding=UTF8", "--locale=C", "--data-checksums"]
        command += ["--auth=scram-sha-256", f"--pwfile=/dev/fd/{reading}"]
        if binaries.major >= _SETS_ITERATIONS:
            command += ["-c", "scram_iterations=1"]
        try:
            done = subprocess.run(  # noqa: S603 - a program found in a known place
                command,
                capture_output=True,
                text=True,
                check=False,
                cwd="/",
                env=clean_environment(),
                pass_fds=[*descriptors, reading, inherited],
                umask=0o077,
                **(user.process_arguments() if user else {}),
            )
        finally:
            os.close(reading)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-1500:]
        message = f"initdb could not create {folder}: {said}"
        raise EmbeddedServerError(message)


def spawn_server(
    binaries: Binaries,
    folder: Path,
    user: ServerUser | None,
    *,
    log: Path,
    inherited: int,
) -> subprocess.Popen[bytes]:
    """Run the server in a session of its own, away from the terminal's signals."""
    with _granted(folder, user) as (argument, descriptors), log.open("ab") as output:
        command = [binaries.program("postgres"), "-D", argument]
        for setting in SOCKET_SETTINGS:
            command += ["-c", setting]
        return subprocess.Popen(  # noqa: S603 - a program found in a known place
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=clean_environment(),
            pass_fds=[*descriptors, inherited],
            start_new_session=True,
            umask=0o077,
            **(user.process_arguments() if user else {}),
        )


def clean_environment() -> dict[str, str]:
    """Return an environment without a PG variable or a locale of the user's."""
    kept = ("PATH", "LD_LIBRARY_PATH", "TMPDIR")
    inherited = {name: os.environ[name] for name in kept if name in os.environ}
    return {**inherited, "LC_ALL": "C"}


def give(path: Path, user: ServerUser | None) -> None:
    """Make `user` the owner of a file of the server."""
    if user:
        os.chown(path, user.uid, user.gid)


def write_private(path: Path, text: str) -> None:
    """Replace a file by one that only its owner may read."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


@contextmanager
def _granted(folder: Path, user: ServerUser | None) -> Iterator[tuple[str, list[int]]]:
    """Yield how the server's user addresses `folder`, and what it must inherit."""
    if user is None:
        yield str(folder), []
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}", [descriptor]
    finally:
        os.close(descriptor)


def _pipe_with(text: str, user: ServerUser | None) -> int:
    """Return the reading end of a pipe that holds `text` and that `user` may open."""
    reading, writing = os.pipe()
    if user:
        os.fchown(reading, user.uid, user.gid)
    os.write(writing, text.encode())
    os.close(writing)
    return reading
