"""Starts Express executions, and looks after those that were promised to run.

*Synchronous*: run once, in this process, and answered with their end. *Asynchronous*: first
a row is committed, many in one statement; then the execution runs; when it has ended the row
is deleted, again many at once, in the transaction that writes the log. An engine that is gone
leaves its rows behind, and another runs those executions again from the start: at least
once, never not at all.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import psycopg
import structlog

from asl.model import Machine
from engine.compiled import CompiledMachines
from engine.errors import BusyError, UnansweredError
from engine.express import Express, Run
from engine.expressends import Ended, ExpressEnds, ExpressResult, persist, result_of
from engine.expresslog import wants_log
from engine.patience import Patience
from engine.starts import PATIENCE_SECONDS, Started, StartRequest
from runtime.identity import uuid_text
from runtime.principal import Principal
from scheduler.clock import Clock
from storage.express import ExpressRow, ExpressTable
from storage.machines import MachineRecord, RevisionRecord
from storage.principals import principal_of_text, principal_text

log = structlog.get_logger(__name__)

_MAX_GROUP: Final = 200
_MAX_QUEUE: Final = 10_000
_LOOK_SECONDS: Final = 1.0
_DRAIN_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Accepting:
    row: ExpressRow
    request: StartRequest
    logging: Mapping[str, Any] | None
    future: asyncio.Future[Started]


class ExpressDesk:
    """Starts, ends and takes over Express executions."""

    def __init__(
        self,
        *,
        express: Express,
        starts: ExpressTable,
        ends: ExpressEnds,
        machines: CompiledMachines,
        revision: Callable[[str], Awaitable[RevisionRecord | None]],
        clock: Clock,
        shards: int,
    ) -> None:
        """Take where executions run, and who writes down that they have ended."""
        self.express = express
        self._starts = starts
        self._ends = ends
        self._machines = machines
        self._revision = revision
        self._clock = clock
        self._shards = shards
        self._accepting: list[_Accepting] = []
        self._patience: Patience[Started] = Patience(PATIENCE_SECONDS)
        self._wake = asyncio.Event()

    # Starting

    async def start(
        self,
        machine: MachineRecord,
        name: str,
        input_text: str,
        trace: str | None,
        caller: Principal | None = None,
    ) -> Started:
        """Accept an execution durably; it runs at once."""
        self._require_room()
        row, request = await self._new(machine, name, input_text, trace, caller)
        future: asyncio.Future[Started] = asyncio.get_running_loop().create_future()
        self._accepting.append(
            _Accepting(row, request, machine.logging_configuration, future)
        )
        self._wake.set()
        try:
            return await self._patience.wait(future)
        except TimeoutError:
            raise UnansweredError from None

    async def run(
        self,
        machine: MachineRecord,
        name: str,
        input_text: str,
        trace: str | None,
        caller: Principal | None = None,
    ) -> ExpressResult:
        """Run an execution to its end, once."""
        self._require_room()
        row, request = await self._new(machine, name, input_text, trace, caller)
        future: asyncio.Future[ExpressResult] = (
            asyncio.get_running_loop().create_future()
        )
        ended = partial(self._answer, row, machine.logging_configuration, future)
        self.express.begin(request, row.execution_id, ended)
        return await future

    async def try_out(
        self, machine: Machine, machine_arn: str, role_arn: str, given: str
    ) -> ExpressResult:
        """Run a machine that is stored nowhere, once; nothing of it is written."""
        self.express.require_room()
        execution_id = uuid_text(os.urandom(16), version=4)
        prefix = machine_arn.replace(":stateMachine:", ":express:", 1)
        request = StartRequest(
            arn=f"{prefix}:{execution_id}:{execution_id}",
            name=execution_id,
            input=given,
            machine=machine,
            state_machine_arn=machine_arn,
            state_machine_name=machine_arn.rpartition(":")[2],
            revision_id="",
            role_arn=role_arn,
        )
        future: asyncio.Future[ExpressResult] = (
            asyncio.get_running_loop().create_future()
        )
        self.express.begin(request, execution_id, partial(_tell, future))
        return await future

    def _require_room(self) -> None:
        self.express.require_room()
        if len(self._accepting) >= _MAX_QUEUE or self._ends.is_full:
            raise BusyError

    async def _new(
        self,
        machine: MachineRecord,
        name: str,
        input_text: str,
        trace: str | None,
        caller: Principal | None,
    ) -> tuple[ExpressRow, StartRequest]:
        """Give an execution its identity: every start is a new one."""
        drawn = os.urandom(20)
        execution_id = uuid_text(drawn[:16], version=4)
        prefix = machine.arn.replace(":stateMachine:", ":express:", 1)
        row = ExpressRow(
            shard=int.from_bytes(drawn[16:], "big") % self._shards,
            execution_id=execution_id,
            revision_id=str(machine.revision_id),
            arn=f"{prefix}:{name}:{execution_id}",
            state_machine_arn=machine.arn,
            version_arn=machine.version_arn,
            alias_arn=machine.alias_arn,
            trace_header=trace,
            input=input_text,
            caller=principal_text(caller),
        )
        return row, await self._request(row, machine.role_arn)

    async def _request(self, row: ExpressRow, role_arn: str) -> StartRequest:
        return StartRequest(
            arn=row.arn,
            name=row.name,
            input=row.input,
            machine=await self._machines.get(row.revision_id),
            state_machine_arn=row.state_machine_arn,
            state_machine_name=row.state_machine_arn.rpartition(":")[2],
            revision_id=row.revision_id,
            role_arn=role_arn,
            version_arn=row.version_arn,
            alias_arn=row.alias_arn,
            trace_header=row.trace_header,
            caller=principal_of_text(row.caller),
        )

    # Ends

    def _answer(
        self,
        row: ExpressRow,
        logging: Mapping[str, Any] | None,
        future: asyncio.Future[ExpressResult],
        run: Run,
    ) -> None:
        if wants_log(logging) and run.failure is None:
            self._ends.keep(Ended(row, run, logging, is_accepted=False))
        _tell(future, run)

    # Loops

    async def run_starts(self) -> None:
        """Commit what was asked to start and run it, until cancelled.

        Never far ahead of the ends that are to be written: what is accepted faster than it
        can be written would be refused in the end.
        """
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._accepting:
                await self._ends.has_room.wait()
                group = self._accepting[:_MAX_GROUP]
                self._accepting = self._accepting[_MAX_GROUP:]
                await self._accept(group)

    async def _accept(self, group: Sequence[_Accepting]) -> None:
        group = [each for each in group if not each.future.done()]
        if not group:
            return
        now = self._clock.now()
        try:
            await persist(lambda: self._starts.accept([a.row for a in group], now))
        except psycopg.Error as error:
            await self._accept_alone(group, error)
            return
        for each in group:
            if not each.future.done():
                each.future.set_result(Started(each.row.arn, now))
        for each in group:
            self._run(each.row, each.request, each.logging)

    async def _accept_alone(
        self, group: Sequence[_Accepting], error: psycopg.Error
    ) -> None:
        """Try each of a refused group alone, so that it refuses itself only."""
        if len(group) > 1:
            for each in group:
                await self._accept([each])
        elif not group[0].future.done():
            group[0].future.set_exception(error)

    def _run(
        self, row: ExpressRow, request: StartRequest, logging: Mapping[str, Any] | None
    ) -> None:
        def ended(run: Run) -> None:
            self._ends.keep(Ended(row, run, logging, is_accepted=True))

        self.express.begin(request, row.execution_id, ended)

    async def run_ends(self) -> None:
        """Write what has ended, and look for what was left behind, until cancelled."""
        looked = self._clock.monotonic()
        while True:
            await self._ends.work(_LOOK_SECONDS)
            if self._clock.monotonic() - looked >= _LOOK_SECONDS:
                await self.take_over()
                looked = self._clock.monotonic()

    async def take_over(self) -> None:
        """Run again what engines that are gone have left."""
        try:
            rows = await self._ends.take_over()
            for row in rows:
                await self._run_again(row)
        except (psycopg.OperationalError, OSError) as error:
            log.warning("express executions not taken over", error=str(error))

    async def _run_again(self, row: ExpressRow) -> None:
        if self.express.execution(row.execution_id) is not None:
            return
        revision = await self._revision(row.revision_id)
        if revision is None:
            log.error("express execution without its revision", execution=row.arn)
            await self._ends.forget(row)
            return
        log.info("express execution runs again", execution=row.arn)
        request = await self._request(row, revision.role_arn)
        self._run(row, request, revision.logging_configuration)

    async def settled(self) -> None:
        """Wait until nothing runs and every end is written."""
        await self.express.idle.wait()
        await self._ends.written.wait()

    async def stop(self) -> None:
        """Let what runs end, write what has ended, and let go of the rest."""
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self.settled()
        except TimeoutError:
            log.warning("express executions left", count=self.express.running)
        try:
            await self._ends.release()
        except (psycopg.Error, OSError) as error:
            log.warning("express executions not released", error=str(error))


def _tell(future: asyncio.Future[ExpressResult], run: Run) -> None:
    """Tell whoever waits how an execution has ended."""
    if future.done():
        return
    if run.failure is not None:
        future.set_exception(run.failure)
    else:
        future.set_result(result_of(run))
