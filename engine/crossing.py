"""Tasks and workers of different engine processes.

A worker polls one process; the shards are spread over all. Every process shows the others,
once a second, which sessions poll it, and sees in the `tasks` table which attempts they hold
in other engines' shards. An attempt that has to be delivered again is made from its log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

import orjson
from psycopg import AsyncConnection

from engine.assignments import assignment_of
from engine.handover import TaskAssignment
from engine.sessions import Session
from engine.work import TaskKey
from runtime.evolve import fold
from runtime.execution import Execution
from runtime.identity import FIRST_MARKER, ExecutionId
from runtime.tokens import TokenSigner
from scheduler.clock import Clock
from storage.arrays import int4_array, text_array
from storage.lane_store import LaneStore
from storage.statements import statements

_SQL: Final = statements("workers")


class WorkerTables:
    """What processes tell each other of workers, over one connection."""

    def __init__(
        self,
        store: LaneStore,
        *,
        process: str,
        in_memory: Callable[[ExecutionId], Execution | None] = lambda _id: None,
    ) -> None:
        """Take a connection that is used by one task at a time, and who runs without a log."""
        self._store = store
        self._in_memory = in_memory
        self._process = process

    async def show(self, sessions: Sequence[Session], now: float) -> None:
        """Show which sessions poll this process, and since when one has been silent."""
        await self._execute(
            "see_sessions",
            {
                "process": self._process,
                "sessions": text_array(session.id for session in sessions),
                "ages": [
                    timedelta(seconds=0 if s.polls else max(0.0, now - s.seen))
                    for s in sessions
                ],
                "slots": int4_array(max(0, session.free) for session in sessions),
                "names": text_array(session.name for session in sessions),
                "functions": text_array(
                    orjson.dumps(sorted(session.functions)).decode()
                    for session in sessions
                ),
            },
        )

    async def alive(self, sessions: Sequence[str], timeout: float) -> set[str]:
        """Return which sessions have polled any process lately."""
        parameters = {
            "sessions": text_array(sessions),
            "timeout": timedelta(seconds=timeout),
        }
        return {row[0] for row in await self._rows("alive_sessions", parameters)}

    async def served(self, within: float) -> frozenset[str]:
        """Return the functions of workers that polled any process within some seconds."""
        parameters = {"within": timedelta(seconds=within)}
        return frozenset(
            row[0] for row in await self._rows("served_functions", parameters)
        )

    async def forget(self, session: str) -> None:
        """Take a session out that has said good-bye."""
        await self._execute("forget_session", {"session": session})

    async def held_by(self, session: str) -> list[TaskKey]:
        """Return the attempts that a session holds."""
        return await self._rows("held_by_session", {"session": session})

    async def held_elsewhere(
        self, sessions: Sequence[str], held: Sequence[int]
    ) -> list[tuple[str, TaskKey]]:
        """Return the attempts that sessions hold in shards not held here."""
        parameters = {"sessions": text_array(sessions), "held": int4_array(held)}
        rows = await self._rows("held_elsewhere", parameters)
        return [(row[0], (row[1], row[2], row[3])) for row in rows]

    async def waiting(
        self, functions: Sequence[str], most: int
    ) -> list[tuple[int, ExecutionId, int, str]]:
        """Return tasks that wait in any shard: their keys, and the function."""
        parameters = {"functions": text_array(functions), "most": most}
        return await self._rows("waiting", parameters)

    async def epoch(self, shard: int) -> int:
        """Return the present epoch of a shard."""
        rows = await self._rows("epoch", {"shard": shard})
        return int(rows[0][0])

    async def assignment(
        self, key: TaskKey, worker: str, *, signer: TokenSigner, clock: Clock
    ) -> TaskAssignment | None:
        """Make an attempt's assignment from the log; None where the session lacks it."""
        shard, execution_id, scheduled_id = key
        execution = self._in_memory(execution_id) or await self._fold(
            shard, execution_id
        )
        task = execution.tasks.get(scheduled_id)
        if task is None or not task.started_id or task.worker != worker:
            return None
        epoch = 1 if shard >= FIRST_MARKER else await self.epoch(shard)
        return assignment_of(
            execution, task, signer=signer, epoch=epoch, now=clock.now()
        )

    async def _fold(self, shard: int, execution_id: ExecutionId) -> Execution:
        log = (await self._store.load([(shard, execution_id)])).get(execution_id, [])
        return fold(shard, execution_id, log)

    async def _rows(self, name: str, parameters: dict[str, Any]) -> list[Any]:
        return list(await (await self._execute(name, parameters)).fetchall())

    async def _execute(self, name: str, parameters: dict[str, Any]) -> Any:
        connection: AsyncConnection[Any] = (await self._store.journal()).connection
        return await connection.execute(_SQL[name], parameters)
