"""What every journal must do: one suite, run against each of them.

A subclass gives the fixture `ground`: a journal, and how to bump the epoch of a shard.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from asl.payload import Payload
from runtime import events as ev
from runtime.execution import Status
from runtime.identity import ExecutionId, execution_id_of
from runtime.journal import Batch, CommitAbortedError, Entry, FenceLostError, Journal

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
ONE = execution_id_of("one", 1)
TWO = execution_id_of("two", 1)


@dataclass(slots=True)
class Ground:
    """A journal under test, and the epochs at which the test holds its shards."""

    journal: Journal
    bump: Callable[[int], Awaitable[int]]
    epochs: dict[int, int] = field(default_factory=dict)

    async def take_over(self, shard: int) -> None:
        """Take a shard, for the first time or once more."""
        self.epochs[shard] = await self.bump(shard)


def events(first: int, last: int) -> list[ev.HistoryEvent]:
    """Make some events with ids in a row; the first of all is a start."""
    made: list[ev.HistoryEvent] = []
    for event_id in range(first, last + 1):
        payload = Payload.of_text(f'{{"n": {event_id}}}')
        if event_id == 1:
            made.append(ev.ExecutionStarted(id=1, time=NOW, payload=payload, name="o"))
        else:
            made.append(
                ev.PassStateEntered(
                    id=event_id,
                    previous_id=event_id - 1,
                    visit=event_id,
                    time=NOW,
                    payload=payload,
                    name="Pass",
                )
            )
    return made


def entry(
    first: int, last: int, execution_id: ExecutionId = ONE, shard: int = 3
) -> Entry:
    """Make an entry of some events."""
    return Entry(shard=shard, execution_id=execution_id, events=events(first, last))


class JournalSuite:
    """The tests."""

    async def commit(self, ground: Ground, *entries: Entry) -> Batch:
        batch = Batch(epochs=ground.epochs, entries=list(entries), now=NOW)
        await ground.journal.commit(batch)
        return batch

    async def ids(
        self, ground: Ground, execution_id: ExecutionId = ONE, shard: int = 3
    ) -> list[int]:
        logs = await ground.journal.load([(shard, execution_id)])
        return [event.id for event in logs.get(execution_id, [])]

    async def test_what_was_committed_is_read_back(self, ground: Ground) -> None:
        await ground.take_over(3)

        await self.commit(ground, entry(1, 3))

        logs = await ground.journal.load([(3, ONE)])
        assert logs == {ONE: events(1, 3)}

    async def test_a_log_grows_commit_by_commit(self, ground: Ground) -> None:
        await ground.take_over(3)

        await self.commit(ground, entry(1, 2))
        await self.commit(ground, entry(3, 4))

        assert await self.ids(ground) == [1, 2, 3, 4]

    async def test_an_unknown_execution_is_left_out(self, ground: Ground) -> None:
        assert await ground.journal.load([(3, ONE)]) == {}

    async def test_a_batch_holds_many_executions(self, ground: Ground) -> None:
        await ground.take_over(3)
        await ground.take_over(5)

        await self.commit(ground, entry(1, 1, TWO, shard=5), entry(1, 2))

        logs = await ground.journal.load([(3, ONE), (5, TWO)])
        assert {key: len(log) for key, log in logs.items()} == {ONE: 2, TWO: 1}

    async def test_an_event_is_never_written_twice(self, ground: Ground) -> None:
        await ground.take_over(3)
        await self.commit(ground, entry(1, 2))

        with pytest.raises(CommitAbortedError):
            await self.commit(ground, entry(2, 3))

        assert await self.ids(ground) == [1, 2]

    async def test_a_refused_batch_writes_nothing_at_all(self, ground: Ground) -> None:
        await ground.take_over(3)
        await self.commit(ground, entry(1, 2))

        with pytest.raises(CommitAbortedError):
            await self.commit(ground, entry(1, 1, TWO), entry(2, 2))

        assert await self.ids(ground, TWO) == []

    async def test_a_batch_under_an_old_epoch_is_refused(self, ground: Ground) -> None:
        await ground.take_over(3)
        await ground.bump(3)

        with pytest.raises(FenceLostError):
            await self.commit(ground, entry(1, 1))

        assert await self.ids(ground) == []

    async def test_one_lost_shard_refuses_the_whole_batch(self, ground: Ground) -> None:
        await ground.take_over(3)
        await ground.take_over(5)
        await ground.bump(5)

        with pytest.raises(FenceLostError):
            await self.commit(ground, entry(1, 1), entry(1, 1, TWO, shard=5))

        assert await self.ids(ground) == []

    async def test_a_journal_goes_on_after_a_refusal(self, ground: Ground) -> None:
        await ground.take_over(3)
        await ground.bump(3)
        with pytest.raises(FenceLostError):
            await self.commit(ground, entry(1, 1))

        await ground.take_over(3)
        await self.commit(ground, entry(1, 1))

        assert await self.ids(ground) == [1]

    async def test_a_cut_turn_gets_a_continuation(self, ground: Ground) -> None:
        await ground.take_over(3)
        cut = entry(1, 2)
        cut.is_cut = True

        batch = await self.commit(ground, cut, entry(1, 1, TWO))

        assert set(batch.continuations) == {ONE}
        assert batch.continuations[ONE] > 0

    async def test_a_turn_without_events_can_be_committed(self, ground: Ground) -> None:
        await ground.take_over(3)
        await self.commit(ground, entry(1, 1))

        await self.commit(ground, Entry(shard=3, execution_id=ONE))

        assert await self.ids(ground) == [1]

    async def test_a_closing_entry_is_taken(self, ground: Ground) -> None:
        await ground.take_over(3)
        closing = entry(1, 2)
        closing.closing = (Status.SUCCEEDED, NOW, 2)

        await self.commit(ground, closing)

        assert await self.ids(ground) == [1, 2]
