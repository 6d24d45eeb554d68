"""Where tasks and workers meet.

A task whose function some session has a free slot for is assigned at decision time: the
slot is reserved while the decision is being made, Scheduled and Started share one commit,
and only after it the task is handed over: to a worker that polls here, or through the process
that holds its poll, where that has lent us slots (`engine/abroad.py`, `engine/lending.py`).
Otherwise the task waits here, and the next free slot sends a claim through its lane.

What is kept here can be lost at any moment: after a restart or a take-over it is made again
from the `tasks` rows, and a session's next poll says which attempts it really has.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator

from engine.abroad import Abroad, Borrowed
from engine.absent import Absent
from engine.assignments import assignment_of, is_activity
from engine.elsewhere import Elsewhere
from engine.handlers import Handlers
from engine.handover import PollRequest, TaskAssignment
from engine.lending import Lending
from engine.post import Post
from engine.sessions import Session
from engine.waiting import WaitingTasks
from engine.work import Stimulation, TaskKey, TurnDone
from runtime import stimuli as st
from runtime.execution import Execution, OpenTask
from runtime.identity import FIRST_MARKER, ExecutionId
from runtime.lambda_invoke import Invocation, function_input, invocation_of
from runtime.tokens import TokenSigner
from scheduler.clock import Clock


class Hall:
    """Assigns tasks to the sessions that poll this process, and to its own handlers."""

    def __init__(
        self,
        *,
        handlers: Handlers,
        signer: TokenSigner,
        clock: Clock,
        deliver: Callable[[int, ExecutionId, Stimulation], None],
        post: Post,
        activity_waits: Callable[[], None] = lambda: None,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        """Take who signs tokens, how stimuli reach the lanes, and the way to other engines.

        `elsewhere` calls the functions that no worker serves; without it they wait.
        """
        self.handlers = handlers
        self.abroad = Abroad(post, clock)
        self.lending = Lending(post, clock)
        self.elsewhere = elsewhere
        if elsewhere is not None:
            elsewhere.on_free = self.call_elsewhere
        self.sessions: dict[str, Session] = {}
        self.waiting = WaitingTasks()
        # Those of executions in memory, to which a result comes from here only.
        self.waiting_in_memory = WaitingTasks()
        self.absent = Absent()
        # Who wants to hear of executions that have ended, once that is committed.
        self.on_closed: list[Callable[[Execution], None]] = []
        self._signer = signer
        self._clock = clock
        self._deliver = deliver
        self._activity_waits = activity_waits
        self.abroad.connect(lambda: self.waiting.counts)
        # Per function, the sessions that serve it, the one that waited longest first.
        self._serving: dict[str, OrderedDict[str, Session]] = {}
        # Whose slots are being filled at this moment.
        self._filling: set[str] = set()

    # Reservations, at decision time

    def claim(self, function: str) -> str | None:
        """Reserve a slot for a function; return the worker's session."""
        worker = self._reserve_here(function)
        if worker is None and (lent := self.abroad.find(function)) is not None:
            lent.reserved += 1
            worker = lent.id
        return worker or self._reserve_elsewhere(function)

    def claim_here(self, function: str) -> str | None:
        """Reserve a slot, but not of a worker that polls another process."""
        return self._reserve_here(function) or self._reserve_elsewhere(function)

    def _reserve_here(self, function: str) -> str | None:
        """Reserve a slot of a worker that polls this process, or of its own handlers."""
        if self.handlers.serves(function):
            return self.handlers.worker
        serving = self._serving.get(function)
        if serving is None:
            return None
        for session in serving.values():
            if session.free > 0:
                session.reserved += 1
                serving.move_to_end(session.id)
                return session.id
        return None

    def _reserve_elsewhere(self, function: str) -> str | None:
        elsewhere = self.elsewhere
        if elsewhere is None or elsewhere.free <= 0 or not self._is_nobodys(function):
            return None
        elsewhere.reserved += 1
        return elsewhere.worker

    def _is_nobodys(self, function: str) -> bool:
        """Tell whether a function is one that no worker serves, here or elsewhere."""
        return (
            self.elsewhere is not None
            and function not in self._serving
            and not is_activity(function)
            and self.elsewhere.may_call(function)
        )

    def serves(self, function: str) -> bool:
        """Tell whether a task of a function could be begun here, now or when a slot is free."""
        return (
            self.handlers.serves(function)
            or function in self._serving
            or self._is_nobodys(function)
        )

    def unclaim(self, worker: str) -> None:
        """Give a reserved slot back."""
        self._release(worker)
        self._serve_all((worker,))

    def _release(self, worker: str) -> None:
        if self.elsewhere is not None and worker == self.elsewhere.worker:
            self.elsewhere.release()
            return
        slots = self.sessions.get(worker) or self.abroad.get(worker)
        if slots is not None and slots.reserved:
            slots.reserved -= 1

    # After a commit

    def dispatch(self, turn: TurnDone, epoch: int) -> None:
        """Deliver the attempts that a committed turn has started; cancel what it closed."""
        resident = turn.resident
        if resident is None:
            return
        for worker in turn.claims:
            self._release(worker)
        entry, execution = turn.entry, resident.execution
        if entry.closing is not None:
            for listener in self.on_closed:
                listener(execution)
        reported = _reported(turn) if turn.closed else ()
        for task in turn.closed:
            self._close(execution, task, is_news=task.scheduled_id not in reported)
        for task in entry.opened_tasks:
            self._open(execution, task, epoch)
        for task in entry.changed_tasks:
            self._open(execution, task, epoch)
        if any(isinstance(taken.stimulus, st.Continue) for taken, _ in turn.taken):
            self._await_again(execution)
        if self.waiting and turn.claims:
            self._serve_all(turn.claims)
            self.call_elsewhere()

    def _await_again(self, execution: Execution) -> None:
        """Let tasks wait that may be forgotten: their claims met an execution set aside."""
        for task in execution.tasks.values():
            if task.function is not None and not task.started_id:
                key = (execution.shard, execution.execution_id, task.scheduled_id)
                self.await_worker(task.function, key)

    def _serve_all(self, workers: Iterable[str]) -> None:
        for worker in workers:
            session = self.sessions.get(worker)
            if session is not None:
                self.serve(session)
            elif (lent := self.abroad.get(worker)) is not None:
                self._serve_waiting(lent)

    def _open(self, execution: Execution, task: OpenTask, epoch: int) -> None:
        if task.submitted_id or task.function is None:
            return
        key = (execution.shard, execution.execution_id, task.scheduled_id)
        if not task.started_id:
            self.await_worker(task.function, key)
            return
        self._waiting(key).remove(task.function, key)
        if task.worker == self.handlers.worker:
            self._handle(execution, task)
        elif self.elsewhere is not None and task.worker == self.elsewhere.worker:
            self.elsewhere.begin(key, self._invocation(execution, task))
        elif not is_activity(task.function):
            self.hand_over(execution, task, epoch)

    def hand_over(self, execution: Execution, task: OpenTask, epoch: int) -> None:
        """Give a started attempt to the session that it names, here or where that polls."""
        worker = task.worker or ""
        key = (execution.shard, execution.execution_id, task.scheduled_id)
        session = self.sessions.get(worker)
        if session is not None:
            session.assign(self._assignment(execution, task, epoch), key)
            return
        self.adopt(worker, key)
        if self.abroad.get(worker) is not None:
            self.abroad.hand_over(self._assignment(execution, task, epoch), worker)

    def adopt(self, worker: str, key: TaskKey) -> None:
        """Know an attempt of which only the session is known; its next poll tells the rest."""
        session = self.sessions.get(worker)
        if session is not None:
            session.assigned[self._signer.sign(*key)] = key
        else:
            self.absent.adopt(worker, key, self._clock.monotonic())

    def _assignment(
        self, execution: Execution, task: OpenTask, epoch: int
    ) -> TaskAssignment:
        return assignment_of(
            execution, task, signer=self._signer, epoch=epoch, now=self._clock.now()
        )

    def _invocation(self, execution: Execution, task: OpenTask) -> Invocation:
        due, now = task.due, self._clock.now()
        seconds = None if due is None else max(0.0, (due - now).total_seconds())
        return invocation_of(task, seconds, execution.trace_header)

    def _handle(self, execution: Execution, task: OpenTask) -> None:
        assert task.function is not None
        is_invoke = task.family == "Task"
        payload = function_input(task.payload) if is_invoke else task.payload
        result = self.handlers.call(task.function, task.scheduled_id, payload)
        self._deliver(execution.shard, execution.execution_id, Stimulation(result))

    def _close(self, execution: Execution, task: OpenTask, *, is_news: bool) -> None:
        """Forget an attempt; its worker hears of it, unless it reported the end itself."""
        key = (execution.shard, execution.execution_id, task.scheduled_id)
        if not task.started_id:
            if task.function is not None:
                self._waiting(key).remove(task.function, key)
            return
        worker = task.worker or ""
        if self.elsewhere is not None and worker == self.elsewhere.worker:
            self.elsewhere.drop(key)
            return
        session = self.sessions.get(worker)
        if session is not None and session.assigned:
            session.cancel(self._signer.sign(*key))
        elif session is None:
            was_absent = self.absent.remove(worker, key)
            if was_absent and is_news:
                self.abroad.closed(worker, self._signer.sign(*key))

    # Tasks that wait, and slots that become free

    def await_worker(self, function: str, key: TaskKey) -> None:
        """Let a task wait until a slot is free, which may be now."""
        if is_activity(function):
            self._activity_waits()
            return
        if self.handlers.serves(function):
            claimed = Stimulation(st.TaskClaimed(key[2], self.handlers.worker))
            self._deliver(key[0], key[1], claimed)
            return
        self._waiting(key).add(function, key)
        self._offer(function)

    def _waiting(self, key: TaskKey) -> WaitingTasks:
        return self.waiting_in_memory if key[0] >= FIRST_MARKER else self.waiting

    def _offer(self, function: str) -> None:
        """Let a slot that is free now take what waits for a function, or ask for one."""
        for session in tuple(self._serving.get(function, {}).values()):
            if session.free > 0:
                self.serve(session)
                return
        if (lent := self.abroad.find(function)) is not None:
            self._serve_waiting(lent)
        elif function in self.waiting.functions:
            self.abroad.ask_soon()
        self.call_elsewhere()

    def serve(self, session: Session) -> None:
        """Let the free slots of a session take tasks, of this process and of others."""
        with self._once(session.id) as is_first:
            if is_first:
                self.lending.share(session)
                self._serve_waiting(session)
                self._serve_in_memory(session)
                self.lending.lend(session, session.free)

    @contextlib.contextmanager
    def _once(self, slots: str) -> Iterator[bool]:
        """Tell whether nobody is filling the slots already.

        A claim of an Express execution is answered before it returns, and frees its
        reservation. Whoever began to fill the slots goes on: a call within the call would
        need a stack as deep as there are tasks.
        """
        if slots in self._filling:
            yield False
            return
        self._filling.add(slots)
        try:
            yield True
        finally:
            self._filling.discard(slots)

    def _serve_in_memory(self, session: Session) -> None:
        while session.free > 0:
            key = self.waiting_in_memory.take(session.functions)
            if key is None:
                return
            self._claim(session, key)

    def _serve_waiting(self, slots: Session | Borrowed) -> None:
        """Send a claim for every task that free slots can take."""
        while slots.free > 0:
            key = self.waiting.take(slots.functions)
            if key is None:
                return
            self._claim(slots, key)

    def _claim(self, slots: Session | Borrowed, key: TaskKey) -> None:
        slots.reserved += 1
        shard, execution_id, scheduled_id = key
        stimulation = Stimulation(
            st.TaskClaimed(scheduled_id, slots.id),
            answer=lambda _verdict: self._claimed(slots),
        )
        self._deliver(shard, execution_id, stimulation)

    def _claimed(self, slots: Session | Borrowed) -> None:
        """Release the reservation: the attempt is assigned by now, or was not to be had."""
        slots.reserved = max(0, slots.reserved - 1)
        self._serve_all((slots.id,))

    def call_elsewhere(self) -> None:
        """Send a claim for every waiting task that nobody else serves, while slots are free."""
        elsewhere = self.elsewhere
        if elsewhere is None or elsewhere.free <= 0:
            return
        with self._once(elsewhere.worker) as is_first:
            for waiting in (self.waiting, self.waiting_in_memory):
                if is_first and waiting:
                    self._call_waiting(waiting, elsewhere)

    def _call_waiting(self, waiting: WaitingTasks, elsewhere: Elsewhere) -> None:
        functions = [name for name in waiting.functions if self._is_nobodys(name)]
        while elsewhere.free > 0 and (key := waiting.take(functions)) is not None:
            elsewhere.reserved += 1
            stimulation = Stimulation(
                st.TaskClaimed(key[2], elsewhere.worker),
                answer=lambda _verdict: self._claimed_elsewhere(elsewhere),
            )
            self._deliver(key[0], key[1], stimulation)

    def _claimed_elsewhere(self, elsewhere: Elsewhere) -> None:
        elsewhere.release()
        self.call_elsewhere()

    # Sessions

    def meet(self, request: PollRequest) -> tuple[Session, list[tuple[str, TaskKey]]]:
        """Register a poll; return its session and the attempts to deliver again."""
        session = self.sessions.get(request.session)
        now = self._clock.monotonic()
        if session is None:
            functions = frozenset(request.functions)
            session = Session(request.session, request.name, functions, now)
            self.sessions[request.session] = session
            self.abroad.give_up(session.id)
            for key in self.absent.take(session.id):
                session.assigned[self._signer.sign(*key)] = key
        elif session.functions != frozenset(request.functions):
            self._stop_serving(session)
        missing = session.meet(request, now)
        for function in session.functions:
            self._serving.setdefault(function, OrderedDict()).setdefault(
                session.id, session
            )
        self.serve(session)
        return session, missing

    def part(self, session_id: str) -> list[TaskKey]:
        """Deregister a session; return the attempts that it held."""
        session = self.sessions.pop(session_id, None)
        if session is None:
            return []
        self._stop_serving(session)
        session.capacity = 0
        session.wake()
        return list(session.assigned.values())

    def _stop_serving(self, session: Session) -> None:
        for function in session.functions:
            serving = self._serving.get(function, OrderedDict())
            serving.pop(session.id, None)
            if not serving:
                self._serving.pop(function, None)

    def drop_shards(self, shards: Iterable[int]) -> None:
        """Forget the waiting tasks of shards that are not held any more."""
        given_up = set(shards)
        self.waiting.drop_shards(given_up)
        self.absent.drop_shards(given_up)

    def reported(self, session_id: str, token: str) -> None:
        """Free the slot of an attempt whose end was reported."""
        session = self.sessions.get(session_id)
        if session is None:
            return
        started = session.started_by.get(token)
        session.drop(token)
        if started is not None:
            self.lending.want_again(*started)

    def lend_again(self, session_id: str) -> None:
        """Lend the slots that a report has freed to whoever is expected to use them."""
        session = self.sessions.get(session_id)
        if session is None:
            return
        if self.waiting:
            self.lending.share(session)
        else:
            self.lending.lend(session, session.free)

    def wanted(self, engine: str, function: str, count: int) -> None:
        """Lend what is free to an engine whose tasks wait for a function."""
        self.lending.want(engine, function, count)
        for session in tuple(self._serving.get(function, {}).values()):
            self.lending.lapse(session)
            if session.free > 0:
                self.serve(session)

    def borrow(
        self, home: str, session: str, functions: list[str], count: int, until: str
    ) -> None:
        """Let slots that another process has lent take what waits here."""
        if session not in self.sessions:
            lent = self.abroad.borrow(home, session, functions, count, until)
            self._serve_waiting(lent)

    def look(self) -> None:
        """Forget what has lapsed; ask again for what still waits."""
        for session in self.sessions.values():
            self.lending.lapse(session)
        self.abroad.tidy()
        if self.waiting:
            self.abroad.ask_soon()


def _reported(turn: TurnDone) -> set[int]:
    """Name the tasks whose workers themselves have told the end."""
    stimuli = (stimulation.stimulus for stimulation, _ in turn.taken)
    return {
        stimulus.scheduled_id
        for stimulus in stimuli
        if isinstance(stimulus, st.WorkerReturned | st.WorkerRaised)
    }
