"""Bring the database to the present schema; harmless to repeat.

Run it once per database and after every upgrade, as a login that may create roles if there
is one: then the database itself keeps the log append-only. The number of shards is fixed by
the first run, for ever.
"""

from __future__ import annotations

import argparse
from typing import Final

from cli.database import add_database_options, open_database

WITHOUT_ROLES: Final = (
    "Stepwell works without it. To have it, give the login the three roles:"
    " docs/database.md has the statements."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument(
        "--shards",
        type=int,
        metavar="N",
        help="into how many parts the executions are divided (64)",
    )
    add_database_options(parser)


def run(options: argparse.Namespace) -> int:
    """Migrate and say what was done."""
    from cli.logs import configure_logs
    from storage.migrate import migrate

    configure_logs("warning")
    with open_database(options) as database:
        report = migrate(database.url, shards=options.shards)
    came_from = report.before or "an empty database"
    done = f"migrated from {came_from}" if report.changed else "nothing to do"
    print(f"The schema is at {report.after}, {report.shards} shards: {done}.")
    for problem in report.problems:
        print(f"Not enforced: {problem}")
    if report.problems:
        print(WITHOUT_ROLES)
    return 0
