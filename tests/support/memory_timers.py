"""A timers table in memory, and timers by short names, for tests without a database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from runtime.execution import TimerKind
from scheduler.horizon import TimerId, TimerRow

START = datetime(2025, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """The instant so many seconds after the start of virtual time."""
    return START + timedelta(seconds=seconds)


def timer(shard: int, number: int, kind: TimerKind = TimerKind.WAIT) -> TimerId:
    """Name a timer of a made-up execution."""
    return (shard, str(UUID(int=number)), 2, kind)


class MemoryTimers:
    """What `TimersTable` promises, over a dictionary; `gate` holds reads up when cleared."""

    def __init__(self, rows: Mapping[TimerId, datetime] | None = None) -> None:
        self.rows = dict(rows or {})
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None
        self.reading = asyncio.Event()

    async def due(
        self, bounds: Mapping[int, int], until: datetime
    ) -> Sequence[TimerRow]:
        """Read as the statement does: the snapshot first, then the way to the reader."""
        if self.failure is not None:
            raise self.failure
        found = [
            row
            for shard, bound in bounds.items()
            for row in self._of_shard(shard, until)[:bound]
        ]
        self.reading.set()
        await self.gate.wait()
        return found

    async def next_due(self, shards: Iterable[int], after: datetime) -> datetime | None:
        """Find the earliest instant after one."""
        held = set(shards)
        later = [due for t, due in self.rows.items() if t[0] in held and due > after]
        return min(later, default=None)

    def _of_shard(self, shard: int, until: datetime) -> list[TimerRow]:
        rows = [row for row in self.rows.items() if row[0][0] == shard]
        return sorted((row for row in rows if row[1] <= until), key=lambda row: row[1])
