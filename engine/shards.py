"""The shards of this engine: won, taken over, routed to lanes, and given up.

A shard belongs to exactly one lane, `shard mod lanes`. Taking over begins after the bump of
the epoch is committed: what is read then is what the old holder has left, for good. Only
the rows that own progress are read (inbox, tasks, timers); an execution is folded when
something touches it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

import psycopg
import structlog

from engine.assignments import is_activity
from engine.elsewhere import is_caller
from engine.hall import Hall
from engine.handlers import PREFIX as ENGINE_PREFIX
from engine.lane import Lane
from engine.letters import stimulation_of
from engine.post import Letter
from engine.work import (
    QuarantinedError,
    Resident,
    ShardMovedError,
    Stimulation,
    TaskKey,
)
from runtime import stimuli as st
from runtime.identity import ExecutionId
from runtime.stimuli import Verdict
from scheduler.horizon import TimerDue
from scheduler.timers import DueTimers
from storage.lane_store import InboxRow, LaneStore

log = structlog.get_logger(__name__)

_RETRY_SECONDS: Final = 0.3


class Shards:
    """Routes stimuli to the lanes, and lanes to the shards that are held."""

    def __init__(self, store: LaneStore, tell: Callable[[str, Letter], object]) -> None:
        """Take a connection for take-overs and inbox polls, and how to write to engines.

        The parts come with `connect`.
        """
        self._store = store
        self._tell = tell
        self._lanes: Sequence[Lane] = ()
        self._hall: Hall | None = None
        self._timers: DueTimers | None = None
        self.epochs: dict[int, int] = {}
        # Who takes the stimuli of executions that belong to no shard, by their marker.
        self.apart: dict[int, Callable[[ExecutionId, Stimulation], None]] = {}
        # Inbox rows on their way to a lane, and shards won that are yet to be taken over.
        self._taken_rows: dict[int, int] = {}
        self._wanted: dict[int, int] = {}
        self._poll = asyncio.Event()

    def connect(self, lanes: Sequence[Lane], hall: Hall, timers: DueTimers) -> None:
        """Take the parts that themselves need to route."""
        self._lanes, self._hall, self._timers = lanes, hall, timers

    # Routing

    def holds(self, shard: int) -> bool:
        """Tell whether the executions of a shard, or of a marker, are here."""
        return shard in self.epochs or shard in self.apart

    def lane_of(self, shard: int) -> Lane:
        """Return the lane that a shard belongs to."""
        return self._lanes[shard % len(self._lanes)]

    def deliver(
        self, shard: int, execution_id: ExecutionId, stimulation: Stimulation
    ) -> None:
        """Send a stimulus to the lane of a held shard; its sender hears if it is not held."""
        if shard in self.epochs:
            self.lane_of(shard).deliver(shard, execution_id, stimulation)
        elif shard in self.apart:
            self.apart[shard](execution_id, stimulation)
        else:
            stimulation.tell(ShardMovedError())

    def deliver_timers(self, due: list[TimerDue]) -> None:
        """Send due timers to their lanes."""
        for timer in due:
            stimulation = Stimulation(
                st.TimerFired(timer.event_id, timer.kind),
                answer=partial(self._fired, timer),
                timer=(timer.event_id, timer.kind),
            )
            self.deliver(timer.shard, timer.execution_id, stimulation)

    def _fired(self, timer: TimerDue, verdict: Verdict | Exception) -> None:
        """Take back the timer of an execution that is set aside: a release may be near."""
        assert self._timers is not None
        if isinstance(verdict, QuarantinedError):
            self._timers.returned([timer.id])

    def admit(self, resident: Resident) -> bool:
        """Take a fresh execution into its lane; False where the shard is not held here."""
        shard = resident.execution.shard
        if shard not in self.epochs:
            return False
        for stimulation in resident.queue:
            if stimulation.inbox_id:
                self._take_row(shard, stimulation)
        self.lane_of(shard).admit(resident)
        return True

    # Winning and losing

    def won(self, epochs: dict[int, int]) -> None:
        """Take shards over: what waits there is read first, then the lanes begin."""
        self._wanted |= epochs
        self._poll.set()

    def bumped(self, epochs: dict[int, int]) -> None:
        """Know epochs that a lane has raised."""
        self.epochs |= epochs

    def lost(self, shards: Iterable[int]) -> None:
        """Forget shards that belong to somebody else now."""
        assert self._hall is not None
        assert self._timers is not None
        gone = set(shards)
        for shard in gone:
            self.epochs.pop(shard, None)
            self._wanted.pop(shard, None)
        self._taken_rows = {
            row: shard for row, shard in self._taken_rows.items() if shard not in gone
        }
        self._timers.release(gone)
        self._hall.drop_shards(gone)
        for lane in self._lanes:
            lane.drop(gone)

    async def give_up(self, shards: Iterable[int]) -> None:
        """Stop working for shards in good order: the commits in flight end first."""
        self.lost(shards)
        for lane in self._lanes:
            await lane.at_rest()

    # What waits in the tables

    def look(self) -> None:
        """Poll the inbox soon."""
        self._poll.set()

    async def run(self) -> None:
        """Take over what was won and poll the inbox, until cancelled."""
        while True:
            await self._poll.wait()
            self._poll.clear()
            try:
                await self._take_over()
                await self._read_inbox()
            except (psycopg.Error, OSError) as error:
                log.warning("take-over failed", error=str(error))
                await asyncio.sleep(_RETRY_SECONDS)
                self._poll.set()

    async def _take_over(self) -> None:
        wanted = dict(self._wanted)
        if not wanted:
            return
        tasks = await self._store.tasks(sorted(wanted))
        held = {s: epoch for s, epoch in wanted.items() if self._wanted.get(s) == epoch}
        self._begin(held)
        for shard, execution_id, scheduled_id, function, worker in tasks:
            if shard in held:
                self._take_task((shard, execution_id, scheduled_id), function, worker)
        log.info("shards taken over", shards=len(held), tasks=len(tasks))

    def _begin(self, held: dict[int, int]) -> None:
        assert self._timers is not None
        for shard in held:
            del self._wanted[shard]
        self.epochs |= held
        for index, lane in enumerate(self._lanes):
            lane.hold({s: e for s, e in held.items() if s % len(self._lanes) == index})
        self._timers.hold(held)

    def _take_task(self, key: TaskKey, function: str, worker: str | None) -> None:
        """Go on with an attempt that the holder before has left."""
        assert self._hall is not None
        shard, execution_id, scheduled_id = key
        if worker is None:
            self._hall.await_worker(function, key)
        elif worker.startswith(ENGINE_PREFIX) and not self._may_be_called(worker, key):
            lost = Stimulation(st.WorkerLost(scheduled_id, worker))
            self.deliver(shard, execution_id, lost)
        elif not is_activity(function):
            self._hall.adopt(worker, key)

    def _may_be_called(self, worker: str, key: TaskKey) -> bool:
        """Tell whether an attempt may be a call that an engine, this one too, waits for."""
        assert self._hall is not None
        elsewhere = self._hall.elsewhere
        if elsewhere is not None and worker == elsewhere.worker:
            return elsewhere.knows(key)
        return is_caller(worker)

    async def _read_inbox(self) -> None:
        """Read what waits; rows that are on their way already are not taken twice."""
        before = set(self._taken_rows)
        rows = await self._store.inbox(sorted(self.epochs))
        # A row that was taken before the read and is gone from the table is consumed.
        for gone in before - {row.id for row in rows}:
            self._taken_rows.pop(gone, None)
        for row in rows:
            if row.id not in self._taken_rows and row.shard in self.epochs:
                self._deliver_row(row)

    def _deliver_row(self, row: InboxRow) -> None:
        stimulation = stimulation_of(row)
        if stimulation is not None:
            self._take_row(row.shard, stimulation, row.asker)
            self.deliver(row.shard, row.execution_id, stimulation)

    def _take_row(
        self, shard: int, stimulation: Stimulation, asker: str | None = None
    ) -> None:
        """Know that a row is on its way, until it is consumed or its execution set aside."""
        row = stimulation.inbox_id
        self._taken_rows[row] = shard
        stimulation.answer = partial(self._row_was_answered, row, asker)

    def _row_was_answered(
        self, row: int, asker: str | None, verdict: Verdict | Exception
    ) -> None:
        """Tell who asks what is committed; read a row again that has met no decision here."""
        if isinstance(verdict, Exception):
            self._taken_rows.pop(row, None)
        elif asker is not None:
            self._tell(asker, ["verdict", row, verdict.value])
