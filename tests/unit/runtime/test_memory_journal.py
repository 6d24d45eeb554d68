"""The journal in memory keeps the promises of every journal, and some of its own."""

from __future__ import annotations

import pytest

from runtime.journal import Batch, CommitAbortedError
from runtime.memory_journal import MemoryJournal
from tests.support.journal_suite import NOW, ONE, Ground, JournalSuite, entry


class TestMemoryJournal(JournalSuite):
    @pytest.fixture
    def ground(self) -> Ground:
        journal = MemoryJournal()

        async def bump(shard: int) -> int:
            return journal.take_over(shard)

        return Ground(journal, bump)


async def test_a_gap_is_refused() -> None:
    journal = MemoryJournal()
    batch = Batch(epochs={3: 1}, entries=[entry(2, 2)], now=NOW)

    with pytest.raises(CommitAbortedError, match="event 2"):
        await journal.commit(batch)


async def test_a_log_that_was_read_does_not_grow_by_itself() -> None:
    journal = MemoryJournal()
    await journal.commit(Batch(epochs={3: 1}, entries=[entry(1, 1)], now=NOW))
    logs = await journal.load([(3, ONE)])

    await journal.commit(Batch(epochs={3: 1}, entries=[entry(2, 2)], now=NOW))

    assert len(logs[ONE]) == 1


async def test_a_forgotten_log_is_gone() -> None:
    journal = MemoryJournal()
    await journal.commit(Batch(epochs={3: 1}, entries=[entry(1, 1)], now=NOW))

    journal.forget(ONE)

    assert await journal.load([(3, ONE)]) == {}
