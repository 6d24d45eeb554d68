"""The journal in PostgreSQL keeps the promises of every journal."""

from __future__ import annotations

from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg import AsyncConnection

from runtime.journal import Batch, OutcomeUnknownError
from storage.arrays import register_arrays
from storage.connections import prepare_session
from storage.database import libpq_url
from storage.map_run_rounds import is_passing
from storage.postgres_journal import PostgresJournal
from tests.support.journal_suite import NOW, Ground, JournalSuite, entry


class TestPostgresJournal(JournalSuite):
    @pytest.fixture
    async def ground(self, clean_database: str) -> AsyncIterator[Ground]:
        url = libpq_url(clean_database)
        async with await AsyncConnection.connect(url, autocommit=True) as connection:
            register_arrays(connection)
            await prepare_session(connection)

            async def bump(shard: int) -> int:
                with psycopg.connect(url, autocommit=True) as other:
                    row = other.execute(
                        "UPDATE leases SET epoch = epoch + 1 WHERE shard = %s "
                        "RETURNING epoch",
                        [shard],
                    ).fetchone()
                assert row is not None
                return int(row[0])

            yield Ground(PostgresJournal(connection), bump)


@pytest.fixture
async def idled(clean_database: str) -> AsyncIterator[AsyncConnection]:
    """A session that the server has ended, for it idled in its transaction."""
    url = libpq_url(clean_database)
    options = "-c idle_in_transaction_session_timeout=1"
    async with await AsyncConnection.connect(
        url, autocommit=True, options=options
    ) as connection:
        register_arrays(connection)
        await connection.execute("BEGIN")
        with psycopg.connect(url, autocommit=True) as other:
            pid = connection.info.backend_pid
            alive = "SELECT FROM pg_stat_activity WHERE pid = %s"
            while other.execute(alive, [pid]).rowcount:
                pass
        yield connection


async def test_session_that_idled_too_long_leaves_the_outcome_unknown(
    idled: AsyncConnection,
) -> None:
    batch = Batch(epochs={3: 1}, entries=[entry(1, 2)], now=NOW)

    with pytest.raises(OutcomeUnknownError):
        await PostgresJournal(idled).commit(batch)


async def test_session_that_idled_too_long_says_nothing_of_a_map_run(
    idled: AsyncConnection,
) -> None:
    with pytest.raises(psycopg.Error) as caught:
        await idled.execute("SELECT 1")

    # Which of the two it is depends on how much of the server's word arrived.
    assert is_passing(caught.value)
    assert is_passing(psycopg.errors.IdleInTransactionSessionTimeout())
