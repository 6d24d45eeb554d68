"""Delete executions that closed long ago, with their logs: the retention sweep's statement.

Only the role `stepwell_retention` may delete events. Where that role could not be made, the
owner of the tables may, after setting `stepwell.retention` for the transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg import sql

from storage import roles
from storage.connections import Connection, may_become
from storage.statements import statements

_SQL: Final = statements("retention")


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """How much one batch deleted; zero executions: nothing is left to delete."""

    executions: int
    events: int


async def purge(
    connection: Connection,
    *,
    cutoff: datetime,
    executions: int = 500,
    events: int = 50_000,
) -> Purged:
    """Delete one batch of executions that closed before `cutoff`, in one transaction.

    A batch ends at `executions`, or with the execution that takes it past `events`.
    """
    async with connection.transaction():
        await _become_retention(connection)
        cursor = await connection.execute(
            _SQL["purge"],
            {"cutoff": cutoff, "executions": executions, "events": events},
        )
        row = await cursor.fetchone()
        assert row is not None, "a count always has a row"
    return Purged(executions=row[0], events=row[1])


async def _become_retention(connection: Connection) -> None:
    """Take the role for this transaction only."""
    if await may_become(connection, roles.RETENTION):
        await connection.execute(
            sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(roles.RETENTION))
        )
    else:
        await connection.execute("SELECT set_config('stepwell.retention', 'on', true)")
