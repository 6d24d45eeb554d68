"""Laws of the near future in memory, under any order of commits, reads and lost shards.

The model is the table. Timers are committed, replaced, closed and fired; some are committed
by nobody who tells (as before a take-over); reads take their snapshot at one moment and
arrive at another. At every moment what is handed out is in the table, is due and is not
already out; in the end a read brings out whatever is left.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from scheduler.horizon import Horizon, TimerId, TimerRow
from tests.support.memory_timers import at, timer

SHARDS = (1, 2)
timers = st.builds(timer, st.sampled_from(SHARDS), st.integers(0, 5))
seconds = st.integers(0, 60)


class TableAndHorizon(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.table: dict[TimerId, datetime] = {}
        self.out: set[TimerId] = set()
        self.held = set(SHARDS)
        self.horizon = Horizon(offer_again_after=timedelta(days=1))
        self.horizon.hold(SHARDS)
        self.arriving: list[TimerRow] | None = None

    @rule(timer=timers, delay=seconds)
    def commit(self, timer: TimerId, delay: int) -> None:
        """Insert a row, or replace the one there is (perhaps as its firing), and say so."""
        if timer[0] in self.held:
            self.out.discard(timer)
            self.table[timer] = at(self.now + delay)
            self.horizon.settle(timer)
            self.horizon.put(timer, self.table[timer])

    @rule(timer=timers, delay=seconds)
    def commit_elsewhere(self, timer: TimerId, delay: int) -> None:
        """Insert a row as another engine does, while the shard is not held."""
        if timer[0] not in self.held:
            self.table[timer] = at(self.now + delay)

    @rule(timer=timers)
    def close(self, timer: TimerId) -> None:
        """Delete a row because its scope was closed."""
        self.table.pop(timer, None)
        self.out.discard(timer)
        self.horizon.settle(timer)

    @rule(passed=seconds, limit=st.integers(1, 5))
    def take(self, passed: int, limit: int) -> None:
        self.now += passed
        for due in self.horizon.take(at(self.now), limit):
            assert due.due <= at(self.now), "early"
            assert due.id not in self.out, "twice"
            assert self.table.get(due.id) == due.due, "not in the table"
            self.out.add(due.id)

    @precondition(lambda self: self.out)
    @rule(data=st.data(), lands=st.booleans())
    def end_firing(self, data: st.DataObject, lands: bool) -> None:
        """Commit the firing of what is out, or fail to."""
        timer = data.draw(st.sampled_from(sorted(self.out)))
        self.out.discard(timer)
        if lands:
            del self.table[timer]
            self.horizon.settle(timer)
        else:
            self.horizon.give_back(timer, at(self.now + 1))

    @rule(shard=st.sampled_from(SHARDS))
    def lose(self, shard: int) -> None:
        self.held.discard(shard)
        self.out = {timer for timer in self.out if timer[0] != shard}
        self.horizon.release([shard])

    @rule(shard=st.sampled_from(SHARDS))
    def win(self, shard: int) -> None:
        if shard not in self.held:
            self.held.add(shard)
            self.horizon.hold([shard])

    @precondition(lambda self: self.arriving is None)
    @rule(ahead=seconds, quota=st.integers(1, 6))
    def begin_read(self, ahead: int, quota: int) -> None:
        until = at(self.now + ahead)
        read = self.horizon.begin_read(until, quota)
        self.arriving = []
        for shard, bound in read.bounds.items():
            rows = [row for row in self.table.items() if row[0][0] == shard]
            rows = sorted(rows, key=lambda row: row[1])
            self.arriving += [row for row in rows if row[1] <= until][:bound]

    @precondition(lambda self: self.arriving is not None)
    @rule()
    def finish_read(self) -> None:
        assert self.arriving is not None
        self.horizon.finish_read(self.arriving, at(self.now))
        self.arriving = None

    def teardown(self) -> None:
        """Read until nothing is cut: then everything held that is not out comes out."""
        if self.arriving is not None:
            self.finish_read()
        self.now += 1_000
        cut = True
        while cut:
            self.begin_read(0, 3)
            assert self.arriving is not None
            cut = self.horizon.finish_read(self.arriving, at(self.now))
            self.arriving = None
        self.take(0, 1_000)
        assert self.out == {timer for timer in self.table if timer[0] in self.held}


TestTableAndHorizon = TableAndHorizon.TestCase
TestTableAndHorizon.settings = settings(
    max_examples=200, stateful_step_count=60, deadline=None
)
