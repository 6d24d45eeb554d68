"""The near future in memory: which timers of the held shards are due soon, and which are out.

The truth is the `timers` table. Since only the holder of a shard writes its timers, and says
here what it has committed, a copy of the next seconds can be kept exact and a wake needs no
query. The copy heals itself all the same: every read of the table that covers a shard
completely removes what the table does not have and adds what it has.

A timer is *pending* until it is taken, and *taken* until the deletion of its row is known to
be committed (`settle`) or known to have failed (`give_back`). What is taken is not handed
out twice, however often its row is read meanwhile. Two races are closed by `begin_read`:

- A row may be settled, or noted anew with a later instant, between the read's snapshot and
  the arrival of its rows. Whatever is touched during a read is therefore left as it is.
- A shard may be lost and won again during a read. Rows count only for the tenure in which
  the read began.

A timer that stays taken for long (its stimulus was lost by an error of ours) is offered
again: firing twice changes nothing, not firing at all would stall the execution.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import TypeAlias

from runtime.execution import TimerKind
from runtime.identity import ExecutionId

TimerId: TypeAlias = tuple[int, ExecutionId, int, TimerKind]
"""Shard, execution, event and kind: the key of a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerDue:
    """A timer that is due, or was."""

    shard: int
    execution_id: ExecutionId
    event_id: int
    kind: TimerKind
    due: datetime

    @property
    def id(self) -> TimerId:
        """The key of its row, by which it is settled."""
        return (self.shard, self.execution_id, self.event_id, self.kind)


TimerRow: TypeAlias = tuple[TimerId, datetime]


@dataclass(frozen=True, slots=True)
class _Taken:
    due: datetime
    since: datetime


@dataclass(slots=True, eq=False)
class _Tenure:
    """What is known of one shard since it was won: pending as (offered at, due)."""

    pending: dict[TimerId, tuple[datetime, datetime]] = field(default_factory=dict)
    taken: dict[TimerId, _Taken] = field(default_factory=dict)

    @property
    def known(self) -> int:
        return len(self.pending) + len(self.taken)


@dataclass(frozen=True, slots=True)
class Read:
    """A read of the table under way: for which shards, how many rows each, up to when."""

    tenures: Mapping[int, _Tenure]
    bounds: Mapping[int, int]
    until: datetime
    touched: set[TimerId] = field(default_factory=set)


class Horizon:
    """The timers of the held shards that are due soon."""

    def __init__(self, *, offer_again_after: timedelta = timedelta(seconds=60)) -> None:
        self._offer_again_after = offer_again_after
        self._tenures: dict[int, _Tenure] = {}
        # Removed lazily: an entry counts only while `pending` says the same.
        self._heap: list[tuple[datetime, TimerId]] = []
        self._read: Read | None = None
        self.offered_again = 0

    # Shards

    @property
    def shards(self) -> list[int]:
        """The held shards, in order."""
        return sorted(self._tenures)

    @property
    def pending(self) -> int:
        """How many timers wait here for their instant."""
        return sum(len(tenure.pending) for tenure in self._tenures.values())

    @property
    def taken(self) -> int:
        """How many timers are handed out and not settled."""
        return sum(len(tenure.taken) for tenure in self._tenures.values())

    def hold(self, shards: Iterable[int]) -> None:
        """Begin a tenure of each shard, with nothing known."""
        for shard in shards:
            self._tenures[shard] = _Tenure()

    def release(self, shards: Iterable[int]) -> None:
        """End the tenure of each shard and forget its timers."""
        for shard in shards:
            self._tenures.pop(shard, None)

    # Single timers

    def put(self, timer: TimerId, due: datetime) -> None:
        """Know a timer that is in the table now; one that was taken is pending again."""
        tenure = self._tenures.get(timer[0])
        if tenure is None:
            return
        self._touch(timer)
        tenure.taken.pop(timer, None)
        self._offer(tenure, timer, due, due)

    def settle(self, timer: TimerId) -> None:
        """Know that a timer is no longer in the table."""
        tenure = self._tenures.get(timer[0])
        if tenure is None:
            return
        self._touch(timer)
        if tenure.taken.pop(timer, None) is None:
            tenure.pending.pop(timer, None)

    def give_back(self, timer: TimerId, offer_at: datetime) -> None:
        """Take a timer back whose firing was not committed, to be offered again later."""
        tenure = self._tenures.get(timer[0])
        taken = None if tenure is None else tenure.taken.pop(timer, None)
        if tenure is not None and taken is not None:
            self._touch(timer)
            self._offer(tenure, timer, max(offer_at, taken.due), taken.due)

    def take(self, now: datetime, limit: int) -> list[TimerDue]:
        """Hand out what is due, the earliest first, at most `limit` of it."""
        due_now: list[TimerDue] = []
        while len(due_now) < limit:
            offered_at = self.next_due()
            if offered_at is None or offered_at > now:
                break
            _, timer = heappop(self._heap)
            tenure = self._tenures[timer[0]]
            due = tenure.pending.pop(timer)[1]
            tenure.taken[timer] = _Taken(due, now)
            shard, execution_id, event_id, kind = timer
            due_now.append(
                TimerDue(
                    shard=shard,
                    execution_id=execution_id,
                    event_id=event_id,
                    kind=kind,
                    due=due,
                )
            )
        return due_now

    def next_due(self) -> datetime | None:
        """Return the instant of the earliest pending timer."""
        while self._heap:
            offered_at, timer = self._heap[0]
            tenure = self._tenures.get(timer[0])
            entry = None if tenure is None else tenure.pending.get(timer)
            if entry is not None and entry[0] == offered_at:
                return offered_at
            heappop(self._heap)
        return None

    # Reads of the table

    def begin_read(self, until: datetime, quota: int) -> Read:
        """Begin a read that brings up to `quota` rows of each shard that are not known."""
        assert self._read is None, "one read at a time"
        tenures = dict(self._tenures)
        bounds = {shard: quota + tenure.known for shard, tenure in tenures.items()}
        self._read = Read(tenures, bounds, until)
        return self._read

    def abandon_read(self) -> None:
        """End a read that failed."""
        self._read = None

    def finish_read(self, rows: Sequence[TimerRow], now: datetime) -> bool:
        """Learn what a read brought; whether it was cut, so that another must follow."""
        read = self._read
        assert read is not None, "no read was begun"
        self._read = None
        by_shard: dict[int, list[TimerRow]] = {}
        for row in rows:
            by_shard.setdefault(row[0][0], []).append(row)
        cut = False
        for shard, tenure in read.tenures.items():
            if self._tenures.get(shard) is not tenure:
                continue
            found = by_shard.get(shard, [])
            self._add(tenure, found, read.touched, now)
            if len(found) < read.bounds[shard]:
                self._remove_others(tenure, found, read)
            else:
                cut = True
        return cut

    def _add(
        self,
        tenure: _Tenure,
        rows: Iterable[TimerRow],
        touched: set[TimerId],
        now: datetime,
    ) -> None:
        for timer, due in rows:
            if timer in touched:
                continue
            taken = tenure.taken.get(timer)
            if taken is None:
                if timer not in tenure.pending or tenure.pending[timer][1] != due:
                    self._offer(tenure, timer, due, due)
            elif taken.since + self._offer_again_after <= now:
                self.offered_again += 1
                del tenure.taken[timer]
                self._offer(tenure, timer, due, due)

    def _remove_others(
        self, tenure: _Tenure, found: Iterable[TimerRow], read: Read
    ) -> None:
        """Remove what a complete read did not find."""
        kept = {timer for timer, _ in found} | read.touched
        for timer, (_, due) in list(tenure.pending.items()):
            if timer not in kept and due <= read.until:
                del tenure.pending[timer]
        for timer, taken in list(tenure.taken.items()):
            if timer not in kept and taken.due <= read.until:
                del tenure.taken[timer]

    def _offer(
        self, tenure: _Tenure, timer: TimerId, offer_at: datetime, due: datetime
    ) -> None:
        tenure.pending[timer] = (offer_at, due)
        heappush(self._heap, (offer_at, timer))

    def _touch(self, timer: TimerId) -> None:
        if self._read is not None:
            self._read.touched.add(timer)
