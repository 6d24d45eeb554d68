"""What an engine counts as it works: plain numbers, read when somebody asks.

Nothing here may cost what it measures: a batch adds its events to a counter in one call, and
only a task that closes is timed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import Final

from engine.work import TurnDone
from runtime.events import (
    ExecutionAborted,
    ExecutionFailed,
    ExecutionRedriven,
    ExecutionSucceeded,
    ExecutionTimedOut,
    HistoryEvent,
)
from runtime.execution import OpenTask
from scheduler.histogram import DURATION_BOUNDS, SIZE_BOUNDS, Histogram

FAMILIES: Final = ("LambdaFunction", "Activity", "Task")
ENDS: Final = (
    ExecutionSucceeded,
    ExecutionFailed,
    ExecutionTimedOut,
    ExecutionAborted,
)


class Measures:
    """The counts of one machine type's executions in one process."""

    def __init__(self) -> None:
        self.events: Counter[type[HistoryEvent]] = Counter()
        # Of these, what the children of Map Runs had.
        self.events_of_children: Counter[type[HistoryEvent]] = Counter()
        # Per family of tasks, of those that closed after they had been waited for.
        self.schedule_to_start = {f: Histogram(DURATION_BOUNDS) for f in FAMILIES}
        self.start_to_close = {f: Histogram(DURATION_BOUNDS) for f in FAMILIES}
        self.commit_seconds = Histogram(DURATION_BOUNDS)
        self.commit_events = Histogram(SIZE_BOUNDS)

    def commit_took(self, seconds: float, turns: Sequence[TurnDone]) -> None:
        """Count one commit of a lane."""
        self.commit_seconds.observe(seconds)
        self.commit_events.observe(sum(len(turn.events) for turn in turns))

    def turns_done(self, turns: Sequence[TurnDone]) -> None:
        """Count the events of turns that exist now, and time the tasks they closed."""
        events = chain.from_iterable(turn.events for turn in turns)
        self.events.update(map(type, events))
        for turn in turns:
            if turn.resident is not None and turn.resident.execution.child_of:
                self.events_of_children.update(map(type, turn.events))
            for task in turn.closed:
                self._task_closed(task, turn.events[-1].time)

    @property
    def opened_again(self) -> int:
        """How many redrives there were, less how many executions ended; children left out."""
        own = Counter(self.events)
        own.subtract(self.events_of_children)
        return own[ExecutionRedriven] - sum(map(own.__getitem__, ENDS))

    def _task_closed(self, task: OpenTask, closed: datetime) -> None:
        started = task.started
        if started is None:
            return
        waited = (started - task.scheduled).total_seconds()
        self.schedule_to_start[task.family].observe(waited)
        took = (closed - started).total_seconds()
        self.start_to_close[task.family].observe(took)
