"""The `timers` table in PostgreSQL, as `DueTimers` reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from runtime.execution import TimerKind
from scheduler.horizon import TimerRow
from storage.connections import Connections
from storage.statements import statements

_KINDS = {kind.value: kind for kind in TimerKind}


class PostgresTimers:
    """Reads due timers over borrowed connections, one statement for all shards."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._statements = statements("timers")

    async def due(
        self, bounds: Mapping[int, int], until: datetime
    ) -> Sequence[TimerRow]:
        """Read the earliest rows due up to an instant: of shard s at most `bounds[s]`."""
        parameters = {
            "shards": list(bounds),
            "bounds": list(bounds.values()),
            "until": until,
        }
        async with (
            self._connections() as connection,
            connection.cursor(binary=True) as rows,
        ):
            await rows.execute(self._statements["due_timers"], parameters)
            return [
                ((shard, execution_id, event_id, _KINDS[kind]), due.astimezone(UTC))
                for shard, execution_id, event_id, kind, due in await rows.fetchall()
            ]

    async def next_due(self, shards: Iterable[int], after: datetime) -> datetime | None:
        """Read the earliest instant after one, over the shards."""
        parameters = {"shards": list(shards), "after": after}
        async with (
            self._connections() as connection,
            connection.cursor(binary=True) as rows,
        ):
            await rows.execute(self._statements["next_due"], parameters)
            row = await rows.fetchone()
            return row[0].astimezone(UTC) if row is not None and row[0] else None
