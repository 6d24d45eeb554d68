"""The database of a simulated world: rows, transactions, leases, and what must hold of them.

A batch is applied as `PostgresJournal` applies one: fenced, all or nothing, statement by
statement in its order. After every transaction the invariants of the rows are checked, and
each execution's log is folded on in a *shadow*, which the live execution must equal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from runtime import events as ev
from runtime.evolve import evolve
from runtime.execution import Execution, Status, TimerKind
from runtime.identity import ExecutionId
from runtime.journal import Batch, Entry, FenceLostError, RowRefusedError
from runtime.stimuli import Continue, Stimulus, Verdict
from storage.codec import EventRow, encode, read_on
from tests.support.portraits import difference
from tests.support.soundness import assert_owned, assert_sound

TimerRow: TypeAlias = tuple[int, ExecutionId, int, TimerKind]
TaskRow: TypeAlias = tuple[int, ExecutionId, int]
_CONTINUE = Continue()
_HARMLESS = 6
_ENDS = (
    ev.ExecutionSucceeded,
    ev.ExecutionFailed,
    ev.ExecutionTimedOut,
    ev.ExecutionAborted,
)


@dataclass(slots=True)
class Letter:
    """A row of the inbox."""

    shard: int
    execution_id: ExecutionId
    stimulus: Stimulus
    written: datetime
    has_sender: bool = False
    verdict: Verdict | None = None
    on_verdict: Callable[[Verdict], None] | None = None


@dataclass(slots=True)
class Record:
    """What is stored of one execution, and its shadow."""

    shard: int
    execution_id: ExecutionId
    machine: int
    shadow: Execution
    status: Status = Status.RUNNING
    redrives: int = 0
    is_poison: bool = False
    is_set_aside: bool = False
    rows: list[EventRow] = field(default_factory=list)
    log: list[ev.HistoryEvent] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status is not Status.RUNNING or self.is_set_aside


@dataclass(slots=True)
class Lease:
    """Who holds a shard."""

    epoch: int = 0
    holder: str = ""


class Vault:
    """The tables."""

    def __init__(self, clock: Callable[[], datetime], shards: int) -> None:
        self._clock = clock
        self.records: dict[ExecutionId, Record] = {}
        self.timers: dict[TimerRow, datetime] = {}
        self.tasks: dict[TaskRow, str | None] = {}
        self.inbox: dict[int, Letter] = {}
        self.leases = {shard: Lease() for shard in range(shards)}
        self.commits = 0
        self._letters = 0

    # Transactions

    def start(self, record: Record, first: ev.ExecutionStarted, begin: Letter) -> int:
        """Write a start; return the id of its inbox row."""
        self.records[record.execution_id] = record
        self._append(record, [first])
        return self.post(begin)

    def post(self, letter: Letter) -> int:
        """Write an inbox row; return its id."""
        self._letters += 1
        self.inbox[self._letters] = letter
        return self._letters

    def bump(self, shard: int, holder: str) -> int:
        """Give a shard to a holder; return the new epoch."""
        lease = self.leases[shard]
        lease.epoch += 1
        lease.holder = holder
        return lease.epoch

    def commit(
        self, batch: Batch, live: Callable[[ExecutionId], Execution | None]
    ) -> None:
        """Apply a batch, and check what it leaves."""
        self._check_fence(batch)
        for entry in batch.entries:
            self._check_rows(entry)
        self.commits += 1
        for entry in batch.entries:
            self._write(batch, entry)
        for entry in batch.entries:
            if entry.events:
                self._check(self.records[entry.execution_id], live(entry.execution_id))
            self._check_rows_of(self.records[entry.execution_id])

    def _check_fence(self, batch: Batch) -> None:
        for entry in batch.entries:
            if self.leases[entry.shard].epoch != batch.epochs[entry.shard]:
                raise FenceLostError(f"shard {entry.shard}")

    def _check_rows(self, entry: Entry) -> None:
        """Refuse what the keys of the tables refuse."""
        record = self.records[entry.execution_id]
        ids = [event.id for event in entry.events]
        if record.is_poison and ids and ids[-1] > _HARMLESS:
            raise RowRefusedError("this execution is never stored")
        first = len(record.rows) + 1
        if ids != list(range(first, first + len(ids))):
            raise RowRefusedError(f"events {ids} after {first - 1}")
        timers = [key for key, _ in entry.opened_timers]
        if len(set(timers)) != len(timers):
            raise RowRefusedError(f"timers are written twice: {timers}")
        for task in entry.opened_tasks:
            key = (entry.shard, entry.execution_id, task.scheduled_id)
            if key in self.tasks:
                raise RowRefusedError(f"task {key} exists")

    def _write(self, batch: Batch, entry: Entry) -> None:
        record = self.records[entry.execution_id]
        self._append(record, entry.events)
        if entry.reopening is not None:
            record.status = Status.RUNNING
            record.redrives = entry.reopening[0]
        if entry.closing is not None:
            record.status = entry.closing[0]
        self._write_timers(entry)
        self._write_tasks(entry)
        self._write_inbox(batch, entry)

    def _append(self, record: Record, events: Sequence[ev.HistoryEvent]) -> None:
        rows = [encode(event) for event in events]
        count = len(record.log)
        record.rows += rows
        read_on(record.log, rows)
        for event in record.log[count:]:
            is_reopened = isinstance(event, ev.ExecutionRedriven)
            assert record.shadow.is_open is not is_reopened, "this follows the end"
            evolve(record.shadow, event)
            assert isinstance(event, _ENDS) is not record.shadow.is_open

    def _write_timers(self, entry: Entry) -> None:
        place = (entry.shard, entry.execution_id)
        for key, due in entry.opened_timers:
            self.timers[(*place, *key)] = due
        for key in entry.closed_timers:
            self.timers.pop((*place, *key), None)

    def _write_tasks(self, entry: Entry) -> None:
        place = (entry.shard, entry.execution_id)
        for task in (*entry.opened_tasks, *entry.changed_tasks):
            self.tasks[(*place, task.scheduled_id)] = task.worker
        for scheduled_id in entry.closed_tasks:
            self.tasks.pop((*place, scheduled_id), None)

    def _write_inbox(self, batch: Batch, entry: Entry) -> None:
        for row in entry.consumed:
            self.inbox.pop(row, None)
        for row, verdict in entry.verdicts:
            letter = self.inbox.get(row)
            if letter is not None and letter.verdict is None:
                letter.verdict = Verdict(verdict)
                if letter.on_verdict is not None:
                    letter.on_verdict(letter.verdict)
        if entry.is_cut:
            from_now = self._clock()
            letter = Letter(entry.shard, entry.execution_id, _CONTINUE, from_now)
            batch.continuations[entry.execution_id] = self.post(letter)

    # What must hold

    def waits(self, execution_id: ExecutionId) -> bool:
        """Tell whether an unconsumed inbox row waits for an execution."""
        return any(
            letter.execution_id == execution_id and letter.verdict is None
            for letter in self.inbox.values()
        )

    def _check(self, record: Record, live: Execution | None) -> None:
        shadow, execution_id = record.shadow, record.execution_id
        assert live is not None, "a commit of an execution that its lane has forgotten"
        differing = difference(shadow, live)
        assert differing == {}, f"the log does not fold to the live state: {differing}"
        assert shadow.status is record.status
        assert shadow.redrive_count == record.redrives
        assert_sound(shadow)
        if not self.waits(execution_id):
            assert_owned(shadow)

    def _check_rows_of(self, record: Record) -> None:
        """Open timers and tasks are rows; only a heartbeat may be due later than it was."""
        place = (record.shard, record.execution_id)
        timers = {key[2:]: due for key, due in self.timers.items() if key[:2] == place}
        expected = record.shadow.timers
        assert timers.keys() == expected.keys(), (
            "timer rows differ from the folded ones"
        )
        for key, due in timers.items():
            is_later = key[1] is TimerKind.HEARTBEAT and due >= expected[key]
            assert due == expected[key] or is_later, f"timer {key} is due at {due}"
        tasks = {
            key[2]: worker for key, worker in self.tasks.items() if key[:2] == place
        }
        open_tasks = {key: task.worker for key, task in record.shadow.tasks.items()}
        assert tasks == open_tasks, "task rows differ from the folded ones"
