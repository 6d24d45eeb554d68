"""Express executions in the database: accepted, ended, and taken from who is gone.

An accepted execution is a row until it has ended. Its log, where its machine asks for one,
is written in the transaction that deletes the row, so that it is written once, however often
the execution ran.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row

from runtime.identity import ExecutionId, uuid_bytes
from storage import elements
from storage.arrays import (
    int2_array,
    int4_array,
    text_array,
    timestamptz_array,
    uuid_array,
)
from storage.copying import copy_data, row_head
from storage.lane_store import LaneStore
from storage.statements import statements

_SQL: Final = statements("express")
_HEAD: Final = row_head(13)


@dataclass(slots=True, kw_only=True)
class ExpressRow:
    """An execution as it was accepted; `caller` is who started it, as JSON text."""

    shard: int
    execution_id: ExecutionId
    revision_id: str
    arn: str
    state_machine_arn: str
    version_arn: str | None
    alias_arn: str | None
    trace_header: str | None
    input: str
    caller: str | None = None

    @property
    def name(self) -> str:
        """The execution's name, the last part but one of its ARN."""
        return self.arn.rsplit(":", 2)[1]

    @property
    def log_head(self) -> bytes:
        """What each row of the execution's log begins with."""
        key = elements.uuid(uuid_bytes(self.execution_id))
        return _HEAD + key + elements.int4(self.shard)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRow:
    """An execution that has ended, and its log in packed rows, as `copy_events` wants them.

    `is_accepted`: it has a row to be deleted.
    """

    row: ExpressRow
    is_accepted: bool
    status: str
    start_date: datetime
    stop_date: datetime
    last_event_id: int
    log: bytes


class ExpressTable:
    """What one loop reads and writes, over a connection of its own."""

    def __init__(self, store: LaneStore, *, holder: str) -> None:
        """Take the connection, and the engine that runs what is accepted."""
        self._store = store
        self._holder = holder

    async def accept(self, rows: Sequence[ExpressRow], now: datetime) -> None:
        """Make executions durable; to do it again changes nothing."""
        await self._execute(
            "accept",
            _columns(rows)
            | {
                "start_dates": timestamptz_array(now for _ in rows),
                "inputs": text_array(row.input for row in rows),
                "callers": text_array(row.caller for row in rows),
                "holder": self._holder,
            },
        )

    async def forget(self, rows: Sequence[ExpressRow]) -> None:
        """Delete executions that have ended and leave no log."""
        keys = {
            "shards": int4_array(row.shard for row in rows),
            "execution_ids": uuid_array(uuid_bytes(row.execution_id) for row in rows),
        }
        await self._execute("forget", keys)

    async def log(self, ended: Sequence[EndedRow]) -> None:
        """Write the logs of executions that have ended; to do it again changes nothing."""
        connection = (await self._store.journal()).connection
        async with connection.transaction(), connection.cursor() as cursor:
            await cursor.execute(_SQL["record"], _records(ended))
            recorded = {row[0] for row in await cursor.fetchall()}
            logs = [each.log for each in ended if each.row.execution_id in recorded]
            if logs:
                async with cursor.copy(_SQL["copy_events"]) as copy:
                    await copy.write(copy_data(logs))

    async def take_over(self, most: int) -> list[ExpressRow]:
        """Take executions whose engine is gone."""
        connection = (await self._store.journal()).connection
        async with connection.cursor(row_factory=class_row(ExpressRow)) as cursor:
            parameters = {"holder": self._holder, "most": most}
            await cursor.execute(_SQL["take_over"], parameters)
            return await cursor.fetchall()

    async def release(self) -> None:
        """Let others take at once what has not ended here."""
        await self._execute("release", {"holder": self._holder})

    async def _execute(self, name: str, parameters: dict[str, Any]) -> None:
        connection = (await self._store.journal()).connection
        await connection.execute(_SQL[name], parameters)


def _columns(rows: Sequence[ExpressRow]) -> dict[str, Any]:
    return {
        "execution_ids": uuid_array(uuid_bytes(row.execution_id) for row in rows),
        "revision_ids": uuid_array(uuid_bytes(row.revision_id) for row in rows),
        "shards": int4_array(row.shard for row in rows),
        "arns": text_array(row.arn for row in rows),
        "machine_arns": text_array(row.state_machine_arn for row in rows),
        "version_arns": text_array(row.version_arn for row in rows),
        "alias_arns": text_array(row.alias_arn for row in rows),
        "trace_headers": text_array(row.trace_header for row in rows),
    }


def _records(ended: Sequence[EndedRow]) -> dict[str, Any]:
    return _columns([each.row for each in ended]) | {
        "names": text_array(each.row.name for each in ended),
        "start_dates": timestamptz_array(each.start_date for each in ended),
        "stop_dates": timestamptz_array(each.stop_date for each in ended),
        "last_event_ids": int4_array(each.last_event_id for each in ended),
        "accepted": int2_array(int(each.is_accepted) for each in ended),
        "statuses": text_array(each.status for each in ended),
    }
