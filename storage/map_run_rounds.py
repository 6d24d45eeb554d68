"""One round of a Map Run: a transaction that takes ends, starts children, or ends the run.

The transaction is fenced by the lease of the run's shard and holds the run's row, so no two
engines give the same item to two children, and nobody closes the run in between. Children
are appended to whatever shards they belong to; the row is what makes sure that they are
started at all, and says where to go on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection
from psycopg.errors import DivisionByZero
from psycopg.rows import class_row

from asl.jsontext import loads
from runtime.execution import Status
from runtime.identity import ExecutionId
from runtime.journal import FenceLostError
from runtime.map_run_ends import ChildResult
from runtime.map_runs import Progress
from runtime.redrive import Ended
from storage.arrays import int4_array, int8_array
from storage.errors import ends_session
from storage.lane_store import LaneStore
from storage.map_runs import MapRunRecord
from storage.postgres_journal import execution_keys
from storage.starts import START, StartRow, start_parameters
from storage.statements import statements

_SQL: Final = statements("map_runs")
_FENCE: Final = statements("journal")["fence"]
_MOST_NEEDING: Final = 1_000
_COUNTED: Final = {
    "succeeded": Status.SUCCEEDED,
    "failed": Status.FAILED,
    "timed_out": Status.TIMED_OUT,
    "aborted": Status.ABORTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a round leaves behind, beside the progress."""

    is_due: bool = False
    is_ending: bool = False
    is_settled: bool = False
    is_redriven: bool = False


@dataclass(frozen=True, slots=True)
class EndedBefore:
    """How a child of a redriven run had ended."""

    ended: Ended
    output_bytes: int


@dataclass(slots=True)
class Round:
    """A run that is held, its progress with all ends counted, and what may be done."""

    connection: AsyncConnection[Any]
    run: MapRunRecord
    progress: Progress

    async def start(self, children: Sequence[StartRow]) -> dict[ExecutionId, int]:
        """Start children; return the inbox rows of those that did not exist."""
        cursor = await self.connection.execute(START, start_parameters(children))
        return {execution_id: row for row, execution_id in await cursor.fetchall()}

    async def tell(self, kind: str, body: str, now: datetime) -> None:
        """Send the end of the run to its execution."""
        message = {"kind": kind, "body": body, "now": now}
        await self.connection.execute(_SQL["tell"], message | self._execution)

    async def stop_children(self, now: datetime) -> None:
        """Stop the children that still run."""
        parameters = {"arn": self.run.arn, "now": now}
        await self.connection.execute(_SQL["stop_children"], parameters)

    async def ended_before(
        self, children: Sequence[tuple[int, ExecutionId]]
    ) -> dict[ExecutionId, EndedBefore]:
        """Read how children had ended before the run was redriven."""
        cursor = await self.connection.execute(
            _SQL["ended_before"], execution_keys(children)
        )
        return {
            execution_id: EndedBefore(
                Ended(status=status, started=start, stopped=stop, events=events or 0),
                output_bytes,
            )
            for execution_id, status, start, stop, events, output_bytes in (
                await cursor.fetchall()
            )
        }

    async def redrive_children(
        self,
        children: Sequence[tuple[int, ExecutionId]],
        kind: str,
        body: str,
        now: datetime,
    ) -> None:
        """Let children that have ended badly go on."""
        message = {"kind": kind, "body": body, "now": now}
        await self.connection.execute(
            _SQL["redrive_children"], message | execution_keys(children)
        )

    async def results(
        self, children: Sequence[tuple[int, ExecutionId]]
    ) -> list[ChildResult]:
        """Read how children have ended."""
        cursor = await self.connection.execute(
            _SQL["results"], execution_keys(children)
        )
        return [_result(row) for row in await cursor.fetchall()]

    async def write(self, standing: Standing) -> None:
        """Write where the run stands now."""
        progress = self.progress
        counted = {
            f"{name}_{state}": counter[status]
            for name, counter in (
                ("items", progress.items),
                ("children", progress.children),
            )
            for state, status in _COUNTED.items()
        }
        await self.connection.execute(
            _SQL["write"],
            {
                "shard": self.run.shard,
                "map_run_id": self.run.map_run_id,
                "output_bytes": progress.output_bytes,
                "items_started": progress.items_started,
                "children_started": progress.children_started,
                "is_due": standing.is_due,
                "is_ending": standing.is_ending,
                "is_settled": standing.is_settled,
                "is_redriven": standing.is_redriven,
                **counted,
            },
        )

    @property
    def _execution(self) -> dict[str, Any]:
        return {"shard": self.run.shard, "execution_id": self.run.execution_id}


class MapRunRounds:
    """Makes rounds, one at a time, over a connection of its own."""

    def __init__(self, store: LaneStore) -> None:
        """Take the connection."""
        self.store = store

    async def needing(self, shards: Sequence[int]) -> list[tuple[int, str]]:
        """Return the runs of shards that have something to do."""
        connection = (await self.store.journal()).connection
        parameters = {"shards": int4_array(shards), "most": _MOST_NEEDING}
        cursor = await connection.execute(_SQL["needing"], parameters)
        return list(await cursor.fetchall())

    async def execution_of(self, shard: int, run_id: str) -> ExecutionId | None:
        """Return the execution that a run belongs to."""
        connection = (await self.store.journal()).connection
        key = {"shard": shard, "map_run_id": run_id}
        row = await (await connection.execute(_SQL["execution"], key)).fetchone()
        return None if row is None else str(row[0])

    @asynccontextmanager
    async def round(
        self, shard: int, run_id: str, epoch: int
    ) -> AsyncIterator[Round | None]:
        """Hold a run for the length of a block, which is committed; None: it is not there.

        Raises FenceLostError where the shard is not held at the epoch.
        """
        connection = (await self.store.journal()).connection
        async with connection.transaction():
            await self._fence(connection, shard, epoch)
            yield await self._hold(connection, shard, run_id)

    async def _fence(
        self, connection: AsyncConnection[Any], shard: int, epoch: int
    ) -> None:
        held = {"shards": int4_array([shard]), "epochs": int8_array([epoch])}
        try:
            await connection.execute(_FENCE, held | {"expected": 1})
        except DivisionByZero as error:
            msg = f"shard {shard} is held by somebody else"
            raise FenceLostError(msg) from error

    async def _hold(
        self, connection: AsyncConnection[Any], shard: int, run_id: str
    ) -> Round | None:
        key = {"shard": shard, "map_run_id": run_id}
        async with connection.cursor(row_factory=class_row(MapRunRecord)) as cursor:
            await cursor.execute(_SQL["lock"], key)
            run = await cursor.fetchone()
        if run is None:
            return None
        progress = run.progress()
        ends = await connection.execute(_SQL["count_ends"], key)
        for status, children, items, output_bytes in await ends.fetchall():
            progress.take(Status(status), children, int(items), int(output_bytes))
        return Round(connection, run, progress)


def _result(row: Any) -> ChildResult:
    arn, name, machine_arn, status, start_date, stop_date, *rest = row
    redrive_count, given, output, details = rest
    shown: Any = {} if details is None else loads(details)
    succeeded = status == Status.SUCCEEDED
    return ChildResult(
        arn=arn,
        name=name,
        state_machine_arn=machine_arn,
        status=status,
        start_date=start_date,
        stop_date=stop_date,
        redrive_count=redrive_count,
        input=given,
        output=output if succeeded else None,
        error=None if succeeded else shown.get("error"),
        cause=None if succeeded else shown.get("cause"),
    )


def is_passing(error: Exception) -> bool:
    """Tell whether an error says nothing of the run: the database is away, or was busy."""
    if isinstance(error, psycopg.OperationalError | OSError):
        return True
    state = error.sqlstate or "" if isinstance(error, psycopg.Error) else ""
    return state[:2] == "40" or ends_session(state)
