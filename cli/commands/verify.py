"""Replay logs and compare them with everything that is stored beside them.

Reads the database itself, whatever engines are at work on it. Prints what it finds and exits
with 1 if that is anything.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cli.counts import counted
from cli.database import add_database_options, open_existing_database
from cli.errors import CommandError
from cli.names import execution_arn

if TYPE_CHECKING:
    from storage.verification import Stored, Verification


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "execution", metavar="ARN", nargs="?", help="an execution, or MACHINE:NAME"
    )
    which.add_argument("--all", action="store_true", help="every execution")
    add_database_options(parser)


def run(options: argparse.Namespace) -> int:
    """Verify, and say what was found."""
    from cli.logs import configure_logs
    from storage.database import connect
    from storage.verification import Verification

    configure_logs("warning")
    with (
        open_existing_database(options) as database,
        connect(database.url, autocommit=True) as connection,
    ):
        return _verify(Verification(connection), options)


def _verify(verification: Verification, options: argparse.Namespace) -> int:
    from cli.verification import findings

    shards = verification.shards()
    executions = events = wrong = 0
    for stored in _wanted(verification, shards, options):
        executions += 1
        events += len(stored.events)
        for finding in findings(stored, len(shards)):
            wrong += 1
            print(f"{_name(stored)}: {finding}")
    if options.all:
        wrong += _report_strays(verification, shards)
    result = counted(wrong, "finding") if wrong else "all well"
    replayed = f"{counted(executions, 'execution')}, {counted(events, 'event')}"
    print(f"Replayed {replayed}: {result}.")
    return 1 if wrong else 0


def _wanted(
    verification: Verification, shards: list[int], options: argparse.Namespace
) -> Iterator[Stored]:
    if not options.all:
        arn = execution_arn(options.execution)
        found = verification.of_arn(arn)
        if not found:
            msg = f"there is no execution {arn}"
            raise CommandError(msg)
        yield from found
        return
    for shard in shards:
        for batch in verification.of_shard(shard):
            yield from batch


def _report_strays(verification: Verification, shards: list[int]) -> int:
    count = 0
    for shard in shards:
        for stray in verification.strays(shard):
            count += 1
            where = f"{stray.execution_id} in shard {shard}"
            print(f"{stray.count} rows ({stray.kind}) of {where}: no such execution")
    return count


def _name(stored: Stored) -> str:
    record = stored.record
    again = f" (generation {record.generation})" if record.generation > 1 else ""
    return f"{record.arn}{again}"
