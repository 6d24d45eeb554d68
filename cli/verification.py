"""What `verify` finds: a log, replayed, against everything that is stored beside it.

The log is the truth. The row of an execution, its timers and its open attempts are what the
log implies; whatever differs is a finding. Some laws are of the log alone: ids without a gap,
one end, no attempt closed twice, nobody woken before the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Final

from runtime import events as ev
from runtime.evolve import fold
from runtime.execution import Execution, MapRunStatus, TimerKey, TimerKind
from runtime.failure import Action
from runtime.identity import execution_id_of, shard_of
from storage.codec import decode
from storage.verification import Stored, StoredTask

_ENDS: Final = (
    ev.ExecutionSucceeded,
    ev.ExecutionFailed,
    ev.ExecutionTimedOut,
    ev.ExecutionAborted,
)
_CLOSING: Final = (
    ev.LambdaFunctionSucceeded,
    ev.LambdaFunctionFailed,
    ev.LambdaFunctionTimedOut,
    ev.ActivitySucceeded,
    ev.ActivityFailed,
    ev.ActivityTimedOut,
    ev.TaskSucceeded,
    ev.TaskFailed,
    ev.TaskTimedOut,
)
_WAKES: Final = (ev.WaitStateExited, ev.Scheduled)
_DEADLINE: Final = (1, TimerKind.EXECUTION_TIMEOUT)
_SHOWN_IDS: Final = 5


def findings(stored: Stored, shards: int) -> list[str]:
    """Return what is wrong with an execution, as sentences; nothing if it is well."""
    if stored.set_aside is not None:
        return [f"is in quarantine: {stored.set_aside}"]
    found = [*_of_identity(stored, shards), *_of_ids(stored)]
    if found:
        return found
    try:
        log = decode(stored.events)
        record = stored.record
        execution = fold(record.shard, record.execution_id, log)
    except Exception as error:  # noqa: BLE001 - whatever a broken log does to its reader
        return [f"its log does not fold: {type(error).__name__}: {error}"]
    return [
        *_of_log(log),
        *_of_record(stored, execution),
        *_of_timers(stored, execution),
        *_of_tasks(stored, execution),
        *_of_map_runs(stored, execution, log),
        *_of_progress(stored, execution),
    ]


def _of_identity(stored: Stored, shards: int) -> Iterator[str]:
    record = stored.record
    if record.execution_id != execution_id_of(record.arn, record.generation):
        yield f"its id {record.execution_id} is not that of its ARN and generation"
    if record.shard != shard_of(record.arn, shards):
        yield f"it is in shard {record.shard}, its ARN belongs elsewhere"


def _of_ids(stored: Stored) -> Iterator[str]:
    ids = [event.event_id for event in stored.events]
    missing = sorted(set(range(1, max(ids, default=0) + 1)) - set(ids))
    if not ids:
        yield "it has no events"
    if missing:
        shown = ", ".join(map(str, missing[:_SHOWN_IDS]))
        yield f"{len(missing)} events are missing, among them {shown}"


def _of_log(log: list[ev.HistoryEvent]) -> Iterator[str]:
    yield from _of_order(log)
    yield from _of_ends(log)
    yield from _of_attempts(log)
    yield from _of_waits(log)


def _of_order(log: list[ev.HistoryEvent]) -> Iterator[str]:
    for before, event in pairwise(log):
        if event.time < before.time:
            yield f"event {event.id} is earlier than event {before.id}"
    for event in log:
        if not 0 <= event.previous_id < event.id:
            yield f"event {event.id} follows event {event.previous_id}"


def _of_ends(log: list[ev.HistoryEvent]) -> Iterator[str]:
    """An execution ends once, and again only after it was redriven."""
    is_ended = False
    for event in log:
        if isinstance(event, ev.ExecutionRedriven):
            is_ended = False
        elif is_ended:
            yield f"event {event.id} ({type(event).__name__}) comes after the end"
            return
        elif isinstance(event, _ENDS):
            is_ended = True


def _of_attempts(log: list[ev.HistoryEvent]) -> Iterator[str]:
    """An attempt is closed once. Its events are linked one to the next."""
    attempt_of: dict[int, int] = {}
    closed: dict[int, int] = {}
    for event in log:
        if isinstance(event, ev.Scheduled):
            attempt_of[event.id] = event.id
        attempt = attempt_of.get(event.previous_id)
        if attempt is None:
            continue
        if isinstance(event, ev.Started | ev.TaskSubmitted):
            attempt_of[event.id] = attempt
        elif isinstance(event, _CLOSING):
            if attempt in closed:
                yield f"attempt {attempt} is closed by {closed[attempt]} and {event.id}"
            closed[attempt] = event.id


def _of_waits(log: list[ev.HistoryEvent]) -> Iterator[str]:
    """Nobody is woken before the time, neither from a Wait state nor from a backoff.

    A redrive waits for no backoff that was running when the execution ended.
    """
    due_of: dict[int, datetime] = {}
    for event in log:
        if isinstance(event, ev.ExecutionRedriven):
            due_of = {
                visit: due
                for visit, due in due_of.items()
                if isinstance(log[visit - 1], ev.WaitStateEntered)
            }
        due = due_of.get(event.visit)
        if due is not None and isinstance(event, _WAKES) and event.time < due:
            yield f"event {event.id} came before its time, {due.isoformat()}"
        if isinstance(event, ev.WaitStateEntered) and event.due is not None:
            due_of[event.id] = event.due
        elif _is_retried_here(event):
            assert event.failure is not None
            assert event.failure.due is not None
            due_of[event.visit] = event.failure.due


def _is_retried_here(event: ev.HistoryEvent) -> bool:
    """Whether the very visit that the event belongs to is tried again."""
    failure = event.failure
    return (
        failure is not None
        and failure.action is Action.RETRY
        and failure.scope == event.scope
        and failure.due is not None
    )


def _of_record(stored: Stored, execution: Execution) -> Iterator[str]:
    record = stored.record
    last = None if execution.is_open else execution.last_event_id
    for name, kept, replayed in (
        ("arn", record.arn, execution.arn),
        ("name", record.name, execution.name),
        ("state machine", record.state_machine_arn, execution.state_machine_arn),
        ("status", record.status, str(execution.status)),
        ("start date", record.start_date, execution.started),
        ("stop date", record.stop_date, execution.stopped),
        ("last event", record.last_event_id, last),
        ("redrive count", record.redrive_count, execution.redrive_count),
        ("redrive date", record.redrive_date, execution.redriven),
    ):
        if kept != replayed:
            yield f"its row says {name} {kept}, its log {replayed}"


def _of_timers(stored: Stored, execution: Execution) -> Iterator[str]:
    if execution.last_event_id == 1:
        return  # the first turn, which writes them, has not come yet
    for key in sorted(execution.timers.keys() | stored.timers.keys()):
        yield from _of_timer(key, stored, execution)


def _of_timer(key: TimerKey, stored: Stored, execution: Execution) -> Iterator[str]:
    name = f"the {key[1].name} timer of event {key[0]}"
    kept, replayed = stored.timers.get(key), execution.timers.get(key)
    if kept is None:
        yield f"{name} is missing"
    elif replayed is None:
        yield f"{name} is left over"
    elif kept != replayed and key[1] is not TimerKind.HEARTBEAT:
        yield f"{name} is due {kept}, its log says {replayed}"


def _of_tasks(stored: Stored, execution: Execution) -> Iterator[str]:
    replayed = {
        scheduled_id: StoredTask(
            None if task.submitted_id else task.function, task.worker
        )
        for scheduled_id, task in execution.tasks.items()
    }
    for scheduled_id in sorted(replayed.keys() | stored.tasks.keys()):
        kept, expected = stored.tasks.get(scheduled_id), replayed.get(scheduled_id)
        if kept is None:
            yield f"the row of attempt {scheduled_id} is missing"
        elif expected is None:
            yield f"the row of attempt {scheduled_id} is left over"
        elif kept != expected:
            yield f"the row of attempt {scheduled_id} says {kept}, its log {expected}"


def _of_map_runs(
    stored: Stored, execution: Execution, log: list[ev.HistoryEvent]
) -> Iterator[str]:
    """Every run of the log has its row, which knows whether it has ended."""
    open_runs = {run.arn for run in execution.map_runs.values()}
    started = {e.map_run_arn for e in log if isinstance(e, ev.MapRunStarted)}
    for arn in sorted(started | stored.map_runs.keys()):
        kept = stored.map_runs.get(arn)
        if kept is None:
            yield f"the row of the Map Run {arn} is missing"
        elif arn not in started:
            yield f"the row of the Map Run {arn} is left over"
        elif (kept.status == MapRunStatus.RUNNING) != (arn in open_runs):
            yield f"the row of the Map Run {arn} says {kept.status}, its log does not"
        elif kept.children_started != kept.children_found:
            yield (
                f"the Map Run {arn} has started {kept.children_started} children,"
                f" and {kept.children_found} can be found"
            )


def _of_progress(stored: Stored, execution: Execution) -> Iterator[str]:
    """An open execution waits for something that will come."""
    if not execution.is_open or stored.has_stimulus:
        return
    if execution.ready:
        yield "it has something to do, and nothing that will make it go on"
    elif not (
        execution.tasks or execution.map_runs or execution.timers.keys() - {_DEADLINE}
    ):
        yield "it waits for nothing that will come"
