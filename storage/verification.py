"""Executions with everything that must agree with their logs, each batch in one snapshot.

An engine may be at work meanwhile: whatever a commit changes it changes at once, so a
snapshot sees all of it or nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg import IsolationLevel
from psycopg.rows import class_row

from runtime.execution import TimerKey, TimerKind
from runtime.identity import ExecutionId
from storage.codec import EventRow
from storage.statements import statements

_SQL: Final = statements("verification")
_BEFORE_ALL: Final = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """The row of an execution."""

    shard: int
    execution_id: ExecutionId
    arn: str
    generation: int
    name: str
    state_machine_arn: str
    status: str
    start_date: datetime
    stop_date: datetime | None
    last_event_id: int | None
    redrive_count: int
    redrive_date: datetime | None


@dataclass(frozen=True, slots=True)
class StoredTask:
    """What the row of an open attempt says."""

    function: str | None
    worker: str | None


@dataclass(frozen=True, slots=True)
class StoredMapRun:
    """What the row of a Map Run says, and how many of its children can be found."""

    status: str
    children_started: int
    children_found: int


@dataclass(slots=True, kw_only=True)
class Stored:
    """Everything that is stored of one execution."""

    record: StoredRecord
    events: list[EventRow] = field(default_factory=list)
    timers: dict[TimerKey, datetime] = field(default_factory=dict)
    tasks: dict[int, StoredTask] = field(default_factory=dict)
    map_runs: dict[str, StoredMapRun] = field(default_factory=dict)
    has_stimulus: bool = False
    set_aside: str | None = None


@dataclass(frozen=True, slots=True)
class Stray:
    """Rows that belong to no execution."""

    kind: str
    execution_id: ExecutionId
    count: int


class Verification:
    """Reads for `verify`, over one connection in autocommit mode."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        """Make the connection's transactions snapshots that write nothing."""
        self._connection = connection
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True

    def shards(self) -> list[int]:
        """Return the shards of the installation."""
        rows = self._connection.execute("SELECT shard FROM leases ORDER BY shard")
        return [shard for (shard,) in rows.fetchall()]

    def of_arn(self, arn: str) -> list[Stored]:
        """Read every execution that bore an ARN."""
        with self._connection.transaction():
            return self._complete(self._records("records_of", {"arn": arn}))

    def of_shard(self, shard: int, batch: int = 100) -> Iterator[list[Stored]]:
        """Read a shard's executions, a batch at a time."""
        after = _BEFORE_ALL
        while True:
            parameters = {"shard": shard, "after": after, "limit": batch}
            with self._connection.transaction():
                stored = self._complete(self._records("records", parameters))
            if not stored:
                return
            yield stored
            after = stored[-1].record.execution_id

    def strays(self, shard: int) -> list[Stray]:
        """Find the rows of a shard that belong to no execution."""
        with self._connection.transaction():
            rows = self._connection.execute(_SQL["strays"], {"shard": shard})
            return [Stray(*row) for row in rows.fetchall()]

    def _records(self, name: str, parameters: dict[str, Any]) -> list[StoredRecord]:
        with self._connection.cursor(row_factory=class_row(StoredRecord)) as cursor:
            return cursor.execute(_SQL[name], parameters).fetchall()

    def _complete(self, records: Sequence[StoredRecord]) -> list[Stored]:
        by_shard: dict[int, dict[ExecutionId, Stored]] = defaultdict(dict)
        for record in records:
            by_shard[record.shard][record.execution_id] = Stored(record=record)
        for shard, stored in by_shard.items():
            self._fill(shard, stored)
        return [by_shard[each.shard][each.execution_id] for each in records]

    def _fill(self, shard: int, stored: dict[ExecutionId, Stored]) -> None:
        parameters = {"shard": shard, "execution_ids": list(stored)}

        def rows(statement: bytes) -> list[Any]:
            return self._connection.execute(statement, parameters).fetchall()

        for execution_id, *columns in rows(_SQL["events"]):
            stored[execution_id].events.append(EventRow(*columns))
        for execution_id, event_id, kind, due in rows(_SQL["timers"]):
            stored[execution_id].timers[event_id, TimerKind(kind)] = due
        for execution_id, event_id, function, worker in rows(_SQL["tasks"]):
            stored[execution_id].tasks[event_id] = StoredTask(function, worker)
        for execution_id, arn, *columns in rows(_SQL["map_runs"]):
            stored[execution_id].map_runs[arn] = StoredMapRun(*columns)
        for (execution_id,) in rows(_SQL["waiting"]):
            stored[execution_id].has_stimulus = True
        for execution_id, reason in rows(_SQL["set_aside"]):
            stored[execution_id].set_aside = reason
