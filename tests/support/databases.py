"""Databases for tests: one migrated template per session, one clone per process.

Rows are deleted between tests, which takes milliseconds; what the migration itself
inserted is put back. A clone per test is for tests that need a schema of their own.
"""

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from storage.database import connect
from storage.filelock import exclusively
from storage.migrate import migrate

TABLES = """
    SELECT quote_ident(relname) FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace
      AND relkind IN ('r', 'p') AND NOT relispartition
    ORDER BY relname
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseServer:
    """A server that test databases may be made on, and a folder all processes share."""

    url: str
    folder: Path

    def template(self) -> str:
        """Return the name of the migrated template; the first caller makes it."""
        marker = self.folder / "template"
        with exclusively(self.folder / "template.lock"):
            if not marker.exists():
                name = _new_name()
                self.create(name)
                migrate(self.address(name))
                marker.write_text(name)
            return marker.read_text()

    def drop_template(self) -> None:
        """Remove the template from a server that outlives the session."""
        marker = self.folder / "template"
        if marker.exists():
            self.drop(marker.read_text())

    def create(self, name: str, template: str = "template0") -> None:
        """Create a database: its files are copied, which is less work than to log them."""
        with connect(self.url, autocommit=True) as connection:
            can_choose = connection.info.server_version >= 150000
            how = " STRATEGY FILE_COPY" if can_choose else ""
            identifiers = sql.Identifier(name), sql.Identifier(template)
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}" + how).format(*identifiers)
            )

    def drop(self, name: str) -> None:
        """Drop a database, and whoever is connected to it."""
        with connect(self.url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(
                    sql.Identifier(name)
                )
            )

    def address(self, name: str) -> str:
        """Return the URL of another database of this server."""
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    @contextlib.contextmanager
    def clone(self) -> Iterator[str]:
        """Yield the URL of a migrated database that lives as long as the block."""
        template = self.template()
        with self._temporary(template) as url:
            yield url

    @contextlib.contextmanager
    def empty(self) -> Iterator[str]:
        """Yield the URL of a database without a table, for as long as the block."""
        with self._temporary("template0") as url:
            yield url

    @contextlib.contextmanager
    def _temporary(self, template: str) -> Iterator[str]:
        name = _new_name()
        self.create(name, template)
        try:
            yield self.address(name)
        finally:
            self.drop(name)


class CleanableDatabase:
    """A migrated database whose rows can be put back to what the migration left."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection = connect(url, autocommit=True)
        self._tables = [row[0] for row in self._connection.execute(TABLES)]
        self._seeds = dict(_seeds(self._connection, self._tables))

    def clean(self) -> None:
        """Delete every row, guarded or not, and restore the migration's own."""
        deletes = [f"DELETE FROM {table};" for table in self._tables]
        with self._connection.transaction():
            self._connection.execute("SET LOCAL lock_timeout = '10s'")
            # The guard of the event log is a trigger: a replica's session fires none.
            self._connection.execute("SET LOCAL session_replication_role = 'replica'")
            self._connection.execute("\n".join(deletes).encode())
            for table, rows in self._seeds.items():
                self._restore(table, rows)

    def close(self) -> None:
        """Close the connection that cleans."""
        self._connection.close()

    def _restore(self, table: str, rows: bytes) -> None:
        copy = f"COPY {table} FROM STDIN".encode()
        with self._connection.cursor() as cursor, cursor.copy(copy) as target:
            target.write(rows)


def _seeds(
    connection: psycopg.Connection, tables: list[str]
) -> Iterator[tuple[str, bytes]]:
    """Yield the tables that the migration filled, with their rows as COPY text."""
    for table in tables:
        copy = f"COPY {table} TO STDOUT".encode()
        with connection.cursor() as cursor, cursor.copy(copy) as source:
            rows = b"".join(bytes(block) for block in source)
        if rows:
            yield table, rows


def _new_name() -> str:
    return f"stepwell_test_{uuid.uuid4().hex[:12]}"
