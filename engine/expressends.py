"""Writes down that Express executions have ended: many at once, behind their backs.

Who waits for a synchronous execution has its answer already; an asynchronous one has nobody
who waits. What is not written when the process dies was an accepted execution, which runs
again, or the log of one that was not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
import structlog

from engine.express import Run
from engine.expresslog import packed_log
from storage.express import EndedRow, ExpressRow, ExpressTable

log = structlog.get_logger(__name__)

_MAX_GROUP: Final = 400
_MAX_QUEUE: Final = 10_000
_MAX_BEHIND: Final = 800
_MAX_TAKEN: Final = 500
_RETRY_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressResult:
    """How an Express execution has ended."""

    arn: str
    name: str
    status: str
    start_date: datetime
    stop_date: datetime
    output: str | None
    error: str | None
    cause: str | None


@dataclass(frozen=True, slots=True)
class Ended:
    """An execution that has ended; `is_accepted`: it has a row to be deleted."""

    row: ExpressRow
    run: Run
    logging: Mapping[str, Any] | None
    is_accepted: bool


class ExpressEnds:
    """Writes ends in groups; `has_room` is set while it is not far behind."""

    def __init__(self, table: ExpressTable) -> None:
        """Take a table that nobody else uses."""
        self._table = table
        self._ended: list[Ended] = []
        self._wake = asyncio.Event()
        self.written = asyncio.Event()
        self.written.set()
        self.has_room = asyncio.Event()
        self.has_room.set()

    @property
    def is_full(self) -> bool:
        """Whether more waits to be written than should."""
        return len(self._ended) >= _MAX_QUEUE

    def keep(self, ended: Ended) -> None:
        """Let the end of an execution be written with the next group."""
        self._ended.append(ended)
        self.written.clear()
        if len(self._ended) >= _MAX_BEHIND:
            self.has_room.clear()
        self._wake.set()

    async def work(self, seconds: float) -> None:
        """Write for some seconds at least, as long as the groups take."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()
        while self._ended:
            group = self._ended[:_MAX_GROUP]
            await self._write(group)
            del self._ended[: len(group)]
            if len(self._ended) < _MAX_BEHIND:
                self.has_room.set()
        self.written.set()

    async def take_over(self) -> list[ExpressRow]:
        """Take executions whose engine is gone."""
        return await self._table.take_over(_MAX_TAKEN)

    async def forget(self, row: ExpressRow) -> None:
        """Delete an execution that cannot run."""
        await self._table.forget([row])

    async def release(self) -> None:
        """Let others take at once what has not ended here."""
        await self._table.release()

    async def _write(self, group: Sequence[Ended]) -> None:
        logs: list[EndedRow] = []
        rest: list[ExpressRow] = []
        for each in group:
            row = _ended_row(each)
            if row is not None:
                logs.append(row)
            elif each.is_accepted:
                rest.append(each.row)
        if rest:
            await persist(lambda: self._table.forget(rest))
        if logs:
            await self._write_logs(logs)

    async def _write_logs(self, logs: Sequence[EndedRow]) -> None:
        """Write logs; one that the database refuses is given up alone."""
        try:
            await persist(lambda: self._table.log(logs))
        except psycopg.Error:
            if len(logs) > 1:
                for each in logs:
                    await self._write_logs([each])
                return
            row = logs[0].row
            log.exception("express log refused", execution=row.arn)
            await persist(lambda: self._table.forget([row]))


async def persist(write: Callable[[], Awaitable[None]]) -> None:
    """Write until the database has answered; to write twice must change nothing."""
    while True:
        try:
            await write()
        except (psycopg.OperationalError, OSError) as error:
            log.warning("express executions not written", error=str(error))
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            return


def _ended_row(ended: Ended) -> EndedRow | None:
    """Return what is to be logged of an execution; None: nothing, or nothing that can be."""
    if ended.run.failure is not None:
        return None
    row, execution = ended.row, ended.run.execution
    try:
        packed, last_id = packed_log(row.log_head, ended.run.events, ended.logging)
    except Exception:
        log.exception("express log without a form", execution=row.arn)
        return None
    if not packed:
        return None
    assert execution.started is not None
    assert execution.stopped is not None, "the execution has ended"
    return EndedRow(
        row=row,
        is_accepted=ended.is_accepted,
        status=execution.status.value,
        start_date=execution.started,
        stop_date=execution.stopped,
        last_event_id=last_id,
        log=packed,
    )


def result_of(run: Run) -> ExpressResult:
    """Describe the end of an execution."""
    execution = run.execution
    assert execution.started is not None
    assert execution.stopped is not None, "the execution has ended"
    return ExpressResult(
        arn=execution.arn,
        name=execution.name,
        status=execution.status.value,
        start_date=execution.started,
        stop_date=execution.stopped,
        output=None if execution.output is None else execution.output.text,
        error=execution.error,
        cause=execution.cause,
    )
