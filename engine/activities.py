"""Activities: tasks that somebody outside fetches with GetActivityTask.

A task of an activity waits in the `tasks` table until a poller is there, whichever process
it polls. This desk reads what waits for its own pollers, claims one task for each through
the lane that holds it, and hands it over when the Started event is committed. A task that
was claimed for a poller that is gone meanwhile goes to the next one: a broken poll never
consumes a task.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Final

import psycopg
import structlog

from engine.crossing import WorkerTables
from engine.errors import BusyError, PollersFullError, UnansweredError
from engine.router import Router
from engine.work import TaskKey
from runtime import stimuli as st
from runtime.limits import DEFAULTS, Limits
from runtime.stimuli import Verdict
from runtime.tokens import TokenSigner
from scheduler.clock import Clock

log = structlog.get_logger(__name__)

# What ActivityStarted shows of a poller that does not say who it is.
UNNAMED: Final = "unnamed"
_PAUSE_SECONDS: Final = 0.2
_MOST_CLAIMS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityTask:
    """One task in the hands of a poller; `input` is JSON text."""

    activity_arn: str
    token: str
    input: str


@dataclass(slots=True, eq=False)
class _Poller:
    worker: str
    future: asyncio.Future[ActivityTask]

    def give(self, task: ActivityTask) -> bool:
        """Hand a task over, unless the poller is gone."""
        if self.future.done():
            return False
        self.future.set_result(task)
        return True


@dataclass(slots=True)
class _Queue:
    """One activity: who polls it, and tasks whose pollers were gone."""

    pollers: deque[_Poller] = field(default_factory=deque)
    returned: deque[ActivityTask] = field(default_factory=deque)
    count: int = 0


class ActivityDesk:
    """Serves the pollers of activities that came to this process."""

    def __init__(
        self,
        *,
        tables: WorkerTables,
        router: Router,
        signer: TokenSigner,
        clock: Clock,
        limits: Limits = DEFAULTS,
    ) -> None:
        """Take where tasks wait and how claims reach their executions."""
        self._most = limits.pollers_per_activity
        self._tables = tables
        self._router = router
        self._signer = signer
        self._clock = clock
        self._queues: dict[str, _Queue] = {}
        self._claims: dict[TaskKey, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        # The tables have one connection, which one task uses at a time.
        self._one_at_a_time = asyncio.Lock()

    @property
    def pollers(self) -> int:
        """How many pollers wait."""
        return sum(queue.count for queue in self._queues.values())

    async def poll(
        self, arn: str, worker: str | None, seconds: float
    ) -> ActivityTask | None:
        """Wait for a task of an activity; None when none comes in time."""
        queue = self._queues.setdefault(arn, _Queue())
        if queue.count >= self._most:
            raise PollersFullError(arn)
        if queue.returned:
            return self._take_returned(arn, queue)
        future: asyncio.Future[ActivityTask] = (
            asyncio.get_running_loop().create_future()
        )
        poller = _Poller(worker or UNNAMED, future)
        queue.pollers.append(poller)
        queue.count += 1
        self._wake.set()
        try:
            await asyncio.wait((future,), timeout=seconds)
            return future.result() if future.done() else None
        except asyncio.CancelledError:
            if future.done():
                self.give_back(future.result())
            raise
        finally:
            future.cancel()
            self._leave(arn, queue, poller)

    def _take_returned(self, arn: str, queue: _Queue) -> ActivityTask:
        task = queue.returned.popleft()
        if not queue.count and not queue.returned:
            self._queues.pop(arn, None)
        return task

    def _leave(self, arn: str, queue: _Queue, poller: _Poller) -> None:
        queue.count -= 1
        if poller in queue.pollers:
            queue.pollers.remove(poller)
        if not queue.count and not queue.returned:
            self._queues.pop(arn, None)

    def give_back(self, task: ActivityTask) -> None:
        """Let the next poller have a task that was handed to nobody."""
        queue = self._queues.setdefault(task.activity_arn, _Queue())
        while queue.pollers:
            if queue.pollers.popleft().give(task):
                return
        queue.returned.append(task)

    def look(self) -> None:
        """Look soon for tasks that wait."""
        self._wake.set()

    async def run(self) -> None:
        """Claim what waits for the pollers, until cancelled."""
        while True:
            await self._pause()
            try:
                await self._match()
            except (psycopg.Error, OSError) as error:
                log.warning("activity tasks not read", error=str(error))
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _pause(self) -> None:
        """Wait for a hint; while somebody polls, not for long."""
        has_pollers = any(queue.pollers for queue in self._queues.values())
        try:
            async with asyncio.timeout(_PAUSE_SECONDS if has_pollers else None):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    async def _match(self) -> None:
        """Begin a claim for each task that waits and has a poller here."""
        wanted = [arn for arn, queue in self._queues.items() if queue.pollers]
        if not wanted:
            return
        most = sum(len(self._queues[arn].pollers) for arn in wanted)
        async with self._one_at_a_time:
            rows = await self._tables.waiting(wanted, min(most, _MOST_CLAIMS))
        for shard, execution_id, scheduled_id, arn in rows:
            key = (shard, execution_id, scheduled_id)
            queue = self._queues.get(arn)
            if queue is None or not queue.pollers or key in self._claims:
                continue
            poller = queue.pollers.popleft()
            claim = asyncio.get_running_loop().create_task(
                self._claim(key, arn, poller)
            )
            self._claims[key] = claim

    async def _claim(self, key: TaskKey, arn: str, poller: _Poller) -> None:
        """Claim a task for a poller; whoever gets nothing polls on, first in the queue."""
        try:
            task = await self._claimed(key, arn, poller.worker)
            if task is not None and not poller.give(task):
                self.give_back(task)
        except (UnansweredError, BusyError, psycopg.Error, OSError) as error:
            log.warning("activity task not claimed", execution=key[1], error=str(error))
        finally:
            del self._claims[key]
            if not poller.future.done():
                self._queues.setdefault(arn, _Queue()).pollers.appendleft(poller)
                self._wake.set()

    async def _claimed(
        self, key: TaskKey, arn: str, worker: str
    ) -> ActivityTask | None:
        shard, execution_id, scheduled_id = key
        claim = st.TaskClaimed(scheduled_id, worker)
        verdict = await self._router.ask(shard, execution_id, claim)
        if verdict is not Verdict.ACCEPTED:
            return None
        async with self._one_at_a_time:
            assigned = await self._tables.assignment(
                key, worker, signer=self._signer, clock=self._clock
            )
        if assigned is None:
            return None
        return ActivityTask(
            activity_arn=arn, token=assigned.token, input=assigned.input
        )
