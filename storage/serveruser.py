"""The system user that runs the embedded server when Stepwell runs as root.

PostgreSQL refuses to run as root. The server then runs as a user without rights
of its own, and two things must be within that user's reach without opening anything
of root's to others:

* The data folder may lie under a folder closed to others (a home of mode 0700). It
  stays there: the server gets it as an open descriptor and addresses it as
  `/proc/self/fd/N`, for which no folder above has to be crossed.
* The programs may lie there too (a virtual environment in such a home). They contain
  nothing secret, so a copy goes to /var/lib/stepwell when the user cannot run them.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

from storage.binaries import Binaries
from storage.errors import EmbeddedServerError

OVERRIDE: Final = "STEPWELL_POSTGRES_USER"
ACCOUNT: Final = "stepwell"
FALLBACKS: Final = ("postgres", "nobody")
COPIES: Final = Path("/var/lib/stepwell")


class ProcessUser(TypedDict, total=False):
    """The arguments of `subprocess` that decide who runs a program."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerUser:
    """Who runs the server in root's stead."""

    uid: int
    gid: int

    @property
    def name(self) -> str:
        """The account's name, for messages."""
        return account_name(self.uid)

    def process_arguments(self) -> ProcessUser:
        """Return what makes `subprocess` run a program as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def choose_server_user(cluster: Path) -> ServerUser | None:
    """Return who must run the server of `cluster`; None for ourselves."""
    owner = cluster.stat() if cluster.exists() else None
    if os.geteuid() != 0:
        _refuse_foreign(cluster, owner)
        return None
    if owner is not None and owner.st_uid != 0:
        return ServerUser(uid=owner.st_uid, gid=owner.st_gid)
    return _unprivileged_account()


def reachable_binaries(binaries: Binaries, user: ServerUser) -> Binaries:
    """Return the binaries, copied to a public place if `user` cannot run them."""
    if _can_run(binaries, user):
        return binaries
    copied = _copy_programs(binaries)
    if _can_run(copied, user):
        return copied
    message = (
        f"the user {user.name} can run PostgreSQL neither from {binaries.folder} nor "
        f"from {copied.folder}; choose another user with {OVERRIDE}, run Stepwell as "
        "a normal user, or set STEPWELL_DATABASE_URL"
    )
    raise EmbeddedServerError(message)


def account_name(uid: int) -> str:
    """Return the name of a user id, or the id itself where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _refuse_foreign(cluster: Path, owner: os.stat_result | None) -> None:
    """Refuse a data folder that another user's server owns."""
    if owner is not None and owner.st_uid != os.geteuid():
        message = (
            f"{cluster} belongs to the user {account_name(owner.st_uid)}: run as that "
            "user or as root, or choose another folder with --data"
        )
        raise EmbeddedServerError(message)


def _unprivileged_account() -> ServerUser:
    """Return the account for new data folders; create it where that is possible."""
    override = os.environ.get(OVERRIDE)
    for name in (override,) if override else (ACCOUNT, *FALLBACKS):
        user = _lookup(name) or (_create_account() if name == ACCOUNT else None)
        if user and user.uid != 0:
            return user
    message = (
        "PostgreSQL refuses to run as root, and there is no user to run it: create "
        f"one and name it in {OVERRIDE}, or run Stepwell as a normal user"
    )
    raise EmbeddedServerError(message)


def _lookup(name: str) -> ServerUser | None:
    """Return the account of that name if there is one."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return ServerUser(uid=entry.pw_uid, gid=entry.pw_gid)


def _create_account() -> ServerUser | None:
    """Create the system account; None where the machine does not let us."""
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is None:
        return None
    command = [useradd, "--system", "--user-group", "--no-create-home"]
    command += ["--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", ACCOUNT]
    # Another start may hold the lock of /etc/passwd, or have just created it.
    for _ in range(5):
        subprocess.run(command, capture_output=True, check=False)  # noqa: S603
        user = _lookup(ACCOUNT)
        if user:
            return user
        threading.Event().wait(0.2)
    return None


def _can_run(binaries: Binaries, user: ServerUser) -> bool:
    """Tell whether `user` reaches the programs and what they load."""
    try:
        for name in ("postgres", "initdb"):
            subprocess.run(  # noqa: S603 - a program found in a known place
                [binaries.program(name), "--version"],
                capture_output=True,
                check=True,
                cwd="/",
                **user.process_arguments(),
            )
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _copy_programs(binaries: Binaries) -> Binaries:
    """Copy a server's programs, libraries and data files below `COPIES`, once."""
    prefix = binaries.folder.parent
    package = prefix.parent
    target = COPIES / _copy_name(binaries)
    folder = target / package.name / prefix.name / binaries.folder.name
    if not folder.exists():
        unfinished = target.with_name(f"{target.name}.{os.getpid()}")
        for part in (binaries.folder.name, "lib", "share"):
            _copy_tree(prefix / part, unfinished / package.name / prefix.name / part)
        # Wheels keep the shared libraries of others beside their package.
        libraries = package.with_name(f"{package.name}.libs")
        _copy_tree(libraries, unfinished / libraries.name)
        _publish(unfinished, target)
    return Binaries(folder=folder, version=binaries.version)


def _copy_name(binaries: Binaries) -> str:
    """Name a copy after the version and the place it was made from."""
    facts = os.stat(binaries.program("postgres"))
    source = f"{binaries.folder}:{facts.st_size}:{facts.st_mtime_ns}"
    digest = hashlib.sha256(source.encode()).hexdigest()[:12]
    return f"postgresql-{binaries.version}-{digest}"


def _copy_tree(source: Path, target: Path) -> None:
    """Copy a folder that may be absent."""
    if source.exists():
        shutil.copytree(source, target, symlinks=True)


def _publish(unfinished: Path, target: Path) -> None:
    """Let everybody read a finished copy, and give it its name."""
    COPIES.chmod(0o755)
    for folder, _, names in os.walk(unfinished):
        Path(folder).chmod(0o755)
        for path in (Path(folder, name) for name in names):
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    try:
        unfinished.rename(target)
    except OSError:
        # Another start was quicker; its copy is the same.
        shutil.rmtree(unfinished)
