"""A random life of an execution: whatever may come to it comes, in any order.

Answers, failures, lost workers, beats, timers, stops, and any earlier stimulus once more.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from asl.parse import parse_machine
from runtime import stimuli as st
from runtime.execution import OpenMapRun, OpenTask, Status
from runtime.principal import Principal
from tests.support.live import Live, live_before_its_first_turn, payload
from tests.support.random_machines import ERRORS, random_definition, random_input

_WORKER = "worker-1"
_CALLER = Principal("SWKADA", "ada")
_TOO_LARGE = "x" * 262_145


def random_output(chance: Random) -> Any:
    """Make what a function returns."""
    draw = chance.random()
    if draw < 0.005:
        return _TOO_LARGE
    if draw < 0.05:
        return chance.choice((None, 0, "", [], "text", {"r": None}))
    return {"again": chance.random() < 0.2, "k": chance.randint(0, 9)}


def random_answer(chance: Random, task: OpenTask) -> st.Stimulus:
    """Make something that may come for an open task."""
    task_id = task.scheduled_id
    if not task.started_id:
        return st.TaskClaimed(task_id, _WORKER)
    error = chance.choice(ERRORS)
    draw = chance.random()
    if draw < 0.1:
        return st.Heartbeat(task_id)
    if draw < 0.2 and task.worker is not None:
        return st.WorkerLost(task_id, task.worker)
    if task.submitted_id or draw < 0.3:
        return chance.choice(
            (
                st.CallbackSucceeded(task_id, payload(random_output(chance)), _CALLER),
                st.CallbackFailed(task_id, error, None, _CALLER),
            )
        )
    if draw < 0.5:
        return st.WorkerRaised(task_id, error, "cause")
    return st.WorkerReturned(task_id, payload(random_output(chance)))


def random_end(chance: Random, run: OpenMapRun) -> st.Stimulus:
    """Make an end of a Map Run; its children are no part of the walk."""
    if chance.random() < 0.3:
        return st.ChildrenFailed(run.started_id, chance.choice(ERRORS), "cause")
    results = [random_output(chance) for _ in range(run.length)]
    return st.ChildrenSucceeded(run.started_id, payload(results))


@dataclass(slots=True)
class Walk:
    """One random life; `check` is called after every stimulus.

    What ends badly is redriven, as often as `redrives` says.
    """

    chance: Random
    is_plain: bool = False
    has_jsonata: bool = False
    redrives: int = 0
    definition: dict[str, Any] = field(init=False)
    live: Live = field(init=False)
    past: list[st.Stimulus] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.definition = random_definition(
            self.chance,
            is_plain=self.is_plain,
            has_jsonata=self.has_jsonata,
            has_map_runs=True,
        )
        machine = parse_machine(json.dumps(self.definition))
        self.live = live_before_its_first_turn(machine, random_input(self.chance))

    def run(self, check: Callable[[Live], None], most: int = 60) -> Live:
        """Live until the end; what takes longer is stopped."""
        self._feed(st.Begin(), check)
        self._live(check, most)
        while self.redrives and self.live.execution.status is not Status.SUCCEEDED:
            self.redrives -= 1
            self._feed(st.Redrive(f"token {self.redrives}"), check)
            self._live(check, most)
        return self.live

    def _live(self, check: Callable[[Live], None], most: int) -> None:
        for _ in range(most):
            if not self.live.execution.is_open:
                return
            self._feed(self._next(), check)
        while self.live.execution.is_open:
            self._feed(self._last(), check)

    def _feed(self, stimulus: st.Stimulus, check: Callable[[Live], None]) -> None:
        worker = _WORKER if self.chance.random() < 0.6 else None
        self.live.claim = lambda _function: worker
        self.live.seed = self.chance.randbytes(8)
        self.live.later(self.chance.choice((0, 0, 0.25, 1)))
        self.live.feed(stimulus)
        self.past.append(stimulus)
        check(self.live)

    def _next(self) -> st.Stimulus:
        chance, execution = self.chance, self.live.execution
        draw = chance.random()
        if draw < 0.01:
            return st.Stop("Stopped", None)
        if draw < 0.12:
            return chance.choice(self.past)
        if self.live.last.is_cut:
            return st.Continue()
        if execution.map_runs and draw < 0.4:
            return random_end(chance, chance.choice([*execution.map_runs.values()]))
        if execution.tasks and (draw < 0.7 or not execution.timers):
            return random_answer(chance, chance.choice([*execution.tasks.values()]))
        if execution.map_runs and not execution.timers:
            return random_end(chance, chance.choice([*execution.map_runs.values()]))
        return self._due_timer()

    def _due_timer(self) -> st.Stimulus:
        timers = self.live.execution.timers
        key = min(timers, key=lambda timer: (timers[timer], timer))
        self.live.now = max(self.live.now, timers[key])
        return st.TimerFired(*key)

    def _last(self) -> st.Stimulus:
        return st.Continue() if self.live.last.is_cut else st.Stop(None, None)
