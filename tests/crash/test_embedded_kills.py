"""The embedded server under SIGKILL at random moments of anybody's life.

Several processes start it, write, and stop it; they and the server are killed in
between. What was committed must be there at the end, once, whoever launched what.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Final

import pytest

from storage.database import connect
from storage.embedded import EmbeddedServer

pytestmark = pytest.mark.crash

ROUNDS: Final = 40
USERS: Final = 3

# Uses the server again and again; prints each number once its commit was acknowledged.
USER: Final = r"""
import os
import sys
from pathlib import Path
import psycopg
from storage.embedded import EmbeddedServer

number = int(sys.argv[2])
while True:
    with EmbeddedServer(Path(sys.argv[1])) as server:
        for _ in range(20):
            try:
                with psycopg.connect(server.url) as connection:
                    connection.execute("INSERT INTO numbers VALUES (%s)", [number])
            except psycopg.OperationalError:
                break
            os.write(1, b"%d\n" % number)
            number += 1
"""


class Crowd:
    """Processes that use one data folder, and the numbers they saw committed."""

    def __init__(self, data: Path, log: Path) -> None:
        self._data = data
        self._log = log
        self._started = 0
        self._users: list[subprocess.Popen[bytes]] = []

    def fill(self) -> None:
        """Start as many users as are missing."""
        while len(self._users) < USERS:
            self._started += 1
            command = [sys.executable, "-c", USER, str(self._data)]
            command.append(str(self._started * 1_000_000))
            with self._log.open("ab") as output:
                self._users.append(subprocess.Popen(command, stdout=output))

    def kill_one(self, chance: random.Random) -> None:
        """Kill one user."""
        user = self._users.pop(chance.randrange(len(self._users)))
        assert user.poll() is None, "a user ended by itself"
        user.kill()
        user.wait()

    def kill_all(self) -> None:
        """Kill every user."""
        while self._users:
            self.kill_one(random.Random(0))

    def acknowledged(self) -> set[int]:
        """Return the numbers whose commit was acknowledged."""
        words = self._log.read_text().split()
        return {int(word) for word in words if word.isdigit() and int(word) > 999_999}


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    seed = int(
        os.environ.get("STEPWELL_CRASH_SEED", random.SystemRandom().randrange(10**6))
    )
    sys.stdout.write(f"STEPWELL_CRASH_SEED={seed}\n")
    chance = random.Random(seed)
    data = tmp_path / "data"
    with EmbeddedServer(data) as server, connect(server.url) as connection:
        connection.execute("CREATE TABLE numbers (number bigint PRIMARY KEY)")
    crowd = Crowd(data, tmp_path / "log")

    for _ in range(ROUNDS):
        crowd.fill()
        threading.Event().wait(chance.uniform(0.0, 0.6))
        if chance.random() < 0.5:
            kill_server(server)
        else:
            crowd.kill_one(chance)
    crowd.kill_all()

    assert crowd.acknowledged()
    assert crowd.acknowledged() - stored(server) == set()
    assert server.postmaster() is None


def kill_server(server: EmbeddedServer) -> None:
    postmaster = server.postmaster()
    if postmaster is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(postmaster, signal.SIGKILL)


def stored(server: EmbeddedServer) -> set[int]:
    with server, connect(server.url) as connection:
        return {row[0] for row in connection.execute("SELECT number FROM numbers")}
