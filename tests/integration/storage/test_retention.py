"""Retention deletes whole executions, oldest first, in bounded batches."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import psycopg
import pytest

from storage.connections import Connection, connection_pool
from storage.database import connect
from storage.retention import Purged, purge
from tests.support.definitions import REMINDER
from tests.support.recorder import BEGINNING, Recorder

DAY = timedelta(days=1)


@pytest.fixture
async def connection(clean_database: str) -> AsyncIterator[Connection]:
    async with connection_pool(clean_database) as pool, pool.connection() as connection:
        yield connection


def save_closed(url: str, count: int) -> list[Recorder]:
    """Save executions of six events, closed one day after the other from day 1 on."""
    recorders = [
        Recorder(
            machine_name="reminder",
            definition=REMINDER,
            name=f"r{number}",
            now=BEGINNING + number * DAY,
        )
        .start()
        .fire()
        for number in range(count)
    ]
    with connect(url) as connection:
        for recorder in recorders:
            recorder.save(connection)
    return recorders


def left(url: str) -> tuple[list[str], int]:
    with connect(url) as connection:
        names = connection.execute("SELECT name FROM execution_records ORDER BY name")
        events = connection.execute("SELECT count(DISTINCT execution_id) FROM events")
        row = events.fetchone()
        assert row is not None
        return [name for (name,) in names], row[0]


async def test_only_what_closed_before_the_cutoff_goes(
    connection: Connection, clean_database: str
) -> None:
    recorders = save_closed(clean_database, 4)
    events = len(recorders[0].log)

    done = await purge(connection, cutoff=BEGINNING + 2.5 * DAY)

    assert done == Purged(executions=2, events=2 * events)
    assert left(clean_database) == (["r2", "r3"], 2)


async def test_open_executions_stay_for_ever(
    connection: Connection, clean_database: str
) -> None:
    reminder = Recorder(machine_name="reminder", definition=REMINDER).start()
    with connect(clean_database) as plain:
        reminder.save(plain)

    done = await purge(connection, cutoff=BEGINNING + 9999 * DAY)

    assert done == Purged(executions=0, events=0)
    assert left(clean_database) == (["order-1"], 1)


async def test_a_batch_is_bounded_in_executions(
    connection: Connection, clean_database: str
) -> None:
    save_closed(clean_database, 3)

    done = await purge(connection, cutoff=BEGINNING + 99 * DAY, executions=2)

    assert done.executions == 2
    assert left(clean_database) == (["r2"], 1)


async def test_a_batch_ends_with_the_execution_that_passes_the_events(
    connection: Connection, clean_database: str
) -> None:
    events = len(save_closed(clean_database, 3)[0].log)

    done = await purge(connection, cutoff=BEGINNING + 99 * DAY, events=events + 1)

    assert done == Purged(executions=2, events=2 * events)


async def test_batches_come_to_an_end(
    connection: Connection, clean_database: str
) -> None:
    save_closed(clean_database, 3)
    cutoff = BEGINNING + 99 * DAY

    batches = [await purge(connection, cutoff=cutoff, executions=2) for _ in range(3)]

    assert [batch.executions for batch in batches] == [2, 1, 0]
    assert left(clean_database) == ([], 0)


async def test_the_role_is_given_back(
    connection: Connection, clean_database: str
) -> None:
    save_closed(clean_database, 1)
    await purge(connection, cutoff=BEGINNING)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await connection.execute("DELETE FROM events")
