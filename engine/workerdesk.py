"""The worker protocol, as the HTTP endpoints call it: poll, report, bye; and who is gone.

Everything a worker is told twice, or reports twice, is found out by the token: an attempt is
handed out to one session only, and closed once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import psycopg
import structlog

from asl.payload import Payload
from engine.crossing import WorkerTables
from engine.errors import BusyError
from engine.hall import Hall
from engine.handover import (
    ByeRequest,
    PollRequest,
    PollResponse,
    ReportRequest,
    ReportResponse,
    TaskAssignment,
    TaskFailure,
    TaskSuccess,
)
from engine.handover import Verdict as ReportVerdict
from engine.manyasks import Ask
from engine.router import Router
from engine.sessions import Session
from engine.work import TaskKey
from runtime import stimuli as st
from runtime.tokens import TokenSigner
from scheduler.clock import Clock

log = structlog.get_logger(__name__)

_LOOK_SECONDS: Final = 1.0
_LOOKS_PER_TIMEOUT: Final = 5


class WorkerDesk:
    """Serves the workers that poll this process."""

    def __init__(
        self,
        *,
        hall: Hall,
        router: Router,
        tables: WorkerTables,
        claim_tables: WorkerTables,
        signer: TokenSigner,
        clock: Clock,
        session_timeout: float,
    ) -> None:
        """Take the hall and how results reach their executions."""
        self._hall = hall
        self._router = router
        self._tables = tables
        self._claim_tables = claim_tables
        self._signer = signer
        self._clock = clock
        self._timeout = session_timeout
        self._pause = min(_LOOK_SECONDS, session_timeout / _LOOKS_PER_TIMEOUT)
        self._strays: set[tuple[str, TaskKey]] = set()
        self._wake = asyncio.Event()
        self._newcomers: list[str] = []
        self._leaving: list[str] = []
        self._claims = asyncio.Event()
        self._missing: list[tuple[Session, TaskKey]] = []
        self._last_look = clock.monotonic()

    # The protocol

    async def poll(self, request: PollRequest) -> PollResponse:
        """Wait for tasks; what was assigned and is missing from the inventory comes again."""
        is_new = request.session not in self._hall.sessions
        session, missing = self._hall.meet(request)
        if is_new:
            self._newcomers.append(session.id)
        self._missing += [(session, key) for _, key in missing]
        if is_new or missing:
            self._wake.set()
        if session.free > 0 and not self._router.holds_everything:
            self._claims.set()
        if not session.has_news and request.wait > 0:
            await self._wait(session, request.wait)
        tasks, cancelled = session.take_news()
        return PollResponse(tasks=tasks, cancelled=cancelled)

    async def _wait(self, session: Session, seconds: float) -> None:
        session.wake()
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        session.waiter = waiter
        session.polls += 1
        try:
            async with asyncio.timeout(seconds):
                await waiter
        except TimeoutError:
            return
        except asyncio.CancelledError:
            # Its client hung up: what would be assigned now, nobody would fetch.
            if session.waiter is waiter:
                session.capacity = 0
            raise
        finally:
            session.polls -= 1
            session.seen = self._clock.monotonic()

    async def report(self, request: ReportRequest) -> ReportResponse:
        """Take results and heartbeats; answered when their events exist."""
        session = self._hall.sessions.get(request.session)
        if session is not None:
            session.seen = self._clock.monotonic()
        for token in request.heartbeats:
            self._beat(token)
        verdicts = await self._take(request)
        cancelled = () if session is None else tuple(session.cancelled)
        if session is not None:
            session.cancelled.clear()
        return ReportResponse(verdicts=tuple(verdicts), cancelled=cancelled)

    async def _take(self, request: ReportRequest) -> list[ReportVerdict | None]:
        """Pass results on; one that is not a token of ours fails none of its neighbours."""
        verdicts: list[ReportVerdict | None] = []
        asks: list[Ask] = []
        for result in request.results:
            parts = self._signer.verify(result.token)
            verdicts.append(ReportVerdict.INVALID if parts is None else None)
            if parts is not None:
                self._hall.reported(request.session, result.token)
                stimulus = _stimulus(parts.scheduled_id, result)
                asks.append((parts.shard, parts.execution_id, stimulus))
        try:
            found = iter(await self._router.ask_many(asks))
        except BusyError:
            return verdicts
        for index, verdict in enumerate(verdicts):
            if verdict is None:
                answer = next(found)
                verdicts[index] = (
                    None if answer is None else ReportVerdict(answer.value)
                )
        return verdicts

    def _beat(self, token: str) -> None:
        parts = self._signer.verify(token)
        if parts is not None:
            beat = st.Heartbeat(parts.scheduled_id)
            self._router.send(parts.shard, parts.execution_id, beat)

    async def bye(self, request: ByeRequest) -> None:
        """Deregister a session; what it has not begun, or left, ends as Lambda.Unknown."""
        keys = self._hall.part(request.session)
        for key in keys:
            self._lose(request.session, key)
        self._leaving.append(request.session)
        self._wake.set()

    # Errands: redelivery, tasks of other engines, sessions that are gone

    def look(self) -> None:
        """Look soon for tasks that wait elsewhere."""
        self._wake.set()
        self._claims.set()

    async def run(self) -> None:
        """Do what needs the database, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(self._pause):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                await self._work()
            except (psycopg.Error, OSError) as error:
                log.warning("worker tables not reached", error=str(error))
                await asyncio.sleep(self._pause)
                self._excuse_everybody()

    async def _work(self) -> None:
        await self._welcome()
        await self._redeliver()
        while self._leaving:
            await self._tables.forget(self._leaving[0])
            self._leaving.pop(0)
        now = self._clock.monotonic()
        if now - self._last_look < self._pause * 0.9:
            return
        if now - self._last_look > self._timeout / 2:
            # We were not listening: nobody can be blamed for not having been heard.
            self._excuse_everybody()
        self._last_look = now
        await self._look_after_sessions(now)

    async def _welcome(self) -> None:
        """Learn what newcomers hold already: they polled another process before."""
        while self._newcomers:
            session = self._hall.sessions.get(self._newcomers[0])
            if session is not None:
                for key in await self._tables.held_by(session.id):
                    shard, execution_id, event_id = key
                    self._hall.adopt(session.id, (shard, execution_id, event_id))
            self._newcomers.pop(0)

    async def _redeliver(self) -> None:
        while self._missing:
            session, key = self._missing[0]
            token = self._signer.sign(*key)
            if token in session.assigned and token not in session.queued:
                task = await self._assignment(session, key)
                if task is None:
                    session.drop(token)
                else:
                    session.assign(task, key)
            self._missing.pop(0)

    async def _assignment(
        self, session: Session, key: TaskKey
    ) -> TaskAssignment | None:
        """Make an attempt's assignment; one whose log cannot be read is nobody's."""
        try:
            return await self._tables.assignment(
                key, session.id, signer=self._signer, clock=self._clock
            )
        except (psycopg.Error, OSError):
            raise
        except Exception:
            log.exception("attempt not delivered again", execution=key[1])
            return None

    async def run_claims(self) -> None:
        """Look for tasks of other engines while slots are free, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(self._pause):
                    await self._claims.wait()
            except TimeoutError:
                pass
            self._claims.clear()
            try:
                if not self._router.holds_everything:
                    await self._claim_elsewhere()
            except (psycopg.Error, OSError) as error:
                log.warning("waiting tasks not read", error=str(error))
                await asyncio.sleep(self._pause)

    async def _claim_elsewhere(self) -> None:
        """Send claims for tasks of other engines, for the slots that are free here."""
        free = [session for session in self._hall.sessions.values() if session.free > 0]
        if not free:
            return
        functions = sorted({name for session in free for name in session.functions})
        slots = sum(session.free for session in free)
        waiting = await self._claim_tables.waiting_elsewhere(
            functions, self._router.held, min(slots, 500)
        )
        claims = [
            self._claim(key, worker)
            for *key, function in waiting
            if (worker := self._hall.claim(function)) is not None
        ]
        claimed = await asyncio.gather(*claims)
        for key, worker, is_ours in claimed:
            session = self._hall.sessions.get(worker)
            if is_ours and session is not None:
                session.assigned[self._signer.sign(*key)] = key
                self._missing.append((session, key))
            self._hall.unclaim(worker)
        if claimed:
            self._wake.set()

    async def _claim(
        self, key: Sequence[object], worker: str
    ) -> tuple[TaskKey, str, bool]:
        shard, execution_id, scheduled_id = key
        assert isinstance(shard, int)
        assert isinstance(execution_id, str)
        assert isinstance(scheduled_id, int)
        claim = st.TaskClaimed(scheduled_id, worker)
        try:
            verdict = await self._router.ask(shard, execution_id, claim)
        except Exception:
            log.exception("claim not answered", execution=execution_id)
            return (shard, execution_id, scheduled_id), worker, False
        is_ours = verdict is st.Verdict.ACCEPTED
        return (shard, execution_id, scheduled_id), worker, is_ours

    async def _look_after_sessions(self, now: float) -> None:
        await self._part_with_silent(now)
        alive = list(self._hall.sessions.values())
        if alive:
            await self._tables.show(alive, now)
            await self._adopt_strays(alive)
        overdue = self._hall.absent.overdue(now - self._timeout)
        if overdue:
            elsewhere = await self._tables.alive(overdue, self._timeout)
            for worker in overdue:
                if worker in elsewhere:
                    self._hall.absent.excuse(worker, now)
                    continue
                log.warning("worker gone", session=worker)
                for key in self._hall.absent.take(worker):
                    self._lose(worker, key)

    async def _part_with_silent(self, now: float) -> None:
        """Forget sessions that poll no more: here, where they poll elsewhere, or at all."""
        silent = [s for s in self._hall.sessions.values() if self._is_silent(s, now)]
        if not silent:
            return
        ids = [session.id for session in silent]
        elsewhere = await self._tables.alive(ids, self._timeout)
        for session in silent:
            if not self._is_silent(session, now):
                continue
            keys = self._hall.part(session.id)
            if session.id in elsewhere:
                for key in keys:
                    self._hall.adopt(session.id, key)
                continue
            log.warning("worker lost", session=session.id, worker=session.name)
            for key in keys:
                self._lose(session.id, key)

    def _is_silent(self, session: Session, now: float) -> bool:
        return not session.polls and now - session.seen > self._timeout

    async def _adopt_strays(self, sessions: Sequence[Session]) -> None:
        """Deliver attempts that other engines have started for a session of ours.

        A claim may be granted after we have given up waiting for the answer. Only what is
        unknown here for two looks is a stray: the end of others may just be on its way.
        """
        if self._router.holds_everything:
            return
        by_id = {session.id: session for session in sessions}
        found = await self._tables.held_elsewhere(list(by_id), self._router.held)
        strays = {
            (worker, key)
            for worker, key in found
            if self._signer.sign(*key) not in by_id[worker].assigned
        }
        for worker, key in strays & self._strays:
            self._hall.adopt(worker, key)
            self._missing.append((by_id[worker], key))
            self._wake.set()
        self._strays = strays - self._strays

    def _excuse_everybody(self) -> None:
        now = self._clock.monotonic()
        self._hall.absent.renew(now)
        for session in self._hall.sessions.values():
            session.seen = now

    def _lose(self, worker: str, key: TaskKey) -> None:
        shard, execution_id, scheduled_id = key
        self._router.send(shard, execution_id, st.WorkerLost(scheduled_id, worker))


def _stimulus(
    scheduled_id: int, result: TaskSuccess | TaskFailure
) -> st.WorkerReturned | st.WorkerRaised:
    if isinstance(result, TaskSuccess):
        return st.WorkerReturned(scheduled_id, Payload.of_text(result.output))
    return st.WorkerRaised(scheduled_id, result.error, result.cause)
