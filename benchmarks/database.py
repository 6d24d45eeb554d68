"""The database of a measurement: a fresh embedded server with fsync on."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from benchmarks.node import ARN
from storage.embedded import EmbeddedServer
from storage.migrate import migrate

_TABLES = "events", "execution_records", "timers", "tasks", "inbox"


@dataclass(frozen=True, slots=True)
class Database:
    """A migrated database and the process id of its server."""

    url: str
    postmaster: int

    def add_machine(self, definition: str) -> str:
        """Store a revision of the measured machine; return its id."""
        revision_id = str(uuid.uuid4())
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "INSERT INTO state_machine_revisions (revision_id, created_at, number,"
                " state_machine_arn, definition, role_arn)"
                " SELECT %s, now(), 1 + count(*), %s, %s, 'arn:aws:iam::123456789012:role/m'"
                " FROM state_machine_revisions",
                [revision_id, f"{ARN}:stateMachine:measured", definition],
            )
        return revision_id

    def wal_position(self) -> int:
        """Return how many bytes of WAL have been written."""
        return self._number("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")

    def stored_bytes(self) -> int:
        """Return the size of the hot tables with their indexes."""
        tables = " + ".join(f"pg_total_relation_size('{name}')" for name in _TABLES)
        return self._number(f"SELECT {tables}")

    def log_bytes(self) -> int:
        """Return the size of the log and its index."""
        return self._number("SELECT pg_total_relation_size('events')")

    def _number(self, query: str) -> int:
        with psycopg.connect(self.url) as connection:
            row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0])


@contextmanager
def fresh_database() -> Iterator[Database]:
    """Run a new server until the block ends."""
    with (
        tempfile.TemporaryDirectory(prefix="stepwell-bench-") as folder,
        EmbeddedServer(Path(folder) / "data") as server,
    ):
        migrate(server.url)
        with psycopg.connect(server.url) as connection:
            postmaster = psutil.Process(connection.info.backend_pid).ppid()
        yield Database(server.url, postmaster)
