"""Executions as they are described, listed and counted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from runtime import stimuli as st
from storage.connections import connection_pool
from storage.database import connect
from storage.listings import (
    BEFORE_ALL,
    PAGES,
    ExecutionRecord,
    Executions,
    Listed,
    Position,
)
from tests.support.definitions import ORDERS, REMINDER
from tests.support.recorder import BEGINNING, Recorder, machine_arn

WORKERS = {"check-inventory-func": "w1", "process-payment-func": "w1"}


@pytest.fixture
async def executions(clean_database: str) -> AsyncIterator[Executions]:
    async with connection_pool(clean_database) as pool:
        yield Executions(pool.connection)


def save(url: str, *recorders: Recorder) -> None:
    with connect(url) as connection:
        for recorder in recorders:
            recorder.save(connection)


def order(name: str = "order-1", **changes: Any) -> Recorder:
    return Recorder(
        machine_name="orders",
        definition=ORDERS,
        name=name,
        workers=WORKERS,
        **changes,
    ).start({"id": name})


def reminders(count: int) -> list[Recorder]:
    """Return open and closed executions, one started every second but two at once."""
    return [
        Recorder(
            machine_name="reminder",
            definition=REMINDER,
            name=f"r{number}",
            now=BEGINNING + timedelta(seconds=number - number % 2),
        ).start()
        for number in range(count)
    ]


async def test_a_closed_execution_shows_input_and_output(
    executions: Executions, clean_database: str
) -> None:
    done = order().succeed({"status": "available"}).succeed({"paid": True})
    save(clean_database, done)

    found = await executions.describe(done.execution.shard, done.arn)

    assert found is not None
    assert (found.input, found.output) == ('{"id": "order-1"}', '{"paid": true}')
    assert (found.status, found.stop_date) == ("SUCCEEDED", done.execution.stopped)


async def test_an_output_stored_by_an_earlier_event_is_found(
    executions: Executions, clean_database: str
) -> None:
    reminder = reminders(1)[0].fire()
    save(clean_database, reminder)

    found = await executions.describe(reminder.execution.shard, reminder.arn)

    assert reminder.log[-1].data_from == 1
    assert found is not None
    assert found.output == "{}"


async def test_a_failed_execution_shows_its_error(
    executions: Executions, clean_database: str
) -> None:
    failed = order().raise_error("Broken", "a \x00 and \ud800")
    save(clean_database, failed)

    found = await executions.describe(failed.execution.shard, failed.arn)

    assert found is not None
    assert (found.status, found.output) == ("FAILED", None)
    assert found.details == '{"error":"Broken","cause":"a \\u0000 and \\ud800"}'


async def test_an_open_execution_has_no_result(
    executions: Executions, clean_database: str
) -> None:
    running = order()
    save(clean_database, running)

    found = await executions.describe(running.execution.shard, running.arn)

    assert found is not None
    assert (found.status, found.stop_date, found.output) == ("RUNNING", None, None)


async def test_an_arn_means_its_newest_execution(
    executions: Executions, clean_database: str
) -> None:
    old = order().succeed({}).succeed({})
    new = order(generation=2, now=BEGINNING + timedelta(days=100))
    save(clean_database, old, new)

    found = await executions.newest(new.execution.shard, new.arn)

    assert found is not None
    assert (found.generation, found.status) == (2, "RUNNING")
    assert found.execution_id == new.execution.execution_id


async def test_what_was_never_started_is_not_found(executions: Executions) -> None:
    assert await executions.newest(0, "arn:aws:states:no") is None
    assert await executions.describe(0, "arn:aws:states:no") is None


async def test_pages_show_every_execution_once_newest_first(
    executions: Executions, clean_database: str
) -> None:
    recorders = reminders(9)
    save(clean_database, *(r.fire() for r in recorders[::2]), *recorders[1::2])

    found = await walk(executions, limit=2)

    dates = [record.start_date for record in found]
    assert sorted(record.name for record in found) == [f"r{n}" for n in range(9)]
    assert dates == sorted(dates, reverse=True)


async def walk(executions: Executions, limit: int) -> list[ExecutionRecord]:
    found: list[ExecutionRecord] = []
    after = BEFORE_ALL
    while page := await executions.page(
        Listed("machine", machine_arn("reminder")), after=after, limit=limit
    ):
        found += page
        after = Position.of(page[-1])
    return found


async def test_a_list_can_be_of_one_status(
    executions: Executions, clean_database: str
) -> None:
    first, second, third = reminders(3)
    save(clean_database, first, second.fire(), third.feed(st.Stop("gone", None)))

    names = {
        status: [
            record.name
            for record in await executions.page(
                Listed("machine", first.machine_arn), statuses=[status], limit=10
            )
        ]
        for status in ("RUNNING", "SUCCEEDED", "ABORTED", "TIMED_OUT")
    }

    assert names == {
        "RUNNING": ["r0"],
        "SUCCEEDED": ["r1"],
        "ABORTED": ["r2"],
        "TIMED_OUT": [],
    }


@pytest.mark.parametrize(
    ("kind", "index"),
    [
        ("machine", "execution_records_listing"),
        ("version", "execution_records_version"),
        ("alias", "execution_records_alias"),
        ("map_run", "execution_records_map_run"),
    ],
)
def test_a_page_reads_no_more_than_it_shows(
    database_url: str, kind: str, index: str
) -> None:
    parameters = {
        "listed": "x",
        "statuses": ["RUNNING", "FAILED"],
        "is_redriven": None,
        "is_awaiting": None,
        "redriven_at": None,
        "oldest_start": None,
        "oldest_stop": None,
        "most_events": None,
        "before_date": BEGINNING,
        "before_id": "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "limit": 10,
    }
    with connect(database_url) as connection:
        connection.execute("SET enable_seqscan = off")
        connection.execute("SET enable_bitmapscan = off")
        plan = connection.execute(b"EXPLAIN " + PAGES[kind], parameters).fetchall()

    text = "\n".join(row[0] for row in plan)
    assert text.count("Sort Key") == 1
    assert f"Index Scan using {index}" in text


async def test_open_executions_are_counted_per_machine(
    executions: Executions, clean_database: str
) -> None:
    first, second, third = reminders(3)
    save(clean_database, first, second, third.fire(), order())

    counts = await executions.count_open()

    assert counts == {machine_arn("reminder"): 2, machine_arn("orders"): 1}
