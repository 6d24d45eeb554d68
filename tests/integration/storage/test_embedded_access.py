"""Who may reach the embedded server, and how it runs when Stepwell runs as root."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from storage import serveruser
from storage.binaries import OVERRIDE, choose_binaries
from storage.database import connect
from storage.embedded import EmbeddedServer
from storage.errors import EmbeddedServerError
from storage.serveruser import choose_server_user

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs to be root")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """Return a server below a folder that is closed to others, like a home."""
    home = tmp_path_factory.mktemp("home")
    home.chmod(0o700)
    with EmbeddedServer(home / "project" / ".stepwell") as server:
        yield server


def test_a_connection_needs_the_password(server: EmbeddedServer) -> None:
    wrong = server.url.replace("stepwell:", "stepwell:not-", 1)

    with pytest.raises(psycopg.OperationalError, match="password authentication"):
        connect(wrong)


def test_a_wrong_password_file_is_reported(server: EmbeddedServer) -> None:
    password = server.data / "password"
    right = password.read_text()
    password.write_text("wrong")

    with pytest.raises(EmbeddedServerError, match="password authentication"):
        EmbeddedServer(server.data).start()

    password.write_text(right)


def test_a_password_that_nobody_guesses_is_not_hashed_thousands_of_times(
    server: EmbeddedServer,
) -> None:
    with connect(server.url) as connection:
        chooses = connection.info.server_version >= 160000
        row = connection.execute("SELECT max(rolpassword) FROM pg_authid").fetchone()

    assert row is not None
    assert row[0].startswith(f"SCRAM-SHA-256${1 if chooses else 4096}:")


def test_nobody_is_trusted(server: EmbeddedServer) -> None:
    lines = (server.data / "postgresql" / "pg_hba.conf").read_text().splitlines()
    rules = [line.split() for line in lines if line and not line.startswith("#")]

    assert {rule[-1] for rule in rules} == {"scram-sha-256"}


def test_nothing_is_open_to_others(server: EmbeddedServer) -> None:
    closed = ["postgresql", "password", "postgresql/.s.PGSQL.5432"]
    modes = [(server.data / name).stat().st_mode & 0o077 for name in closed]

    assert modes == [0, 0, 0]
    assert server.data.stat().st_mode & 0o777 == 0o700
    assert server.data.parents[1].stat().st_mode & 0o777 == 0o700


@root_only
def test_the_server_of_root_runs_without_roots_rights(server: EmbeddedServer) -> None:
    status = Path(f"/proc/{server.postmaster()}/status").read_text()
    facts = dict(line.split(":", 1) for line in status.splitlines())

    assert "0" not in facts["Uid"].split()
    assert "0" not in facts["Gid"].split()
    assert facts["CapEff"].strip("0\t ") == ""
    assert "0" not in facts["Groups"].split()


@root_only
def test_another_user_cannot_connect(server: EmbeddedServer) -> None:
    program = (
        f"import socket; socket.socket(socket.AF_UNIX).connect({socket_of(server)!r})"
    )

    refused = subprocess.run(
        [shutil.which("python3", path="/usr/bin") or sys.executable, "-c", program],
        check=False,
        user="nobody",
        capture_output=True,
        text=True,
        cwd="/",
    )

    assert "Permission" in refused.stderr


@root_only
def test_programs_out_of_reach_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = choose_binaries(None).folder.parent
    hidden = tmp_path / "venv" / installed.parent.name
    shutil.copytree(installed.parent, hidden, symlinks=True)
    libraries = installed.parent.with_name(f"{installed.parent.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, hidden.with_name(libraries.name))
    (tmp_path / "venv").chmod(0o700)
    monkeypatch.setenv(OVERRIDE, str(hidden / installed.name / "bin"))

    with tempfile.TemporaryDirectory() as copies:
        monkeypatch.setattr(serveruser, "COPIES", Path(copies))
        with EmbeddedServer(tmp_path / "data") as server:
            program = os.readlink(f"/proc/{server.postmaster()}/exe")

        assert program.startswith(copies)
    assert (tmp_path / "venv").stat().st_mode & 0o777 == 0o700


@root_only
def test_an_existing_folder_keeps_its_owner(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 23456)

    user = choose_server_user(tmp_path)

    assert user is not None
    assert (user.uid, user.gid) == (12345, 23456)


def test_a_folder_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)

    with pytest.raises(EmbeddedServerError, match="belongs to the user"):
        choose_server_user(tmp_path)


def socket_of(server: EmbeddedServer) -> str:
    return str(server.data / "postgresql" / ".s.PGSQL.5432")
