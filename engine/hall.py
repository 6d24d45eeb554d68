"""Where tasks and workers meet.

A task whose function some session has a free slot for is assigned at decision time: the
slot is reserved while the decision is being made, Scheduled and Started share one commit,
and only after it the task is handed over. Otherwise the task waits here, and the next free
slot sends a claim through its lane.

What is kept here can be lost at any moment: after a restart or a take-over it is made again
from the `tasks` rows, and a session's next poll says which attempts it really has.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable

from engine.absent import Absent
from engine.assignments import assignment_of, is_activity
from engine.elsewhere import Elsewhere
from engine.handlers import Handlers
from engine.handover import PollRequest, TaskAssignment
from engine.sessions import Session
from engine.waiting import WaitingTasks
from engine.work import Stimulation, TaskKey, TurnDone
from runtime import stimuli as st
from runtime.execution import Execution, OpenTask
from runtime.identity import ExecutionId
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
        activity_waits: Callable[[], None] = lambda: None,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        """Take who signs tokens, how stimuli reach the lanes, and who serves activities.

        `elsewhere` calls the functions that no worker serves; without it they wait.
        """
        self.handlers = handlers
        self.elsewhere = elsewhere
        if elsewhere is not None:
            elsewhere.on_free = self.call_elsewhere
        self.sessions: dict[str, Session] = {}
        self.waiting = WaitingTasks()
        self.absent = Absent()
        # Who wants to hear of executions that have ended, once that is committed.
        self.on_closed: list[Callable[[Execution], None]] = []
        self._signer = signer
        self._clock = clock
        self._deliver = deliver
        self._activity_waits = activity_waits
        # Per function, the sessions that serve it, the one that waited longest first.
        self._serving: dict[str, OrderedDict[str, Session]] = {}

    # Reservations, at decision time

    def claim(self, function: str) -> str | None:
        """Reserve a slot for a function; return the worker's session."""
        if self.handlers.serves(function):
            return self.handlers.worker
        serving = self._serving.get(function)
        if serving is None:
            return self._reserve_elsewhere(function)
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

    def unclaim(self, worker: str) -> None:
        """Give a reserved slot back."""
        session = self._release(worker)
        if session is not None:
            self.serve(session)

    def _release(self, worker: str) -> Session | None:
        if self.elsewhere is not None and worker == self.elsewhere.worker:
            self.elsewhere.release()
            return None
        session = self.sessions.get(worker)
        if session is not None and session.reserved:
            session.reserved -= 1
        return session

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
        for task in turn.closed:
            self._close(execution, task)
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

    def _open(self, execution: Execution, task: OpenTask, epoch: int) -> None:
        if task.submitted_id or task.function is None:
            return
        key = (execution.shard, execution.execution_id, task.scheduled_id)
        if not task.started_id:
            self.await_worker(task.function, key)
            return
        self.waiting.remove(task.function, key)
        if task.worker == self.handlers.worker:
            self._handle(execution, task)
        elif self.elsewhere is not None and task.worker == self.elsewhere.worker:
            self.elsewhere.begin(key, self._invocation(execution, task))
        elif not is_activity(task.function):
            self.hand_over(execution, task, epoch)

    def hand_over(self, execution: Execution, task: OpenTask, epoch: int) -> None:
        """Give a started attempt to the session that it names; one that is not here may come."""
        worker = task.worker or ""
        key = (execution.shard, execution.execution_id, task.scheduled_id)
        session = self.sessions.get(worker)
        if session is None:
            self.adopt(worker, key)
        else:
            session.assign(self._assignment(execution, task, epoch), key)

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

    def _close(self, execution: Execution, task: OpenTask) -> None:
        """Forget an attempt; its worker hears of it, unless it reported the end itself."""
        key = (execution.shard, execution.execution_id, task.scheduled_id)
        if not task.started_id:
            if task.function is not None:
                self.waiting.remove(task.function, key)
            return
        if self.elsewhere is not None and task.worker == self.elsewhere.worker:
            self.elsewhere.drop(key)
            return
        session = self.sessions.get(task.worker or "")
        if session is not None and session.assigned:
            session.cancel(self._signer.sign(*key))
        elif session is None:
            self.absent.remove(task.worker or "", key)

    # Tasks that wait, and slots that become free

    def await_worker(self, function: str, key: TaskKey) -> None:
        """Let a task wait until a slot is free, which may be now."""
        if is_activity(function):
            self._activity_waits()
            return
        self.waiting.add(function, key)
        if self.handlers.serves(function):
            self.waiting.remove(function, key)
            claimed = Stimulation(st.TaskClaimed(key[2], self.handlers.worker))
            self._deliver(key[0], key[1], claimed)
        else:
            self._offer(function)

    def _offer(self, function: str) -> None:
        """Let a slot that is free now take what waits for a function."""
        for session in tuple(self._serving.get(function, {}).values()):
            if session.free > 0:
                self.serve(session)
                return
        self.call_elsewhere()

    def serve(self, session: Session) -> None:
        """Send a claim for every task that the free slots of a session can take."""
        while session.free > 0:
            key = self.waiting.take(session.functions)
            if key is None:
                return
            session.reserved += 1
            self._claim(session, key)

    def _claim(self, session: Session, key: TaskKey) -> None:
        shard, execution_id, scheduled_id = key
        stimulation = Stimulation(
            st.TaskClaimed(scheduled_id, session.id),
            answer=lambda _verdict: self._claimed(session),
        )
        self._deliver(shard, execution_id, stimulation)

    def _claimed(self, session: Session) -> None:
        """Release the reservation: the attempt is assigned by now, or was not to be had."""
        session.reserved = max(0, session.reserved - 1)
        self.serve(session)

    def call_elsewhere(self) -> None:
        """Send a claim for every waiting task that nobody else serves, while slots are free."""
        elsewhere = self.elsewhere
        if elsewhere is None or not self.waiting or elsewhere.free <= 0:
            return
        functions = [name for name in self.waiting.functions if self._is_nobodys(name)]
        while elsewhere.free > 0 and (key := self.waiting.take(functions)) is not None:
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
        if session is not None:
            session.drop(token)
