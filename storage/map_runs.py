"""Map Runs as they are stored: described, listed, and changed while they run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import class_row

from runtime.execution import Status
from runtime.identity import ExecutionId
from runtime.map_runs import Progress
from storage.connections import Connections
from storage.statements import statements

_SQL: Final = statements("map_runs")
_BEFORE_ALL: Final = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRunRecord:
    """The row of a run."""

    map_run_id: str
    execution_id: ExecutionId
    start_date: datetime
    stop_date: datetime | None
    redrive_date: datetime | None
    tolerated_percentage: float
    tolerated_count: int
    output_bytes: int
    shard: int
    event_id: int
    max_concurrency: int
    items_total: int
    items_started: int
    items_succeeded: int
    items_failed: int
    items_timed_out: int
    items_aborted: int
    children_started: int
    children_succeeded: int
    children_failed: int
    children_timed_out: int
    children_aborted: int
    redrive_count: int
    is_due: bool
    is_ending: bool
    is_settled: bool
    is_redriven: bool
    arn: str
    execution_type: str
    status: str

    def progress(self) -> Progress:
        """Return where the run stands."""
        return Progress(
            items_total=self.items_total,
            max_concurrency=self.max_concurrency,
            tolerated_count=self.tolerated_count,
            tolerated_percentage=self.tolerated_percentage,
            items_started=self.items_started,
            children_started=self.children_started,
            output_bytes=self.output_bytes,
            items=Counter(
                {
                    Status.SUCCEEDED: self.items_succeeded,
                    Status.FAILED: self.items_failed,
                    Status.TIMED_OUT: self.items_timed_out,
                    Status.ABORTED: self.items_aborted,
                }
            ),
            children=Counter(
                {
                    Status.SUCCEEDED: self.children_succeeded,
                    Status.FAILED: self.children_failed,
                    Status.TIMED_OUT: self.children_timed_out,
                    Status.ABORTED: self.children_aborted,
                }
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What an update changes; None stays as it is."""

    max_concurrency: int | None = None
    tolerated_count: int | None = None
    tolerated_percentage: float | None = None


class MapRuns:
    """The Map Runs of an installation."""

    def __init__(self, connections: Connections) -> None:
        """Take where connections are lent."""
        self._connections = connections

    async def find(self, arn: str) -> MapRunRecord | None:
        """Return a run."""
        async with (
            self._connections() as connection,
            connection.cursor(row_factory=class_row(MapRunRecord)) as cursor,
        ):
            await cursor.execute(_SQL["find"], {"arn": arn})
            return await cursor.fetchone()

    async def execution_arn(self, run: MapRunRecord) -> str:
        """Return the ARN of the execution that a run belongs to."""
        key = {"shard": run.shard, "execution_id": run.execution_id}
        async with self._connections() as connection:
            row = await (await connection.execute(_SQL["parent"], key)).fetchone()
        assert row is not None, "a run is kept no longer than its execution"
        return str(row[0])

    async def page(
        self,
        shard: int,
        execution_id: ExecutionId,
        *,
        before: int | None = None,
        limit: int = 100,
    ) -> list[MapRunRecord]:
        """Return the runs of an execution, newest first; `before` is an event's id."""
        parameters = {
            "shard": shard,
            "execution_id": execution_id,
            "before": _BEFORE_ALL if before is None else before,
            "limit": limit,
        }
        async with (
            self._connections() as connection,
            connection.cursor(row_factory=class_row(MapRunRecord)) as cursor,
        ):
            await cursor.execute(_SQL["page"], parameters)
            return await cursor.fetchall()

    async def update(self, run: MapRunRecord, bounds: Bounds) -> bool:
        """Change what bounds a run; False where it has ended."""
        parameters = {
            "shard": run.shard,
            "map_run_id": run.map_run_id,
            "max_concurrency": bounds.max_concurrency,
            "tolerated_count": bounds.tolerated_count,
            "tolerated_percentage": bounds.tolerated_percentage,
        }
        async with self._connections() as connection:
            cursor = await connection.execute(_SQL["update"], parameters)
            return await cursor.fetchone() is not None
