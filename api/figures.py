"""The figures of `/metrics`, one table: name, meaning, labels, and how each is read.

Figures of this process are sums over what it holds or did, so the processes of an
installation add up. Figures that begin with `installation_` are read from the database, and
every process says the same: take the maximum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from api.measures import RequestMeasures
from engine.engine import Engine
from engine.lane import Lane
from engine.measures import Measures
from runtime import events as ev
from runtime.execution import Status
from scheduler.histogram import Histogram
from storage.gauges import Gauges, WaitingTasks

Labels: TypeAlias = tuple[str, ...]
Numbers: TypeAlias = Iterable[tuple[Labels, float]]
Histograms: TypeAlias = Iterable[tuple[Labels, Histogram]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the figures come from; no gauges while the database cannot be reached."""

    engine: Engine
    requests: RequestMeasures
    worker_answers: Mapping[tuple[str, str], int]
    stalls: Histogram
    gauges: Gauges | None

    @property
    def machine_types(self) -> Mapping[str, Measures]:
        """What was counted of Standard and of Express executions."""
        express = self.engine.express.express.measures
        return {"STANDARD": self.engine.measures, "EXPRESS": express}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number, or one per value of its labels."""

    name: str
    about: str
    labels: Labels = ()
    read: Callable[[Sources], Numbers]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """One histogram, or one per value of its labels."""

    name: str
    about: str
    labels: Labels = ()
    read: Callable[[Sources], Histograms]


def _one(read: Callable[[Sources], float]) -> Callable[[Sources], Numbers]:
    return lambda sources: [((), read(sources))]


def _stored(read: Callable[[Gauges], float]) -> Callable[[Sources], Numbers]:
    """Read what the database says, if it has said anything."""
    return lambda s: [] if s.gauges is None else [((), read(s.gauges))]


# What was counted


def _starts(sources: Sources) -> Numbers:
    engine = sources.engine
    children = engine.map_runs.children_started
    yield ("STANDARD",), engine.starts.started + children
    yield ("EXPRESS",), engine.express.express.begun


_CLOSED: Final = {
    Status.SUCCEEDED: ev.ExecutionSucceeded,
    Status.FAILED: ev.ExecutionFailed,
    Status.TIMED_OUT: ev.ExecutionTimedOut,
    Status.ABORTED: ev.ExecutionAborted,
}


def _closes(sources: Sources) -> Numbers:
    for machine_type, measures in sources.machine_types.items():
        for status, event_class in _CLOSED.items():
            yield (machine_type, status.value), measures.events[event_class]


def _events(sources: Sources) -> Numbers:
    for machine_type, measures in sources.machine_types.items():
        for event_class, count in measures.events.items():
            yield (machine_type, event_class.__name__), count


def _transitions(sources: Sources) -> Numbers:
    for machine_type, measures in sources.machine_types.items():
        counted = measures.events.items()
        yield (
            (machine_type,),
            sum(n for cls, n in counted if issubclass(cls, ev.StateEntered)),
        )


def _requests(sources: Sources) -> Numbers:
    return list(sources.requests.answers.items())


def _worker_requests(sources: Sources) -> Numbers:
    return list(sources.worker_answers.items())


COUNTERS: Final[tuple[Figure, ...]] = (
    Figure(
        name="executions_started",
        about="Executions started by this process, children of Map Runs included",
        labels=("machine_type",),
        read=_starts,
    ),
    Figure(
        name="executions_closed",
        about="Executions that ended here",
        labels=("machine_type", "status"),
        read=_closes,
    ),
    Figure(
        name="transitions",
        about="States entered",
        labels=("machine_type",),
        read=_transitions,
    ),
    Figure(
        name="events",
        about="History events, the first of an execution excepted",
        labels=("machine_type", "event"),
        read=_events,
    ),
    Figure(
        name="requests",
        about="Requests of the AWS API; outcome is 200 or the error's name",
        labels=("operation", "outcome"),
        read=_requests,
    ),
    Figure(
        name="worker_requests",
        about="Requests of workers: poll, report, bye; outcome is 200 or the error's name",
        labels=("request", "outcome"),
        read=_worker_requests,
    ),
    Figure(
        name="timer_reads_failed",
        about="Reads of the timers table that failed",
        read=_one(lambda s: s.engine.timers.failed_reads),
    ),
)


# What is so now


def _lanes(read: Callable[[Lane], int]) -> Callable[[Sources], Numbers]:
    return _one(lambda s: sum(map(read, s.engine.lanes)))


def _waiting_here(sources: Sources) -> Numbers:
    return [((), len(sources.engine.hall.waiting))]


def _slots(sources: Sources) -> Numbers:
    sessions = sources.engine.hall.sessions.values()
    yield ("free",), sum(max(0, session.free) for session in sessions)
    yield ("used",), sum(len(session.assigned) for session in sessions)


def _waiting_tasks(sources: Sources) -> Numbers:
    return [((w.function,), w.count) for w in _waiting(sources)]


def _waiting_since(sources: Sources) -> Numbers:
    return [((w.function,), w.oldest_seconds) for w in _waiting(sources)]


def _waiting(sources: Sources) -> Sequence[WaitingTasks]:
    return () if sources.gauges is None else sources.gauges.waiting_tasks


GAUGES: Final[tuple[Figure, ...]] = (
    Figure(
        name="shards_held",
        about="Shards that this process works for",
        read=_one(lambda s: len(s.engine.shards.epochs)),
    ),
    Figure(
        name="leases_certain",
        about="1 while the leases surely hold; at 0 nothing leaves the engine",
        read=_one(lambda s: s.engine.leases.is_certain),
    ),
    Figure(
        name="executions_in_memory",
        about="Standard executions in memory",
        read=_lanes(lambda lane: lane.in_memory),
    ),
    Figure(
        name="executions_waiting",
        about="Executions with stimuli that wait for a turn",
        read=_lanes(lambda lane: lane.waiting),
    ),
    Figure(
        name="express_running",
        about="Express executions that run in this process",
        read=_one(lambda s: s.engine.express.express.running),
    ),
    Figure(
        name="starts_waiting",
        about="Starts that wait for the next commit",
        read=_one(lambda s: s.engine.starts.waiting),
    ),
    Figure(
        name="verdicts_waiting",
        about="Callers that wait for what became of their stimulus",
        read=_one(lambda s: s.engine.router.waiting),
    ),
    Figure(
        name="tasks_waiting",
        about="Tasks of the held shards that wait for a worker",
        read=_waiting_here,
    ),
    Figure(
        name="worker_sessions",
        about="Workers that poll this process",
        read=_one(lambda s: len(s.engine.hall.sessions)),
    ),
    Figure(
        name="worker_slots",
        about="Slots of the workers that poll this process",
        labels=("state",),
        read=_slots,
    ),
    Figure(
        name="calls_running",
        about="Functions that this process is calling elsewhere",
        read=_one(lambda s: s.engine.elsewhere.calling if s.engine.elsewhere else 0),
    ),
    Figure(
        name="activity_pollers",
        about="Callers that wait in GetActivityTask",
        read=_one(lambda s: s.engine.activities.pollers),
    ),
    Figure(
        name="timers_near",
        about="Timers of the next seconds, in memory",
        read=_one(lambda s: s.engine.timers.pending),
    ),
    Figure(
        name="database_reached",
        about="0 while the figures of the installation cannot be read, and are left out",
        read=_one(lambda s: s.gauges is not None),
    ),
    Figure(
        name="installation_executions_open",
        about="Standard executions that run",
        read=_stored(lambda g: g.open_executions),
    ),
    Figure(
        name="installation_express_accepted",
        about="Express executions that were accepted and have not ended",
        read=_stored(lambda g: g.express_accepted),
    ),
    Figure(
        name="installation_tasks_waiting",
        about="Tasks that wait for a worker, by function",
        labels=("function",),
        read=_waiting_tasks,
    ),
    Figure(
        name="installation_tasks_waiting_oldest_seconds",
        about="How long the first task of a function has waited",
        labels=("function",),
        read=_waiting_since,
    ),
    Figure(
        name="installation_inbox",
        about="Stimuli that no engine has taken",
        read=_stored(lambda g: g.inbox),
    ),
    Figure(
        name="installation_inbox_oldest_seconds",
        about="How long the oldest of them has waited",
        read=_stored(lambda g: g.inbox_oldest_seconds),
    ),
    Figure(
        name="installation_quarantined",
        about="Executions that were set aside",
        read=_stored(lambda g: g.quarantined),
    ),
    Figure(
        name="installation_shards_without_engine",
        about="Shards that no engine holds",
        read=_stored(lambda g: g.shards_without_engine),
    ),
)


# What is spread over a range


def _schedule_to_start(sources: Sources) -> Histograms:
    for machine_type, measures in sources.machine_types.items():
        for family, histogram in measures.schedule_to_start.items():
            yield (machine_type, family), histogram


def _start_to_close(sources: Sources) -> Histograms:
    for machine_type, measures in sources.machine_types.items():
        for family, histogram in measures.start_to_close.items():
            yield (machine_type, family), histogram


def _request_seconds(sources: Sources) -> Histograms:
    return [((name,), found) for name, found in sources.requests.seconds.items()]


SPREADS: Final[tuple[Spread, ...]] = (
    Spread(
        name="task_schedule_to_start_seconds",
        about="How long tasks that closed had waited to be started",
        labels=("machine_type", "family"),
        read=_schedule_to_start,
    ),
    Spread(
        name="task_start_to_close_seconds",
        about="How long tasks took, from their start to their outcome",
        labels=("machine_type", "family"),
        read=_start_to_close,
    ),
    Spread(
        name="commit_seconds",
        about="How long the lanes' commits took",
        read=lambda s: [((), s.engine.measures.commit_seconds)],
    ),
    Spread(
        name="commit_events",
        about="How many events the lanes' commits wrote",
        read=lambda s: [((), s.engine.measures.commit_events)],
    ),
    Spread(
        name="timer_lateness_seconds",
        about="How late timers were handed out",
        read=lambda s: [((), s.engine.timers.lateness)],
    ),
    Spread(
        name="loop_stall_seconds",
        about="How late the event loop came to a call ten times a second",
        read=lambda s: [((), s.stalls)],
    ),
    Spread(
        name="request_seconds",
        about="How long requests of the AWS API took, long polls included",
        labels=("operation",),
        read=_request_seconds,
    ),
)
