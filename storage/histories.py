"""The log of one execution, page by page in either direction, or whole.

A payload is stored once, in the first event that carries it, and the name of a state only
in the event that entered it. Where those lie outside a page they are fetched by a second
statement, so a page costs two look-ups by primary key, however long the history is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from asl.jsontext import WRAPPED_DEPTH, loads
from asl.payload import Json
from runtime.identity import ExecutionId
from storage.connections import Connection, Connections
from storage.statements import statements

_SQL: Final = statements("histories")

# Beyond any event id; the type of the column.
_LAST_ID: Final = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One event as it is stored, with its payload and its state's name filled in.

    `data` and `memo` are JSON texts, `details` is parsed; `characters` tells how long the
    texts of data and details are. `scope` None is the root scope.
    """

    event_id: int
    previous_id: int
    type: str
    time: datetime
    scope: int | None
    visit: int | None
    state_name: str | None
    data: str | None
    data_from: int | None
    details: dict[str, Json] | None
    memo: str | None
    characters: int = 0


class _Columns(NamedTuple):
    """The columns of the statements that read pages, in their order."""

    event_id: int
    previous_id: int
    type: str
    time: datetime
    scope: int | None
    visit: int | None
    state_name: str | None
    data: str | None
    data_from: int | None
    details: str | None
    memo: str | None


class Histories:
    """The histories of an installation's executions."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def page(
        self, shard: int, execution_id: ExecutionId, *, after: int = 0, limit: int = 100
    ) -> list[EventRow]:
        """Return the events that follow `after`, oldest first."""
        return await self._page("page_forward", shard, execution_id, after, limit)

    async def page_backward(
        self,
        shard: int,
        execution_id: ExecutionId,
        *,
        before: int = _LAST_ID,
        limit: int = 100,
    ) -> list[EventRow]:
        """Return the events that precede `before`, newest first."""
        return await self._page("page_backward", shard, execution_id, before, limit)

    async def whole(self, shard: int, execution_id: ExecutionId) -> list[EventRow]:
        """Return every event, oldest first."""
        return await self.page(shard, execution_id, limit=_LAST_ID)

    async def _page(
        self,
        statement: str,
        shard: int,
        execution_id: ExecutionId,
        bound: int,
        limit: int,
    ) -> list[EventRow]:
        key = {"shard": shard, "execution_id": execution_id}
        async with self._connections() as connection:
            cursor = await connection.execute(
                _SQL[statement], key | {"bound": bound, "limit": limit}
            )
            rows = [_Columns(*row) for row in await cursor.fetchall()]
            known = {row.event_id: (row.state_name, row.data) for row in rows}
            missing = _references(rows) - known.keys()
            if missing:
                known |= await _elsewhere(connection, key, missing)
        return [_filled(row, known) for row in rows]


def _references(rows: Sequence[_Columns]) -> set[int]:
    visits = {row.visit for row in rows if row.visit is not None}
    return visits | {row.data_from for row in rows if row.data_from is not None}


async def _elsewhere(
    connection: Connection, key: dict[str, object], event_ids: Iterable[int]
) -> dict[int, tuple[str | None, str | None]]:
    cursor = await connection.execute(
        _SQL["elsewhere"], key | {"event_ids": list(event_ids)}
    )
    return {row[0]: (row[1], row[2]) for row in await cursor.fetchall()}


def _filled(row: _Columns, known: dict[int, tuple[str | None, str | None]]) -> EventRow:
    name, data = row.state_name, row.data
    if row.visit is not None and name is None:
        name = known[row.visit][0]
    if row.data_from is not None:
        data = known[row.data_from][1]
    details = None if row.details is None else loads(row.details, WRAPPED_DEPTH)
    assert details is None or isinstance(details, dict), "details are an object"
    return EventRow(
        event_id=row.event_id,
        previous_id=row.previous_id,
        type=row.type,
        time=row.time,
        scope=row.scope,
        visit=row.visit,
        state_name=name,
        data=data,
        data_from=row.data_from,
        details=details,
        memo=row.memo,
        characters=len(data or "") + len(row.details or ""),
    )
