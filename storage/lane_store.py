"""A lane's own connection to the database: its journal, and what goes beside it.

The session commits synchronously and gives up before its leases run out: an idle
transaction and an unanswered packet both end it within the lease. A lost connection is
opened again on the next call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from psycopg import AsyncConnection

from runtime.events import HistoryEvent
from runtime.identity import ExecutionId
from runtime.journal import Batch, Entry
from storage.arrays import int4_array, int8_array, register_arrays
from storage.connections import prepare_session
from storage.database import libpq_url
from storage.postgres_journal import PostgresJournal, execution_keys
from storage.statements import statements

_LANES: Final = statements("lanes")
_JOURNAL: Final = statements("journal")


@dataclass(frozen=True, slots=True)
class ExecutionFacts:
    """What must be known of an execution before it is folded."""

    revision_id: str
    status: str
    is_quarantined: bool = False


async def connect_engine(
    url: str, *, lease_seconds: float, name: str
) -> AsyncConnection[Any]:
    """Open a session of an engine: autocommit, durable, ended within a lease."""
    milliseconds = int(lease_seconds * 1000)
    connection = await AsyncConnection.connect(
        libpq_url(url),
        autocommit=True,
        prepare_threshold=1,
        application_name=name,
        connect_timeout=max(2, int(lease_seconds)),
        tcp_user_timeout=milliseconds,
        options="-c synchronous_commit=on"
        f" -c idle_in_transaction_session_timeout={milliseconds}",
    )
    register_arrays(connection)
    try:
        await prepare_session(connection)
    except BaseException:  # a cancellation, too, must leave no session behind
        await connection.close()
        raise
    return connection


class InboxRow(NamedTuple):
    """A stimulus that waits, who asked for it, and the engine that waits for its verdict."""

    shard: int
    id: int
    execution_id: ExecutionId
    kind: str
    body: str
    asker: str | None
    caller: str | None


class LaneStore:
    """The journal of a lane, over a connection that heals."""

    def __init__(self, url: str, *, lease_seconds: float, name: str) -> None:
        """Remember how to connect; the first use connects."""
        self._url = url
        self._lease_seconds = lease_seconds
        self._name = name
        self._connection: AsyncConnection[Any] | None = None
        self._journal: PostgresJournal | None = None
        self._connecting = asyncio.Lock()

    async def journal(self) -> PostgresJournal:
        """Return the journal over a live connection."""
        if self._is_connected and self._journal is not None:
            return self._journal
        async with self._connecting:  # two tasks at once must not open two sessions
            if self._journal is None or not self._is_connected:
                await self.close()
                self._connection = await connect_engine(
                    self._url, lease_seconds=self._lease_seconds, name=self._name
                )
                self._journal = PostgresJournal(self._connection)
            return self._journal

    @property
    def _is_connected(self) -> bool:
        return self._connection is not None and not self._connection.closed

    async def close(self) -> None:
        """End the session."""
        connection, self._connection, self._journal = self._connection, None, None
        if connection is not None:
            await connection.close()

    async def commit(self, batch: Batch) -> None:
        """Write a batch; see `runtime.journal.Journal`."""
        await (await self.journal()).commit(batch)

    async def load(
        self, executions: Sequence[tuple[int, ExecutionId]]
    ) -> dict[ExecutionId, list[HistoryEvent]]:
        """Read whole logs."""
        return await (await self.journal()).load(executions)

    async def has_landed(self, entry: Entry) -> bool:
        """Tell whether an entry's first event exists."""
        return await (await self.journal()).has_landed(entry)

    async def facts(
        self, executions: Sequence[tuple[int, ExecutionId]]
    ) -> dict[ExecutionId, ExecutionFacts]:
        """Read the rows of executions, in one statement."""
        connection = (await self.journal()).connection
        cursor = await connection.execute(
            _JOURNAL["load_records"], execution_keys(executions)
        )
        return {
            execution_id: ExecutionFacts(revision_id, status, is_aside)
            for execution_id, revision_id, status, is_aside in await cursor.fetchall()
        }

    async def bump_epochs(
        self, epochs: Mapping[int, int], holder: str
    ) -> dict[int, int]:
        """Take the own leases anew; return those that are still ours, at their new epochs."""
        cursor = await self._execute("bump_epochs", _fence(epochs) | {"holder": holder})
        return dict(await cursor.fetchall())

    async def held(self, epochs: Mapping[int, int]) -> set[int]:
        """Return which leases still stand at their epochs."""
        cursor = await self._execute("held_epochs", _fence(epochs))
        return {row[0] for row in await cursor.fetchall()}

    async def quarantine(
        self,
        shard: int,
        execution_id: ExecutionId,
        reason: str,
        detail: str,
        now: datetime,
    ) -> None:
        """Set an execution aside, durably."""
        await self._execute(
            "quarantine",
            {
                "shard": shard,
                "execution_id": execution_id,
                "reason": reason,
                "detail": _storable(detail),
                "now": now,
            },
        )

    async def inbox(self, shards: Sequence[int], most: int = 5_000) -> list[InboxRow]:
        """Read what waits in shards."""
        cursor = await self._execute(
            "take_over_inbox", {"shards": int4_array(shards), "most": most}
        )
        return [InboxRow(*row) for row in await cursor.fetchall()]

    async def tasks(
        self, shards: Sequence[int]
    ) -> list[tuple[int, ExecutionId, int, str, str | None]]:
        """Read open attempts of shards: shard, execution, event, function, worker."""
        cursor = await self._execute("take_over_tasks", {"shards": int4_array(shards)})
        return list(await cursor.fetchall())

    async def _execute(self, name: str, parameters: dict[str, Any]) -> Any:
        connection = (await self.journal()).connection
        return await connection.execute(_LANES[name], parameters)


def _fence(epochs: Mapping[int, int]) -> dict[str, Any]:
    return {"shards": int4_array(epochs), "epochs": int8_array(epochs.values())}


def _storable(text: str) -> str:
    """Return a text as a column takes it: without NUL and lone surrogates."""
    plain = text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return plain.encode("utf-8", "replace").decode()
