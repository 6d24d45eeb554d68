"""Retention: closed executions are deleted with their logs after so many days.

The statement, its bounds and the role that may run it are in `storage/retention.py`. Here is
only the loop: batch after batch until nothing is left, or a round's time is up; the next
interval goes on. Any number of engines may do this at once.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from scheduler.clock import Clock
from storage.connections import Connection
from storage.retention import Purged, purge

ROUND_SECONDS: Final = 30.0
_EXECUTIONS: Final = 200
_EVENTS: Final = 20_000


async def delete_expired(
    connection: Connection,
    clock: Clock,
    keep: timedelta,
    *,
    round_seconds: float = ROUND_SECONDS,
    executions: int = _EXECUTIONS,
    events: int = _EVENTS,
) -> Purged:
    """Delete what closed longer than `keep` ago, in small transactions; return how much."""
    assert keep > timedelta(0), "open executions are never deleted"
    cutoff = clock.now() - keep
    deadline = clock.monotonic() + round_seconds
    total = Purged(executions=0, events=0)
    while clock.monotonic() <= deadline:
        batch = await purge(
            connection, cutoff=cutoff, executions=executions, events=events
        )
        if not batch.executions:
            break
        total = Purged(
            executions=total.executions + batch.executions,
            events=total.events + batch.events,
        )
    return total
