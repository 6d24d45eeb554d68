"""Sweeps: what is looked for now and then instead of being timed.

No timer row is written for a default that hardly anybody reaches: the 99,999,999 seconds of
a task without TimeoutSeconds, and the year that an execution may be open. What has reached
one is handed to the engine like a timer that is due; there is no row to delete, and a sweep
finds it again until it is closed.

The other sweeps delete what nobody waits for any more. Each function is bounded per call,
takes a connection in autocommit mode, and changes nothing that a second engine could mind.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from runtime.execution import TimerKind
from runtime.limits import DEFAULT_TIMEOUT_SECONDS, MAX_OPEN_TIME
from scheduler.horizon import TimerDue
from storage.connections import Connection
from storage.statements import statements

VERDICTS_KEPT: Final = timedelta(seconds=60)
ENGINES_KEPT: Final = timedelta(minutes=10)
SESSIONS_KEPT: Final = timedelta(hours=1)

_BOUND: Final = 1_000
_DEFAULT_TIMEOUT: Final = timedelta(seconds=DEFAULT_TIMEOUT_SECONDS)
_STARTED_EVENT: Final = 1

_SQL: Final = statements("sweeps")


async def overdue_executions(
    connection: Connection, shards: Sequence[int], now: datetime, bound: int = _BOUND
) -> list[TimerDue]:
    """Find executions that have been open for a year, as execution timeouts that are due."""
    parameters = {"shards": shards, "before": now - MAX_OPEN_TIME, "bound": bound}
    return [
        TimerDue(
            shard=shard,
            execution_id=execution_id,
            event_id=_STARTED_EVENT,
            kind=TimerKind.EXECUTION_TIMEOUT,
            due=opened.astimezone(UTC) + MAX_OPEN_TIME,
        )
        for shard, execution_id, opened in await _rows(
            connection, "overdue_executions", parameters
        )
    ]


async def overdue_tasks(
    connection: Connection, shards: Sequence[int], now: datetime, bound: int = _BOUND
) -> list[TimerDue]:
    """Find attempts past the default timeout, as task timeouts that are due."""
    parameters = {
        "shards": shards,
        "before": now - _DEFAULT_TIMEOUT,
        "task_timeout": TimerKind.TASK_TIMEOUT.value,
        "bound": bound,
    }
    return [
        TimerDue(
            shard=shard,
            execution_id=execution_id,
            event_id=event_id,
            kind=TimerKind.TASK_TIMEOUT,
            due=created_at.astimezone(UTC) + _DEFAULT_TIMEOUT,
        )
        for shard, execution_id, event_id, created_at in await _rows(
            connection, "overdue_tasks", parameters
        )
    ]


async def delete_verdicts(
    connection: Connection, shards: Sequence[int], now: datetime, bound: int = _BOUND
) -> int:
    """Delete answers that were there to be read for a minute; return how many."""
    parameters = {"shards": shards, "before": now - VERDICTS_KEPT, "bound": bound}
    return await _deleted(connection, "delete_verdicts", parameters)


async def delete_engines(
    connection: Connection, grace: timedelta = ENGINES_KEPT
) -> int:
    """Delete the rows of engines that expired so long ago; return how many."""
    return await _deleted(connection, "delete_engines", {"grace": grace})


async def delete_sessions(
    connection: Connection, grace: timedelta = SESSIONS_KEPT
) -> int:
    """Delete worker sessions unseen for so long, once they hold no task; return how many."""
    return await _deleted(connection, "delete_sessions", {"grace": grace})


async def _rows(
    connection: Connection, name: str, parameters: dict[str, Any]
) -> list[tuple[Any, ...]]:
    return await (await connection.execute(_SQL[name], parameters)).fetchall()


async def _deleted(
    connection: Connection, name: str, parameters: dict[str, Any]
) -> int:
    return (await connection.execute(_SQL[name], parameters)).rowcount
