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
from runtime.principal import Principal
from runtime.tokens import TokenSigner
from scheduler.clock import Clock

log = structlog.get_logger(__name__)

_LOOK_SECONDS: Final = 1.0
_LOOKS_PER_TIMEOUT: Final = 5
_PARTING_SECONDS: Final = 4.0
_PARTING_LOOK_SECONDS: Final = 0.1


class WorkerDesk:
    """Serves the workers that poll this process."""

    def __init__(
        self,
        *,
        hall: Hall,
        router: Router,
        tables: WorkerTables,
        look_tables: WorkerTables,
        signer: TokenSigner,
        clock: Clock,
        session_timeout: float,
    ) -> None:
        """Take the hall and how results reach their executions."""
        self._hall = hall
        self._router = router
        self._tables = tables
        self._look_tables = look_tables
        self._signer = signer
        self._clock = clock
        self._timeout = session_timeout
        self._pause = min(_LOOK_SECONDS, session_timeout / _LOOKS_PER_TIMEOUT)
        # Session and token of what differed at the last look.
        self._strays: set[tuple[str, str]] = set()
        self._ended: set[tuple[str, str]] = set()
        self._wake = asyncio.Event()
        self._newcomers: list[str] = []
        self._leaving: list[str] = []
        self._missing: list[tuple[Session, TaskKey]] = []
        self._last_look = clock.monotonic()

    # The protocol

    async def poll(self, request: PollRequest) -> PollResponse:
        """Wait for tasks; what was assigned and is missing from the inventory comes again."""
        is_new = request.session not in self._hall.sessions
        session, missing = self._hall.meet(request)
        if is_new:
            self._newcomers.append(session.id)
            self._wake.set()
        for _, key in missing:
            self.deliver(session, key)
        if not request.free:
            self._hall.lending.call_back(session)
        if not request.free and not request.inventory:
            await self._until_nothing_comes(session)
        if not session.has_news and request.wait > 0:
            await self._wait(session, request.wait)
        tasks, cancelled = session.take_news()
        return PollResponse(tasks=tasks, cancelled=cancelled)

    async def _until_nothing_comes(self, session: Session) -> None:
        """Let a worker that leaves have what is still on its way to it."""
        deadline = self._clock.monotonic() + _PARTING_SECONDS
        while session.on_its_way and not session.has_news:
            if self._clock.monotonic() > deadline:
                return
            await self._wait(session, _PARTING_LOOK_SECONDS)
            self._hall.lending.lapse(session)

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
                self._hall.lending.call_back(session)
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
                stimulus = _stimulus(parts.scheduled_id, result, request.caller)
                asks.append((parts.shard, parts.execution_id, stimulus))
        self._hall.lend_again(request.session)
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

    # Errands: sessions that come or leave, attempts to be delivered again

    def deliver(self, session: Session, key: TaskKey) -> None:
        """Deliver an attempt that is to be made from its log."""
        self._missing.append((session, key))
        self._wake.set()

    async def run(self) -> None:
        """Do errands as they come, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._welcome()
                await self._redeliver()
                await self._see_off()
            except (psycopg.Error, OSError) as error:
                log.warning("worker tables not reached", error=str(error))
                await asyncio.sleep(self._pause)
                self._wake.set()

    async def _see_off(self) -> None:
        while self._leaving:
            await self._tables.forget(self._leaving[0])
            self._leaving.pop(0)

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

    # Looks: who is gone, and what no letter has told

    async def run_looks(self) -> None:
        """Look after the sessions at intervals, whatever errands there are."""
        while True:
            await asyncio.sleep(self._pause)
            now = self._clock.monotonic()
            if now - self._last_look > self._timeout / 2:
                # We were not listening: nobody can be blamed for not having been heard.
                self._excuse_everybody()
            self._last_look = now
            self._hall.look()
            try:
                await self._look_after_sessions(now)
            except (psycopg.Error, OSError) as error:
                log.warning("worker tables not reached", error=str(error))
                self._excuse_everybody()

    async def _look_after_sessions(self, now: float) -> None:
        await self._part_with_silent(now)
        alive = list(self._hall.sessions.values())
        if alive:
            await self._look_tables.show(alive, now)
            await self._compare(alive)
        overdue = self._hall.absent.overdue(now - self._timeout)
        if overdue:
            elsewhere = await self._look_tables.alive(overdue, self._timeout)
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
        elsewhere = await self._look_tables.alive(ids, self._timeout)
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

    async def _compare(self, sessions: Sequence[Session]) -> None:
        """Compare what sessions hold of other engines' shards with what is known here.

        Letters may be lost: an attempt that was started is delivered, one that was closed is
        cancelled. Only what differs for two looks: others' letters may just be on their way.
        """
        if self._router.holds_everything:
            return
        by_id = {session.id: session for session in sessions}
        found = await self._look_tables.held_elsewhere(list(by_id), self._router.held)
        held = {(worker, self._signer.sign(*key)): key for worker, key in found}
        known = {
            (session.id, token)
            for session in sessions
            for token, key in session.assigned.items()
            if not self._router.holds(key[0])
        }
        strays, ended = held.keys() - known, known - held.keys()
        for worker, token in strays & self._strays:
            self._hall.adopt(worker, held[worker, token])
            self.deliver(by_id[worker], held[worker, token])
        for worker, token in ended & self._ended:
            by_id[worker].cancel(token)
        self._strays, self._ended = strays - self._strays, ended - self._ended

    def _excuse_everybody(self) -> None:
        now = self._clock.monotonic()
        self._hall.absent.renew(now)
        for session in self._hall.sessions.values():
            session.seen = now

    def _lose(self, worker: str, key: TaskKey) -> None:
        shard, execution_id, scheduled_id = key
        self._router.send(shard, execution_id, st.WorkerLost(scheduled_id, worker))


def _stimulus(
    scheduled_id: int, result: TaskSuccess | TaskFailure, caller: Principal | None
) -> st.WorkerReturned | st.WorkerRaised:
    if isinstance(result, TaskSuccess):
        return st.WorkerReturned(scheduled_id, Payload.of_text(result.output), caller)
    return st.WorkerRaised(scheduled_id, result.error, result.cause, caller)
