"""Run a case in memory against the pure core, at a virtual time.

Whatever the execution waits for happens in the recorded order: functions, activities and
callbacks are answered with the recorded outcome; timers fire as soon as nothing recorded comes
before them, and time jumps to when they are due.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from asl.model import Machine
from asl.payload import Payload
from asl.validate import MachineType, check
from runtime import events as ev
from runtime import stimuli as st
from runtime.advance import advance, hold
from runtime.chance import SeededEntropy
from runtime.evolve import evolve
from runtime.execution import Execution, OpenMapRun, OpenTask, Scope, TimerKind
from runtime.identity import execution_id_of, shard_of
from runtime.tokens import TokenSigner
from runtime.turn import Turn
from tests.conformance import answers
from tests.conformance.answers import NEVER, Answers, Attempt, Place
from tests.conformance.cases import ACCOUNT, BEGINNING, REGION, Case
from tests.conformance.children import run_children
from tests.conformance.handlers import Worker, worker_of
from tests.support.public_history import public_history

ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/snf_role_arn"
_SIGNER: Final = TokenSigner({1: b"k" * 32})
_MOST_STEPS: Final = 2_000

Occasion: TypeAlias = tuple[int, datetime, st.Stimulus]


@dataclass(slots=True)
class Run:
    """One execution, its log and its clock."""

    machine: Machine
    execution: Execution
    recorded: Answers
    worker: Worker | None = None
    now: datetime = BEGINNING
    log: list[ev.HistoryEvent] = field(default_factory=list)
    _attempts: dict[int, Attempt | None] = field(default_factory=dict)
    _answered: dict[int, st.Stimulus] = field(default_factory=dict)
    _ended_runs: dict[int, st.OfMapRun] = field(default_factory=dict)

    def run(self, started: ev.ExecutionStarted) -> Run:
        """Run until the execution ends, or nothing can happen any more."""
        assert started.payload is not None
        hold(self.execution, started, started.payload)
        evolve(self.execution, started)
        self.log.append(started)
        self._feed(st.Begin())
        for _ in range(_MOST_STEPS):
            occasions = sorted(self._occasions(), key=lambda occasion: occasion[:2])
            if not self.execution.is_open or not occasions:
                return self
            _, time, stimulus = occasions[0]
            self.now = max(self.now, time)
            self._feed(stimulus)
        raise AssertionError("the execution does not end")

    def _turn(self) -> Turn:
        return Turn(
            now=self.now,
            entropy=SeededEntropy(b"seed"),
            signer=_SIGNER,
            has_activity=lambda _arn: self.recorded.has_attempts,
        )

    def _feed(self, stimulus: st.Stimulus) -> None:
        done = advance(self.machine, self.execution, stimulus, self._turn())
        self.log += done.events
        if done.is_cut:
            self._feed(st.Continue())

    def _occasions(self) -> Iterator[Occasion]:
        """Yield all that may happen next, with the id of the recorded event it leads to."""
        if self.recorded.stop is not None:
            stop = self.recorded.stop
            yield _id(stop), self.now, st.Stop(*answers.failure(stop))
        for run in list(self.execution.map_runs.values()):
            yield NEVER, self.now, self._map_run(run)
        for task in list(self.execution.tasks.values()):
            yield from self._of_task(task)
        for (event_id, kind), due in self.execution.timers.items():
            fired = st.TimerFired(event_id, kind)
            if kind is TimerKind.EXECUTION_TIMEOUT:
                yield NEVER, due, fired
            elif kind in (TimerKind.WAIT, TimerKind.RETRY):
                yield self._recorded_wake(event_id, kind), due, fired

    def _map_run(self, run: OpenMapRun) -> st.OfMapRun:
        """Run the children of a Map Run, each to its end, once."""
        if run.started_id not in self._ended_runs:
            self._ended_runs[run.started_id] = run_children(
                self.machine, self.execution, run, self._turn(), self._child
            )
        return self._ended_runs[run.started_id]

    def _child(self, started: ev.ExecutionStarted) -> Execution:
        child = begun(self.machine, started, Answers(()), self.worker)
        child.now = self.now
        return child.run(started).execution

    def _recorded_wake(self, event_id: int, kind: TimerKind) -> int:
        scope = self.execution.scopes[self.execution.visits[event_id]]
        place = self._place(scope)
        if kind is TimerKind.WAIT:
            return self.recorded.left(place)
        return self.recorded.scheduled_next(place)

    def _of_task(self, task: OpenTask) -> Iterator[Occasion]:
        if self.worker is not None:
            yield from self._at_work(task, self.worker)
            return
        attempt = self._attempt(task)
        if attempt is None:
            return
        if attempt.started is not None and not task.started_id:
            worker = answers.details(attempt.started).get("workerName", "worker")
            claimed = st.TaskClaimed(task.scheduled_id, worker)
            yield _id(attempt.started), self.now, claimed
        elif attempt.submitted is not None and not task.submitted_id:
            yield _id(attempt.submitted), self.now, _returned(task, attempt.submitted)
        elif attempt.outcome is not None and attempt.outcome["type"].endswith("Out"):
            yield self._timeout(task, attempt.outcome)
        elif attempt.outcome is not None:
            yield _id(attempt.outcome), self.now, _answer(task, attempt.outcome)

    def _at_work(self, task: OpenTask, worker: Worker) -> Iterator[Occasion]:
        if not task.started_id:
            yield NEVER, self.now, st.TaskClaimed(task.scheduled_id, "worker")
            return
        if task.scheduled_id not in self._answered:
            state = self.execution.scopes[task.scope].state
            self._answered[task.scheduled_id] = worker(task, state)
        yield NEVER, self.now, self._answered[task.scheduled_id]

    def _timeout(self, task: OpenTask, outcome: answers.Event) -> Occasion:
        timers = self.execution.timers
        keys = [
            (task.scheduled_id, kind)
            for kind in (TimerKind.TASK_TIMEOUT, TimerKind.HEARTBEAT)
            if (task.scheduled_id, kind) in timers
        ]
        if not keys:
            limit = TimerKind.TASK_TIMEOUT
            fired = st.TimerFired(task.scheduled_id, limit)
            return _id(outcome), self.now + timedelta(days=1200), fired
        key = min(keys, key=lambda key: timers[key])
        return _id(outcome), timers[key], st.TimerFired(*key)

    def _attempt(self, task: OpenTask) -> Attempt | None:
        if task.scheduled_id not in self._attempts:
            place = self._place(self.execution.scopes[task.scope])
            self._attempts[task.scheduled_id] = self.recorded.next_attempt(place)
        return self._attempts[task.scheduled_id]

    def _place(self, scope: Scope) -> Place:
        iterations: list[int] = []
        current: Scope | None = scope
        while current is not None:
            if current.items is not None:
                iterations.append(current.index)
            parent = current.parent
            current = None if parent is None else self.execution.scopes[parent]
        return tuple(reversed(iterations)), scope.state

    @property
    def elapsed(self) -> float:
        """How many seconds of virtual time it took."""
        return (self.now - BEGINNING).total_seconds()

    @property
    def history(self) -> list[dict[str, Any]]:
        """The log as the API shows it."""
        return public_history(self.log)


def _id(event: answers.Event) -> int:
    return event["id"] if isinstance(event["id"], int) else NEVER - 1


def _returned(task: OpenTask, event: answers.Event) -> st.WorkerReturned:
    is_invoke = task.family == "Task"
    text = answers.payload(event) if is_invoke else answers.output(event)
    return st.WorkerReturned(task.scheduled_id, Payload.of_text(text))


def _answer(task: OpenTask, event: answers.Event) -> st.Stimulus:
    is_called_back = task.submitted_id or task.family == "Activity"
    if event["type"].endswith("Succeeded"):
        if not is_called_back:
            return _returned(task, event)
        text = answers.output(event)
        return st.CallbackSucceeded(task.scheduled_id, Payload.of_text(text))
    cls = st.CallbackFailed if is_called_back else st.WorkerRaised
    return cls(task.scheduled_id, *answers.failure(event))


def text_of_definition(definition: Any) -> str:
    """Return a definition as the text that a request carries."""
    return definition if isinstance(definition, str) else json.dumps(definition)


def run_case(case: Case) -> Run:
    """Run the definition of a case on its input.

    Without a history that tells what its tasks were answered, its own functions are called.
    """
    data = case.data
    history = case.expected.get("history") or ()
    worker = None if history else worker_of(case)
    return run_definition(
        data["definition"],
        data.get("input"),
        machine_type=data.get("machine_type") or "STANDARD",
        recorded=Answers(history),
        worker=worker,
    )


def run_definition(
    definition: Any,
    given: Any,
    *,
    machine_type: str = "STANDARD",
    recorded: Answers | None = None,
    worker: Worker | None = None,
) -> Run:
    """Run a definition on an input; nothing given means an empty object."""
    machine = check(text_of_definition(definition), MachineType(machine_type))
    prefix = f"arn:aws:states:{REGION}:{ACCOUNT}"
    name, machine_name = "ExecArnPart-0idx", "ArnPart-0idx"
    arn = f"{prefix}:execution:{machine_name}:{name}"
    if machine_type == "EXPRESS":
        arn = f"{prefix}:express:{machine_name}:{name}:SyncExecArn-Part2"
    limit = machine.timeout_seconds
    started = ev.ExecutionStarted(
        id=1,
        time=BEGINNING,
        payload=Payload.of_text("{}" if given is None else json.dumps(given)),
        role_arn=ROLE,
        arn=arn,
        name=name,
        state_machine_arn=f"{prefix}:stateMachine:{machine_name}",
        state_machine_name=machine_name,
        start_at=machine.regions[0].start_at,
        deadline=None if limit is None else BEGINNING + timedelta(seconds=limit),
    )
    return begun(machine, started, recorded or Answers(()), worker).run(started)


def begun(
    machine: Machine,
    started: ev.ExecutionStarted,
    recorded: Answers,
    worker: Worker | None,
) -> Run:
    """Return the run of an execution of which nothing has happened yet."""
    arn = started.arn
    execution = Execution(shard=shard_of(arn, 64), execution_id=execution_id_of(arn, 1))
    return Run(machine, execution, recorded, worker)
