"""Open a SQL prompt on the database, or run one query and print its rows.

docs/sql.md describes the views (executions, execution_history, task_attempts, open_waits,
approvals_pending, map_run_progress) and shows twelve queries over them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

from cli.database import Database, add_database_options, open_existing_database
from cli.errors import CommandError

if TYPE_CHECKING:
    import psycopg

EMBEDDED: Final = "It answers while `stepwell dev` or `serve` runs on this data folder."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument("-c", "--command", metavar="SQL", help="run this and print it")
    how.add_argument(
        "--print",
        action="store_true",
        help="print the database's URL, for a tool of your own; it holds the password",
    )
    add_database_options(parser)


def run(options: argparse.Namespace) -> int:
    """Open the prompt, run the query, or print the URL."""
    from cli.logs import configure_logs

    configure_logs("warning")
    with open_existing_database(options) as database:
        if options.print:
            print(database.url)
            if database.embedded is not None:
                print(EMBEDDED, file=sys.stderr)
            return 0
        if options.command is not None:
            _query(database, options.command)
            return 0
        return _prompt(database)


def _query(database: Database, statement: str) -> None:
    import psycopg

    from storage.database import connect

    with connect(database.url, autocommit=True) as connection:
        try:
            cursor = connection.execute(statement.encode())
        except psycopg.Error as error:
            raise CommandError(str(error).strip()) from None
        _print_result(cursor)
        while cursor.nextset():
            _print_result(cursor)


def _print_result(cursor: psycopg.Cursor[Any]) -> None:
    from cli.tables import print_table

    if not cursor.description:  # None, or a row without columns
        print(cursor.statusmessage or "done")
        return
    rows = cursor.fetchall()
    print_table([column.name for column in cursor.description], rows)
    print(f"({len(rows)} rows)" if len(rows) != 1 else "(1 row)")


def _prompt(database: Database) -> int:
    """Run psql, which finds the password in its environment and not on its command line."""
    from psycopg.conninfo import conninfo_to_dict

    program = _psql()
    if program is None:
        print(database.url)
        raise CommandError(
            "psql is not installed; the line above is the database's URL"
        )
    password = conninfo_to_dict(database.url).get("password")
    environment = dict(os.environ)
    if password is not None:
        environment["PGPASSWORD"] = str(password)
    address = _without_password(database.url)
    return subprocess.run([program, address], env=environment, check=False).returncode


def _without_password(url: str) -> str:
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    facts = {k: str(v) for k, v in conninfo_to_dict(url).items() if k != "password"}
    return make_conninfo("", **facts)


def _psql() -> str | None:
    """Find psql: the system's, else the embedded server's."""
    import shutil

    from storage.binaries import embedded_binaries

    found = shutil.which("psql")
    if found is not None:
        return found
    binaries = embedded_binaries()
    if binaries is None:
        return None
    program = binaries.program("psql")
    return program if os.access(program, os.X_OK) else None
