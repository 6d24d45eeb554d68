"""Executions as they are described, listed and counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal
from uuid import UUID

from psycopg.rows import class_row

from runtime.events import EVENT_CODES, ExecutionRedriven
from runtime.execution import Status
from runtime.identity import ExecutionId
from runtime.limits import MAX_EVENTS_FOR_REDRIVE, MAX_OPEN_TIME, REDRIVE_WINDOW
from runtime.redrive import Ended, reason_not_redrivable
from storage.connections import Connections
from storage.statements import of_column, statements

_SQL: Final = statements("executions")
PAGES: Final = {
    "machine": of_column(_SQL["page"], "state_machine_arn"),
    "version": of_column(_SQL["page"], "version_arn"),
    "alias": of_column(_SQL["page"], "alias_arn"),
    "map_run": of_column(_SQL["page"], "map_run_arn"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRecord:
    """One execution, without its payloads."""

    execution_id: ExecutionId
    revision_id: UUID
    start_date: datetime
    stop_date: datetime | None
    redrive_date: datetime | None
    shard: int
    generation: int
    last_event_id: int | None
    redrive_count: int
    arn: str
    name: str
    state_machine_arn: str
    status: str
    version_arn: str | None
    alias_arn: str | None
    map_run_arn: str | None
    trace_header: str | None
    item_count: int | None

    @property
    def ended(self) -> Ended:
        """What decides whether it may be redriven."""
        return Ended(
            status=self.status,
            started=self.start_date,
            stopped=self.stop_date,
            events=self.last_event_id or 0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionDescription(ExecutionRecord):
    """One execution with its payloads.

    `output` and `details` (a JSON text with error and cause) are those of its last event:
    they are None while it is open.
    """

    input: str | None
    output: str | None
    details: str | None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended: the next one begins after it."""

    start_date: datetime
    execution_id: str

    @classmethod
    def of(cls, last: ExecutionRecord) -> Position:
        """Return the position after the last execution of a page."""
        return cls(last.start_date, last.execution_id)


BEFORE_ALL: Final = Position(
    datetime.max.replace(tzinfo=UTC), str(UUID(int=2**128 - 1))
)


@dataclass(frozen=True, slots=True)
class RunRedrive:
    """The redrive of a Map Run, while it is under way."""

    at: datetime
    now: datetime

    def awaits(self, child: ExecutionRecord) -> bool:
        """Tell whether the run has yet to come to a child that had ended badly."""
        return (
            child.stop_date is not None
            and child.stop_date < self.at
            and reason_not_redrivable(child.ended, self.now) is None
        )

    @property
    def parameters(self) -> dict[str, object]:
        """What a statement needs to tell the same."""
        return {"redriven_at": self.at, **_redrivable(self.now)}


def _redrivable(now: datetime) -> dict[str, object]:
    """Return what tells in a statement who may be redriven, as `runtime/redrive.py` has it."""
    return {
        "oldest_stop": now - REDRIVE_WINDOW,
        "oldest_start": now - MAX_OPEN_TIME,
        "most_events": MAX_EVENTS_FOR_REDRIVE,
    }


@dataclass(frozen=True, slots=True)
class Listed:
    """Whose executions are listed: a machine's, a Map Run's, or those that a version or alias
    started."""

    kind: Literal["machine", "version", "alias", "map_run"]
    arn: str
    redrive: RunRedrive | None = None


_NO_REDRIVE: Final = dict.fromkeys(
    ("redriven_at", "oldest_stop", "oldest_start", "most_events")
)


class Executions:
    """The executions of an installation, open and closed."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def newest(self, shard: int, arn: str) -> ExecutionRecord | None:
        """Return the newest execution of an ARN."""
        async with (
            self._connections() as connection,
            connection.cursor(row_factory=class_row(ExecutionRecord)) as cursor,
        ):
            await cursor.execute(_SQL["newest"], {"shard": shard, "arn": arn})
            return await cursor.fetchone()

    async def describe(self, shard: int, arn: str) -> ExecutionDescription | None:
        """Return the newest execution of an ARN with its payloads."""
        async with (
            self._connections() as connection,
            connection.cursor(row_factory=class_row(ExecutionDescription)) as cursor,
        ):
            await cursor.execute(_SQL["description"], {"shard": shard, "arn": arn})
            return await cursor.fetchone()

    async def redriven(
        self, execution: ExecutionRecord, client_token: str
    ) -> datetime | None:
        """Return when a call with that token redrove an execution, the last time."""
        parameters = {
            "shard": execution.shard,
            "execution_id": execution.execution_id,
            "client_token": client_token,
            "type": EVENT_CODES[ExecutionRedriven],
        }
        async with self._connections() as connection:
            cursor = await connection.execute(_SQL["redriven"], parameters)
            row = await cursor.fetchone()
        return None if row is None else row[0]

    async def page(
        self,
        listed: Listed,
        *,
        statuses: Sequence[str] = tuple(Status),
        is_redriven: bool | None = None,
        is_awaiting: bool | None = None,
        after: Position = BEFORE_ALL,
        limit: int = 100,
    ) -> list[ExecutionRecord]:
        """Return executions of some statuses, newest first.

        Those of a Map Run may be asked for by whether they were redriven, and while the
        run is, by whether they await that.
        """
        redrive = listed.redrive
        async with (
            self._connections() as connection,
            connection.cursor(row_factory=class_row(ExecutionRecord)) as cursor,
        ):
            await cursor.execute(
                PAGES[listed.kind],
                {
                    "listed": listed.arn,
                    "statuses": [str(status) for status in statuses],
                    "is_redriven": is_redriven,
                    "is_awaiting": None if redrive is None else is_awaiting,
                    **(_NO_REDRIVE if redrive is None else redrive.parameters),
                    "before_date": after.start_date,
                    "before_id": after.execution_id,
                    "limit": limit,
                },
            )
            return await cursor.fetchall()

    async def census(
        self, map_run_arn: str, redrive: RunRedrive
    ) -> dict[str, tuple[int, int]]:
        """Return how many children of a redriven run, and items of theirs, stand how."""
        parameters = {"listed": map_run_arn, **redrive.parameters}
        async with self._connections() as connection:
            cursor = await connection.execute(_SQL["census"], parameters)
            return {row[0]: (row[1], row[2]) for row in await cursor.fetchall()}

    async def not_redrivable(self, map_run_arn: str, now: datetime) -> tuple[int, int]:
        """Return how many children that ended badly, and items, no redrive can reach."""
        parameters = {"listed": map_run_arn, **_redrivable(now)}
        async with self._connections() as connection:
            cursor = await connection.execute(_SQL["not_redrivable"], parameters)
            row = await cursor.fetchone()
        assert row is not None, "a count has a row"
        return row[0], row[1]

    async def count_open(self) -> dict[str, int]:
        """Count the open executions of each machine."""
        async with self._connections() as connection:
            cursor = await connection.execute(_SQL["count_open"])
            return dict(await cursor.fetchall())
