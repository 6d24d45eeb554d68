"""StartExecution, group-committed: requests that arrive during a commit form the next one.

A start writes the execution's row, its ExecutionStarted event and an inbox row, by any
process, whoever holds the shard; the first turn follows that commit. Where this process
holds the shard, the execution goes straight from here into its lane.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
import structlog
from psycopg import AsyncConnection

from asl.model import Machine
from asl.payload import Payload
from engine.patience import Patience
from engine.residents import BASE_SIZE
from engine.work import Resident, Stimulation
from runtime import stimuli as st
from runtime.advance import hold
from runtime.event_class import builder
from runtime.events import ExecutionStarted
from runtime.evolve import fold
from runtime.identity import ExecutionId, execution_id_of, shard_of
from runtime.limits import DEFAULTS, Limits
from runtime.principal import Principal
from scheduler.clock import Clock
from storage.codec import encode
from storage.lane_store import connect_engine
from storage.starts import START, StartRow, start_parameters
from storage.statements import statements

log = structlog.get_logger(__name__)

_SQL: Final = statements("starts")
_MAX_GROUP: Final = 500
_RETRY_SECONDS: Final = 0.2
PATIENCE_SECONDS: Final = 10.0


class StartQueueFullError(Exception):
    """More starts wait than this process will hold; ask again later."""


class NameTakenError(Exception):
    """An execution of that name exists, and is not the same start repeated."""


@dataclass(slots=True, kw_only=True)
class StartRequest:
    """One execution to start; `input` is JSON text within the limit."""

    arn: str
    name: str
    input: str
    machine: Machine
    state_machine_arn: str
    state_machine_name: str
    revision_id: str
    role_arn: str
    version_arn: str | None = None
    alias_arn: str | None = None
    trace_header: str | None = None
    caller: Principal | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """What a start answers."""

    arn: str
    start_date: datetime


@dataclass(slots=True)
class _Start:
    request: StartRequest
    future: asyncio.Future[Started]
    generation: int = 1
    shard: int = 0
    execution_id: ExecutionId = ""
    row: StartRow | None = None


class Starts:
    """Starts executions, many in one commit."""

    def __init__(
        self,
        url: str,
        *,
        shards: int,
        lease_seconds: float,
        clock: Clock,
        admit: Callable[[Resident], bool],
        hint: Callable[[int], None],
        limits: Limits = DEFAULTS,
    ) -> None:
        """Take how to reach lanes: `admit` answers whether the shard is held here."""
        self._url = url
        self._shards = shards
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._admit = admit
        self._hint = hint
        self._most = limits.starts_waiting
        self._reserved_for = timedelta(days=limits.name_reserved_days)
        self._queue: list[_Start] = []
        self._patience: Patience[Started] = Patience(PATIENCE_SECONDS)
        self._wake = asyncio.Event()
        self._connection: AsyncConnection[Any] | None = None
        self.started = 0
        self._committing = 0

    async def start(self, request: StartRequest) -> Started:
        """Start an execution, or return the same one that runs already.

        TimeoutError when that takes too long: the same start again finds out.
        """
        if len(self._queue) >= self._most:
            raise StartQueueFullError
        future: asyncio.Future[Started] = asyncio.get_running_loop().create_future()
        self._queue.append(_Start(request, future))
        self._wake.set()
        return await self._patience.wait(future)

    @property
    def waiting(self) -> int:
        """How many starts wait for the next commit."""
        return len(self._queue)

    @property
    def in_hand(self) -> int:
        """How many starts wait, or are being committed."""
        return len(self._queue) + self._committing

    async def run(self) -> None:
        """Commit what waits, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                group, self._queue = self._queue[:_MAX_GROUP], self._queue[_MAX_GROUP:]
                self._committing = len(group)
                await self._commit_all(group)
                self._committing = 0

    async def close(self) -> None:
        """End the session."""
        if self._connection is not None:
            await self._connection.close()

    # One group

    async def _commit_all(self, group: list[_Start]) -> None:
        """Commit a group; one that is refused is tried alone, so that it refuses itself only.

        A start is idempotent, so a commit of unknown outcome is simply made again, for those
        who still wait.
        """
        while group := [start for start in group if not start.future.done()]:
            try:
                await self._commit(group)
            except (psycopg.OperationalError, OSError) as error:
                log.warning("starts not committed", error=str(error))
                await self._disconnect()
                await asyncio.sleep(_RETRY_SECONDS)
            except psycopg.Error as error:
                if len(group) == 1:
                    _settle(group[0], error)
                    return
                for start in group:
                    await self._commit_all([start])
                return
            else:
                return

    async def _commit(self, group: list[_Start]) -> None:
        connection = await self._connect()
        now = self._clock.now()
        unique: dict[ExecutionId, _Start] = {}
        repeated = []
        for start in group:
            _prepare(start, now, self._shards)
            if unique.setdefault(start.execution_id, start) is not start:
                repeated.append(start)
        rows = [start.row for start in unique.values() if start.row is not None]
        cursor = await connection.execute(START, start_parameters(rows))
        inbox = {execution_id: row for row, execution_id in await cursor.fetchall()}
        for start in unique.values():
            row = inbox.get(start.execution_id)
            if row is None:
                repeated.append(start)
            else:
                self._begin(start, row)
        for start in repeated:
            await self._compare(connection, start)

    def _begin(self, start: _Start, inbox_id: int) -> None:
        assert start.row is not None
        self.started += 1
        resident = started_resident(start.row, start.request.machine, inbox_id)
        if not self._admit(resident):
            self._hint(start.shard)
        _settle(start, Started(start.request.arn, start.row.event.time))

    async def _compare(self, connection: AsyncConnection[Any], start: _Start) -> None:
        """Answer a start whose name was used: the same one, a new use of it, or a refusal."""
        parameters = {"shard": start.shard, "arn": start.request.arn}
        cursor = await connection.execute(_SQL["newest"], parameters)
        row = await cursor.fetchone()
        assert row is not None, "a start that conflicts has met a row"
        _, generation, status, start_date, stop_date, data = row
        now = self._clock.now()
        same = data == start.request.input
        if same and start.row is not None and start_date == start.row.event.time:
            # Our own: it had landed when the connection was lost.
            self._hint(start.shard)
            _settle(start, Started(start.request.arn, start_date))
        elif status == "RUNNING":
            answer = (
                Started(start.request.arn, start_date) if same else NameTakenError()
            )
            _settle(start, answer)
        elif now - stop_date > self._reserved_for:
            start.generation = generation + 1
            await self._commit([start])
        else:
            _settle(start, NameTakenError())

    # The connection

    async def _connect(self) -> AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await connect_engine(
                self._url, lease_seconds=self._lease_seconds, name="stepwell starts"
            )
        return self._connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def _settle(start: _Start, answer: Started | Exception) -> None:
    if start.future.done():
        return
    if isinstance(answer, Exception):
        start.future.set_exception(answer)
    else:
        start.future.set_result(answer)


def _prepare(start: _Start, now: datetime, shards: int) -> None:
    """Give a start its identity and its first event, once: a repeated commit says the same."""
    request = start.request
    execution_id = execution_id_of(request.arn, start.generation)
    if start.execution_id == execution_id:
        return
    start.shard = shard_of(request.arn, shards)
    start.execution_id = execution_id
    event = first_event(request, now, request.machine.timeout_seconds)
    start.row = StartRow(
        shard=start.shard,
        execution_id=execution_id,
        generation=start.generation,
        revision_id=request.revision_id,
        event=event,
        row=encode(event),
    )


def started_resident(row: StartRow, machine: Machine, inbox_id: int) -> Resident:
    """Return an execution that was committed as started, with its Begin."""
    event = row.event
    assert event.payload is not None, "an execution starts with an input"
    execution = fold(row.shard, row.execution_id, [event])
    hold(execution, event, event.payload)
    resident = Resident(execution, machine, BASE_SIZE + len(event.payload.text))
    resident.queue.append(Stimulation(st.Begin(), inbox_id=inbox_id))
    return resident


_execution_started: Final = builder(ExecutionStarted)


def first_event(
    request: StartRequest, now: datetime, timeout: float | None
) -> ExecutionStarted:
    """Return the event that an execution's log begins with; `timeout` in seconds."""
    return _execution_started(
        id=1,
        time=now,
        payload=Payload.of_text(request.input),
        role_arn=request.role_arn,
        arn=request.arn,
        name=request.name,
        state_machine_arn=request.state_machine_arn,
        state_machine_name=request.state_machine_name,
        start_at=request.machine.regions[0].start_at,
        deadline=None if timeout is None else now + timedelta(seconds=timeout),
        trace_header=request.trace_header,
        state_machine_alias_arn=request.alias_arn,
        state_machine_version_arn=request.version_arn,
        caller=request.caller,
    )
