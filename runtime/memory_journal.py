"""The journal in memory: for executions that need not outlive their process.

It keeps what `PostgresJournal` keeps of the log, under the same rules: a batch is fenced by
the epochs of its shards, checked as a whole, and only then written. Timers and tasks need no
rows of their own here: the folded execution has them, and whoever would read the rows after
a crash is gone with the log. Events are kept as objects; nobody changes one after its
decision was returned.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import count

from runtime.events import HistoryEvent
from runtime.identity import ExecutionId
from runtime.journal import Batch, CommitAbortedError, Entry, FenceLostError


class MemoryJournal:
    """Appends batches and reads logs; all calls come from one event loop."""

    def __init__(self) -> None:
        """Begin without a log; every shard stands at epoch 1."""
        self._logs: dict[ExecutionId, list[HistoryEvent]] = {}
        self._epochs: defaultdict[int, int] = defaultdict(lambda: 1)
        self._inbox_ids = count(1)

    def take_over(self, shard: int) -> int:
        """Bump the epoch of a shard and return it; batches under older ones are refused."""
        self._epochs[shard] += 1
        return self._epochs[shard]

    async def commit(self, batch: Batch) -> None:
        """Write a batch, or raise FenceLostError or CommitAbortedError, having written nothing."""
        self._check_fence(batch)
        self._check_ids(batch.entries)
        for entry in batch.entries:
            if entry.events:
                self._logs.setdefault(entry.execution_id, []).extend(entry.events)
        batch.continuations = {
            entry.execution_id: next(self._inbox_ids)
            for entry in batch.entries
            if entry.is_cut
        }

    async def load(
        self, executions: Sequence[tuple[int, ExecutionId]]
    ) -> dict[ExecutionId, list[HistoryEvent]]:
        """Return whole logs; an unknown execution is left out."""
        return {
            execution_id: list(self._logs[execution_id])
            for _, execution_id in executions
            if execution_id in self._logs
        }

    def forget(self, execution_id: ExecutionId) -> None:
        """Drop a log that nobody will read again."""
        self._logs.pop(execution_id, None)

    def _check_fence(self, batch: Batch) -> None:
        for shard in sorted({entry.shard for entry in batch.entries}):
            if batch.epochs.get(shard) != self._epochs[shard]:
                msg = f"shard {shard} is not held at epoch {batch.epochs.get(shard)}"
                raise FenceLostError(msg)

    def _check_ids(self, entries: Sequence[Entry]) -> None:
        """Refuse what would leave a gap, or write an event twice."""
        expected: dict[ExecutionId, int] = {}
        for entry in entries:
            known = len(self._logs.get(entry.execution_id, ()))
            following = expected.get(entry.execution_id, known + 1)
            for event in entry.events:
                if event.id != following:
                    msg = f"event {event.id} of {entry.execution_id}, not {following}"
                    raise CommitAbortedError(msg)
                following += 1
            expected[entry.execution_id] = following
