"""The journal in PostgreSQL keeps the promises of every journal."""

from __future__ import annotations

from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg import AsyncConnection

from storage.arrays import register_arrays
from storage.connections import prepare_session
from storage.database import libpq_url
from storage.postgres_journal import PostgresJournal
from tests.support.journal_suite import Ground, JournalSuite


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
