"""Say what is well and what is not: database, engines, workers, what waits, what is set aside.

Exits with 1 if something needs you. With --release an execution that was set aside goes on,
which helps once its reason is gone.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from cli.database import add_database_options, open_existing_database
from cli.errors import CommandError
from cli.names import execution_arn

if TYPE_CHECKING:
    from cli.examination import Connection

_MARKS: Final = {"well": "ok  ", "note": "note", "wrong": "FAIL"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument(
        "--release",
        metavar="ARN",
        help="let a quarantined execution go on (its ARN, or MACHINE:NAME)",
    )
    add_database_options(parser)


def run(options: argparse.Namespace) -> int:
    """Examine, or release."""
    from cli.logs import configure_logs
    from storage.database import connect

    configure_logs("warning")
    with (
        open_existing_database(options) as database,
        connect(database.url, autocommit=True) as connection,
    ):
        if options.release is not None:
            from cli.examination import release

            arn = execution_arn(options.release)
            if not release(connection, arn):
                msg = f"{arn} is not in quarantine"
                raise CommandError(msg)
            print(f"Released: {arn}")
            return 0
        return _examine(connection, database.url)


def _examine(connection: Connection, url: str) -> int:
    from cli.examination import examine

    is_well = True
    for found in examine(connection, url):
        is_well = is_well and found.state != "wrong"
        print(f"{_MARKS[found.state]}  {found.sentence}")
        if found.advice:
            print(f"      {found.advice}")
    return 0 if is_well else 1
