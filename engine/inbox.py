"""Stimuli between processes: rows of the `inbox` table, and hints that they are there.

A process that does not hold a shard writes the stimulus into the inbox; the holder consumes
it in the transaction of the events that it causes, and its verdict, written into the row,
answers the sender. Rows are never read by "id greater than the last": sequence order is not
commit order. A hint only shortens the wait until the next poll of the inbox, and a letter
with the verdict the wait until the next poll of the rows that were sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
import structlog
from psycopg import sql

from engine.letters import body_of, caller_of, kind_of
from engine.post import EVERYBODY, Post, channel_of
from runtime import stimuli as st
from runtime.identity import ExecutionId, uuid_bytes
from runtime.stimuli import Verdict
from scheduler.clock import Clock
from storage.arrays import int4_array, int8_array, text_array, uuid_array
from storage.lane_store import connect_engine
from storage.statements import statements

log = structlog.get_logger(__name__)

_SQL: Final = statements("inbox")
_ANSWERS: Final = statements("answers")
_HINT: Final = "inbox"
_HINT_PAUSE: Final = 0.005
_RETRY_SECONDS: Final = 0.5
_SETTLE_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    shard: int
    execution_id: ExecutionId
    kind: str
    body: str
    caller: str | None
    future: asyncio.Future[Verdict]


class Inbox:
    """Sends stimuli to other engines, hears their hints, and fetches verdicts."""

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        lease_seconds: float,
        post: Post,
        on_hint: Callable[[], None],
        poll_seconds: float = 0.2,
    ) -> None:
        """Take how to connect, whom to tell of hints, and who opens letters."""
        self._url = url
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._on_hint = on_hint
        self._post = post
        post.readers["verdict"] = self._told
        self._poll_seconds = poll_seconds
        self._asked: dict[int, _Asked] = {}
        self._outgoing: list[_Asked] = []
        self._has_hint = False
        self._has_given_up = False
        self._next_fetch = 0.0
        self._wake = asyncio.Event()
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def ask(
        self,
        shard: int,
        execution_id: ExecutionId,
        stimulus: st.Stimulus,
        patience: float,
    ) -> Verdict:
        """Send a stimulus and wait for its verdict; TimeoutError when none comes in time.

        The stimulus stays sent: the same call again finds its effect.
        """
        future: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._outgoing.append(
            _Asked(
                shard=shard,
                execution_id=execution_id,
                kind=kind_of(stimulus),
                body=body_of(stimulus),
                caller=caller_of(stimulus),
                future=future,
            )
        )
        self._wake.set()
        try:
            return await asyncio.wait_for(future, patience)
        finally:
            if future.cancelled():
                self._has_given_up = True
                self._wake.set()

    async def settle(self) -> None:
        """Wait until it is written down which askers have given up."""
        async with asyncio.timeout(_SETTLE_SECONDS):
            while self._has_given_up:
                await asyncio.sleep(_HINT_PAUSE)

    def hint(self) -> None:
        """Tell the other engines, soon, that something waits for one of them."""
        self._has_hint = True
        self._wake.set()

    async def run(self) -> None:
        """Send and fetch verdicts until cancelled."""
        try:
            while True:
                await self._wait()
                try:
                    await self._work()
                except (psycopg.Error, OSError) as error:
                    log.warning("inbox not reached", error=str(error))
                    await self._disconnect()
                    await asyncio.sleep(_RETRY_SECONDS)
                    self._wake.set()
        finally:
            await self._disconnect()

    async def _wait(self) -> None:
        timeout = self._poll_seconds if self._asked else None
        try:
            await asyncio.wait_for(self._wake.wait(), timeout)
        except TimeoutError:
            return
        await asyncio.sleep(_HINT_PAUSE)
        self._wake.clear()

    async def _work(self) -> None:
        connection = await self._connect()
        if self._outgoing:
            await self._send_all(connection)
            self._has_hint = True
        if self._has_hint:
            self._has_hint = False
            await connection.execute(_SQL["hint"], {"hint": _HINT})
        if self._has_given_up:
            await self._give_up(connection)
        if self._asked and self._clock.monotonic() >= self._next_fetch:
            await self._fetch_verdicts(connection)
            self._next_fetch = self._clock.monotonic() + self._poll_seconds

    async def _send_all(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Send what waits; what the database refuses is found and refused alone."""
        most = len(self._outgoing)
        while self._outgoing:
            some = self._outgoing[:most]
            try:
                await self._send(connection, some)
            except psycopg.DataError as error:
                if len(some) > 1:
                    most = 1
                    continue
                _refuse(some[0], error)
            del self._outgoing[: len(some)]

    async def _send(
        self, connection: psycopg.AsyncConnection[Any], outgoing: Sequence[_Asked]
    ) -> None:
        cursor = await connection.execute(
            _SQL["send_many"],
            {
                "execution_ids": uuid_array(
                    uuid_bytes(asked.execution_id) for asked in outgoing
                ),
                "shards": int4_array(asked.shard for asked in outgoing),
                "kinds": text_array(asked.kind for asked in outgoing),
                "bodies": text_array(asked.body for asked in outgoing),
                "callers": text_array(asked.caller for asked in outgoing),
                "now": self._clock.now(),
                "asker": self._post.engine,
            },
        )
        ids = sorted(row[0] for row in await cursor.fetchall())
        self._asked |= zip(ids, outgoing, strict=True)
        self._has_given_up |= any(asked.future.cancelled() for asked in outgoing)

    async def _fetch_verdicts(self, connection: psycopg.AsyncConnection[Any]) -> None:
        cursor = await connection.execute(
            _SQL["verdicts"],
            {
                "shards": int4_array(asked.shard for asked in self._asked.values()),
                "ids": int8_array(self._asked),
            },
        )
        for row, verdict in await cursor.fetchall():
            self._told("", row, verdict)

    def _told(self, _engine: str, row: int, verdict: str) -> None:
        """Answer who asked; nobody may wait any more."""
        asked = self._asked.get(row)
        if asked is not None and not asked.future.done():
            asked.future.set_result(Verdict(verdict))
            del self._asked[row]

    async def _give_up(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Give free the verdicts that nobody waits for any more; see `engine/repeats.py`."""
        asked = self._asked
        rows = {row: a.shard for row, a in asked.items() if a.future.cancelled()}
        await connection.execute(
            _ANSWERS["give_up"],
            {"shards": int4_array(rows.values()), "ids": int8_array(rows)},
        )
        for row in rows:
            del asked[row]
        self._has_given_up = any(a.future.cancelled() for a in asked.values())

    async def listen(self) -> None:
        """Hear hints until cancelled; a lost listener comes back, a poll covers the gap."""
        while True:
            try:
                await self._hear()
            except (psycopg.Error, OSError) as error:
                log.warning("hints not heard", error=str(error))
                await asyncio.sleep(_RETRY_SECONDS)

    async def _hear(self) -> None:
        """Hear hints for as long as one connection lives."""
        connection = await connect_engine(
            self._url, lease_seconds=self._lease_seconds, name="stepwell listener"
        )
        async with connection:
            for channel in (EVERYBODY, channel_of(self._post.engine)):
                await connection.execute(
                    sql.SQL("LISTEN {}").format(sql.Identifier(channel))
                )
            async for notification in connection.notifies():
                if notification.payload != _HINT:
                    self._post.open(notification.payload)
                    continue
                self._on_hint()

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await connect_engine(
                self._url, lease_seconds=self._lease_seconds, name="stepwell inbox"
            )
            # Who asks relies on the verdict only, and the commit that writes it is durable.
            await self._connection.execute(b"SET synchronous_commit = off")
        return self._connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def _refuse(asked: _Asked, error: psycopg.Error) -> None:
    log.warning("stimulus refused", kind=asked.kind, error=str(error))
    if not asked.future.done():
        asked.future.set_exception(error)
