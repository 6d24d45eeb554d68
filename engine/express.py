"""Express executions: the same interpreter, over a log in memory.

An execution runs on the engine's loop from one thing it waits for to the next. Its tasks go
through the hall as every task does, under a shard number that no shard has: the *marker*,
drawn at the start of the process and recognised by whoever routes a result. Its timers are
timers of the loop. Nothing is committed on the way; what a turn decides is let go at once.

After five minutes an execution times out, whatever its machine says. What becomes of one
that has ended is the business of whoever began it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

import structlog

from engine.errors import BusyError
from engine.measures import Measures
from engine.residents import BASE_SIZE
from engine.starts import StartRequest, first_event
from engine.turns import Taker
from engine.work import QuarantinedError, Resident, Stimulation, TurnDone
from runtime import stimuli as st
from runtime.advance import hold
from runtime.events import HistoryEvent
from runtime.evolve import fold
from runtime.execution import Execution, TimerKey
from runtime.identity import FIRST_MARKER, ExecutionId
from runtime.limits import DEFAULTS, Limits
from runtime.stimuli import Verdict
from scheduler.clock import Clock

log = structlog.get_logger(__name__)

_EPOCH: Final = 1


class Timer(Protocol):
    """A call that was put off."""

    def cancel(self) -> None:
        """Never call."""


Later = Callable[[float, Callable[[], None]], Timer]


class Dispatch(Protocol):
    """Who hands tasks over."""

    def dispatch(self, turn: TurnDone, epoch: int) -> None:
        """Deliver, queue or cancel the tasks of a turn."""


@dataclass(slots=True)
class Run:
    """One Express execution in memory; `failure` is set where it could not be advanced."""

    request: StartRequest
    resident: Resident
    ended: Callable[[Run], None]
    events: list[HistoryEvent]
    timers: dict[TimerKey, Timer] = field(default_factory=dict)
    is_turning: bool = False
    failure: Exception | None = None

    @property
    def execution(self) -> Execution:
        """The folded state."""
        return self.resident.execution


class Express:
    """Runs Express executions on the loop of the process."""

    def __init__(
        self,
        *,
        marker: int,
        clock: Clock,
        taker: Taker,
        dispatch: Dispatch,
        later: Later | None = None,
        limits: Limits = DEFAULTS,
    ) -> None:
        """Take who advances, who hands tasks over, and how a call is put off."""
        self.measures = Measures()
        self.begun = 0
        self._limits = limits
        assert marker >= FIRST_MARKER, "a shard could have that number"
        self.marker = marker
        self._clock = clock
        self._taker = taker
        self._dispatch = dispatch
        self._later = later or _later_on_the_loop
        self._runs: dict[ExecutionId, Run] = {}
        self.finished = 0
        self.idle = asyncio.Event()
        self.idle.set()

    @property
    def running(self) -> int:
        """How many executions are in memory."""
        return len(self._runs)

    def require_room(self) -> None:
        """Raise BusyError where as many run as may."""
        if len(self._runs) >= self._limits.express_running:
            raise BusyError

    def begin(
        self,
        request: StartRequest,
        execution_id: ExecutionId,
        ended: Callable[[Run], None],
    ) -> Run:
        """Run an execution as far as it gets; `ended` is called once, maybe before this returns."""
        now = self._clock.now()
        longest = self._limits.express_seconds
        limit = min(request.machine.timeout_seconds or longest, longest)
        event = first_event(request, now, limit)
        execution = fold(self.marker, execution_id, [event])
        if event.payload is not None:
            hold(execution, event, event.payload)
        resident = Resident(execution, request.machine, BASE_SIZE)
        resident.queue.append(Stimulation(st.Begin()))
        self.begun += 1
        run = self._runs[execution_id] = Run(request, resident, ended, [event])
        self.idle.clear()
        self._go_on(run)
        return run

    def deliver(self, execution_id: ExecutionId, stimulation: Stimulation) -> None:
        """Bring a stimulus to an execution; one that has ended is closed to it."""
        run = self._runs.get(execution_id)
        if run is None:
            stimulation.tell(Verdict.CLOSED)
            return
        run.resident.queue.append(stimulation)
        self._go_on(run)

    def execution(self, execution_id: ExecutionId) -> Execution | None:
        """Return an execution that runs here."""
        run = self._runs.get(execution_id)
        return None if run is None else run.execution

    # Turns

    def _go_on(self, run: Run) -> None:
        """Take turns until nothing waits; a turn that was cut lets others pass first."""
        if run.is_turning:
            return
        run.is_turning = True
        try:
            while run.resident.queue and self._turn(run):
                pass
        finally:
            run.is_turning = False

    def _turn(self, run: Run) -> bool:
        self._taker.now = self._clock.now()
        try:
            done = self._taker.take(run.resident, self._taker.turn())
        except Exception as error:
            log.exception("express execution failed", execution=run.request.arn)
            run.failure = error
            self._end(run)
            return False
        run.events += done.events
        self.measures.turns_done((done,))
        self._set_timers(run, done)
        self._dispatch.dispatch(done, _EPOCH)
        for stimulation, verdict in done.taken:
            stimulation.tell(verdict)
        if not run.execution.is_open:
            self._end(run)
            return False
        if done.entry.is_cut:
            self._later(0, lambda: self._continue(run))
            return False
        return True

    def _continue(self, run: Run) -> None:
        run.resident.queue.appendleft(Stimulation(st.Continue()))
        self._go_on(run)

    def _end(self, run: Run) -> None:
        del self._runs[run.execution.execution_id]
        self.finished += 1
        if not self._runs:
            self.idle.set()
        for timer in run.timers.values():
            timer.cancel()
        run.timers.clear()
        rest: Verdict | Exception = (
            Verdict.CLOSED if run.failure is None else QuarantinedError()
        )
        while run.resident.queue:
            run.resident.queue.popleft().tell(rest)
        run.ended(run)

    # Timers

    def _set_timers(self, run: Run, done: TurnDone) -> None:
        for key in done.entry.closed_timers:
            self._cancel(run, key)
        if done.entry.opened_timers:
            self._open(run, done.entry.opened_timers)

    def _cancel(self, run: Run, key: TimerKey) -> None:
        timer = run.timers.pop(key, None)
        if timer is not None:
            timer.cancel()

    def _open(self, run: Run, opened: Sequence[tuple[TimerKey, datetime]]) -> None:
        now = self._taker.now
        for key, due in opened:
            self._cancel(run, key)
            seconds = max(0.0, (due - now).total_seconds())
            run.timers[key] = self._later(seconds, self._firing(run, key))

    def _firing(self, run: Run, key: TimerKey) -> Callable[[], None]:
        def fire() -> None:
            if run.timers.pop(key, None) is not None:
                stimulation = Stimulation(st.TimerFired(*key), timer=key)
                self.deliver(run.execution.execution_id, stimulation)

        return fire


def _later_on_the_loop(seconds: float, call: Callable[[], None]) -> Timer:
    return asyncio.get_running_loop().call_later(seconds, call)
