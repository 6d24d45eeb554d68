"""What an installation has open, read from its tables for whoever watches it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from storage.connections import Connection, Connections
from storage.installation import count_unheld
from storage.statements import statements

_SQL: Final = statements("gauges")
_MOST_FUNCTIONS: Final = 200


@dataclass(frozen=True, slots=True)
class WaitingTasks:
    """Tasks that wait for a worker of one function."""

    function: str
    count: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauges:
    """The figures of one moment."""

    open_executions: int
    waiting_tasks: tuple[WaitingTasks, ...]
    inbox: int
    inbox_oldest_seconds: float
    quarantined: int
    express_accepted: int
    shards_without_engine: int


async def count_open_executions(connections: Connections) -> int:
    """Count the Standard executions that run."""
    async with connections() as connection:
        return await _count_open(connection)


async def _count_open(connection: Connection) -> int:
    row = await (await connection.execute(_SQL["open_executions"])).fetchone()
    assert row is not None, "a sum is one row"
    return int(row[0])


async def read_gauges(connections: Connections, now: datetime) -> Gauges:
    """Read every figure."""
    async with connections() as connection:
        opened = await _count_open(connection)
        tasks = await connection.execute(
            _SQL["waiting_tasks"], {"now": now, "most": _MOST_FUNCTIONS}
        )
        waiting = tuple(WaitingTasks(*row) for row in await tasks.fetchall())
        queues = await connection.execute(_SQL["queues"], {"now": now})
        row = await queues.fetchone()
        unheld = await count_unheld(connection)
    assert row is not None, "counts are one row"
    return Gauges(
        open_executions=opened,
        waiting_tasks=waiting,
        inbox=row[0],
        inbox_oldest_seconds=row[1],
        quarantined=row[2],
        express_accepted=row[3],
        shards_without_engine=unheld,
    )
