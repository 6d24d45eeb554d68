"""Where decisions become durable: the protocol of the two journals.

`PostgresJournal` keeps the log in PostgreSQL; `MemoryJournal` is production code for Express
executions and passes the same suite. A batch is all or nothing: after `commit` returns, every
event in it exists; after it raises, what exists is as the error says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from runtime.events import ExecutionRedriven, HistoryEvent
from runtime.execution import (
    Execution,
    MapRunStatus,
    OpenMapRun,
    OpenTask,
    Status,
    TimerKey,
)
from runtime.identity import ExecutionId
from runtime.map_runs import ChildEnd, child_end


class JournalError(Exception):
    """Base of what a commit can end with."""


class FenceLostError(JournalError):
    """Some shard of the batch is not held at the expected epoch; nothing was written."""


class CommitAbortedError(JournalError):
    """The database gave the transaction up for a passing reason; nothing was written."""


class RowRefusedError(JournalError):
    """The database refuses a row of the batch, and always will; nothing was written."""


class OutcomeUnknownError(JournalError):
    """The connection was lost: the batch is written, or it is not."""


@dataclass(slots=True, kw_only=True)
class Entry:
    """What one execution's turn writes.

    Timers are `(event id, kind)`; `opened_timers` adds the due time. `closing` is set when
    the execution ended; `reopening` (how often, and when last) when it was redriven, which
    comes before an end. `consumed` are inbox rows without a sender who waits, `verdicts` those
    with one. `is_cut` asks for a Continue of its own. Map Runs that ended are told by their
    ARNs; `ended_child` is set when the execution that closed is the child of a Map Run.
    """

    shard: int
    execution_id: ExecutionId
    events: Sequence[HistoryEvent] = ()
    opened_timers: Sequence[tuple[TimerKey, datetime]] = ()
    closed_timers: Sequence[TimerKey] = ()
    opened_tasks: Sequence[OpenTask] = ()
    changed_tasks: Sequence[OpenTask] = ()
    closed_tasks: Sequence[int] = ()
    reopening: tuple[int, datetime] | None = None
    opened_map_runs: Sequence[OpenMapRun] = ()
    redriven_map_runs: Sequence[OpenMapRun] = ()
    closed_map_runs: Sequence[tuple[str, MapRunStatus]] = ()
    closing: tuple[Status, datetime, int] | None = None
    ended_child: ChildEnd | None = None
    consumed: Sequence[int] = ()
    verdicts: Sequence[tuple[int, str]] = ()
    is_cut: bool = False

    @property
    def concerns_map_runs(self) -> bool:
        """Whether a Map Run has something to do once this is committed."""
        return bool(
            self.opened_map_runs
            or self.redriven_map_runs
            or self.closed_map_runs
            or self.ended_child
        )


@dataclass(slots=True, kw_only=True)
class Batch:
    """Entries of many executions, and the epochs at which their shards must be held."""

    epochs: Mapping[int, int]
    entries: list[Entry]
    now: datetime
    continuations: dict[ExecutionId, int] = field(default_factory=dict)


class Journal(Protocol):
    """Appends batches and reads logs."""

    async def commit(self, batch: Batch) -> None:
        """Write a batch; fill `batch.continuations` with the inbox ids of cut turns."""

    async def load(
        self, executions: Sequence[tuple[int, ExecutionId]]
    ) -> dict[ExecutionId, list[HistoryEvent]]:
        """Read whole logs, from the first event on; an unknown execution is left out."""


def entry_of(execution: Execution, events: Sequence[HistoryEvent]) -> Entry:
    """Describe what has changed in an execution since its last commit."""
    entry = Entry(
        shard=execution.shard, execution_id=execution.execution_id, events=events
    )
    timers, tasks = execution.timers, execution.tasks
    if execution.opened_timers:
        entry.opened_timers = [(key, timers[key]) for key in execution.opened_timers]
    if execution.closed_timers:
        # One that was closed and opened again is written over.
        entry.closed_timers = list(execution.closed_timers - execution.opened_timers)
    if execution.opened_tasks:
        entry.opened_tasks = [tasks[task] for task in execution.opened_tasks]
    if execution.changed_tasks:
        entry.changed_tasks = [tasks[task] for task in execution.changed_tasks]
    if execution.closed_tasks:
        entry.closed_tasks = list(execution.closed_tasks)
    if execution.redriven is not None and any(map(_is_redrive, events)):
        entry.reopening = (execution.redrive_count, execution.redriven)
    _take_map_runs(entry, execution)
    if not execution.is_open and events and execution.stopped is not None:
        entry.closing = (execution.status, execution.stopped, execution.last_event_id)
        entry.ended_child = child_end(execution)
    return entry


def _take_map_runs(entry: Entry, execution: Execution) -> None:
    if execution.opened_map_runs:
        entry.opened_map_runs = list(execution.opened_map_runs.values())
    if execution.redriven_map_runs:
        entry.redriven_map_runs = list(execution.redriven_map_runs.values())
    if execution.closed_map_runs:
        entry.closed_map_runs = list(execution.closed_map_runs.items())


def _is_redrive(event: HistoryEvent) -> bool:
    return isinstance(event, ExecutionRedriven)
