"""The embedded server: started once, adopted, revived, stopped by its last user."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from storage.database import connect
from storage.embedded import EmbeddedServer
from storage.errors import EmbeddedServerError, VersionMismatchError

# A process that uses the server until its standard input is closed.
USER = """
import sys
from pathlib import Path
from storage.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]))
server.start()
print(server.postmaster(), flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder in which a server has run; to be copied."""
    folder = tmp_path_factory.mktemp("made") / "data"
    with EmbeddedServer(folder):
        pass
    return folder


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Iterator[Path]:
    """Return a data folder of a server that does not run; whatever does later is stopped."""
    folder = tmp_path / "data"
    subprocess.run(["cp", "-a", made, folder], check=True)
    yield folder
    EmbeddedServer(folder).stop()


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Path]:
    """Return where a data folder is to be made; whatever runs there later is stopped."""
    folder = tmp_path / "new"
    yield folder
    EmbeddedServer(folder).stop()


@contextlib.contextmanager
def other_user(data: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Yield another process that uses the server, and the server's process id."""
    with subprocess.Popen(
        [sys.executable, "-c", USER, str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = next(text for text in process.stdout if text.strip().isdigit())
        try:
            yield process, int(line)
        finally:
            process.kill()


def ask(url: str, query: str) -> object:
    with connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def kill_server(server: EmbeddedServer) -> int:
    """Kill the server's first process; return its id once it is dead."""
    postmaster = server.postmaster()
    assert postmaster is not None
    os.kill(postmaster, signal.SIGKILL)
    while server.postmaster() == postmaster:
        threading.Event().wait(0.01)
    return postmaster


def test_a_new_server_is_safe_and_speaks_utf8(new: Path) -> None:
    with EmbeddedServer(new) as server:
        names = ("fsync", "full_page_writes", "synchronous_commit", "data_checksums")
        safe = [ask(server.url, f"SHOW {name}") for name in names]
        encoding = ask(server.url, "SHOW server_encoding")
        addresses = ask(server.url, "SHOW listen_addresses")

    assert safe == ["on", "on", "on", "on"]
    assert encoding == "UTF8"
    assert addresses == ""


def test_the_last_user_stops_the_server(data: Path) -> None:
    first, second = EmbeddedServer(data), EmbeddedServer(data)
    first.start()
    second.start()

    assert not first.stop()
    assert ask(second.url, "SELECT 1") == 1
    assert second.stop()
    assert second.postmaster() is None


def test_data_survives_a_stop(data: Path) -> None:
    with EmbeddedServer(data) as server, connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")

    with EmbeddedServer(data) as server:
        assert ask(server.url, "SELECT number FROM kept") == 7


def test_a_server_outlives_its_killed_parent_and_is_adopted(data: Path) -> None:
    with other_user(data) as (process, postmaster):
        process.kill()
        process.wait()

    with EmbeddedServer(data) as server:
        assert server.postmaster() == postmaster
        assert ask(server.url, "SELECT 1") == 1
    assert server.postmaster() is None


def test_a_server_in_use_elsewhere_is_left_running(data: Path) -> None:
    with other_user(data) as (_, postmaster):
        server = EmbeddedServer(data)
        server.start()

        assert not server.stop()
        assert server.postmaster() == postmaster


def test_a_killed_server_is_revived_with_its_data(data: Path) -> None:
    with EmbeddedServer(data) as server:
        with connect(server.url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        killed = kill_server(server)

        server.start()

        assert server.postmaster() not in (None, killed)
        assert ask(server.url, "SELECT number FROM kept") == 7


def test_a_zombie_is_not_taken_for_a_server(data: Path) -> None:
    with other_user(data) as (_, postmaster):
        # Its parent lives and does not wait for it.
        kill_server(EmbeddedServer(data))

        with EmbeddedServer(data) as server:
            assert server.postmaster() not in (None, postmaster)


def test_a_reused_process_id_is_not_taken_for_a_server(data: Path) -> None:
    stale = f"{os.getppid()}\n{data}/postgresql\n0\n5432\n.\n\n0 0\nready\n"
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        (data / "postgresql" / name).write_text(stale)

    with EmbeddedServer(data) as server:
        assert ask(server.url, "SELECT 1") == 1


def test_two_first_users_make_one_server(new: Path) -> None:
    servers = [EmbeddedServer(new), EmbeddedServer(new)]

    with ThreadPoolExecutor(2) as pool:
        urls = list(pool.map(EmbeddedServer.start, servers))

    assert urls[0] == urls[1]
    assert [server.stop() for server in servers] == [False, True]


def test_a_start_killed_half_way_is_begun_again(new: Path) -> None:
    unfinished = new / "postgresql.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")

    with EmbeddedServer(new) as server:
        assert ask(server.url, "SELECT 1") == 1


def test_data_of_another_version_is_explained(data: Path) -> None:
    (data / "postgresql" / "PG_VERSION").write_text("11\n")

    with pytest.raises(VersionMismatchError, match="created by PostgreSQL 11"):
        EmbeddedServer(data).start()


def test_a_server_that_cannot_start_says_why(data: Path) -> None:
    broken = EmbeddedServer(data, settings={"shared_buffers": "plenty"})

    with pytest.raises(EmbeddedServerError, match='"shared_buffers": "plenty"'):
        broken.start()


@pytest.mark.parametrize("name", ["long" * 30, "a,comma", "a space and 100%"])
def test_any_path_will_do(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    with EmbeddedServer(tmp_path / name) as server:
        assert ask(server.url, "SELECT current_database()") == "stepwell"


def test_the_environment_does_not_reach_the_server(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGDATA", "/nonexistent")
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGUSER", "nobody")
    monkeypatch.setenv("LC_ALL", "xx_YY")
    monkeypatch.setenv("TZ", "Asia/Tokyo")

    with EmbeddedServer(data) as server:
        assert ask(server.url, "SHOW timezone") == "UTC"
