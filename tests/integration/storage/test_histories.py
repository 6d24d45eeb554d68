"""The log of one execution, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from runtime.events import StateExited
from storage.connections import connection_pool
from storage.database import connect
from storage.histories import EventRow, Histories
from tests.support.definitions import ORDERS, REMINDER
from tests.support.recorder import Recorder

WORKERS = {"check-inventory-func": "w1", "process-payment-func": "w1"}


@pytest.fixture
async def histories(clean_database: str) -> AsyncIterator[Histories]:
    async with connection_pool(clean_database) as pool:
        yield Histories(pool.connection)


@pytest.fixture
def order(clean_database: str) -> Recorder:
    recorder = Recorder(machine_name="orders", definition=ORDERS, workers=WORKERS)
    recorder.start({"id": 7}).succeed({"status": "available"})
    recorder.raise_error("PaymentGatewayTimeout", "slow").fire().succeed({"paid": True})
    with connect(clean_database) as connection:
        return recorder.save(connection)


def key(recorder: Recorder) -> tuple[int, str]:
    return recorder.execution.shard, recorder.execution.execution_id


async def test_the_whole_history_is_the_log(
    histories: Histories, order: Recorder
) -> None:
    rows = await histories.whole(*key(order))

    assert [row.event_id for row in rows] == [event.id for event in order.log]
    assert [row.type for row in rows] == [type(event).__name__ for event in order.log]
    assert [row.time for row in rows] == [event.time for event in order.log]
    assert [row.data for row in rows] == [
        event.payload and event.payload.text for event in order.log
    ]


async def test_every_event_of_a_visit_knows_its_state(
    histories: Histories, order: Recorder
) -> None:
    rows = await histories.whole(*key(order))

    exited = [event.name for event in order.log if isinstance(event, StateExited)]
    assert [row.state_name for row in rows if row.type.endswith("Exited")] == exited
    assert [row.event_id for row in rows if row.state_name is None] == [1, len(rows)]


@pytest.mark.parametrize("size", [1, 3, 100])
async def test_pages_forward_are_the_whole(
    histories: Histories, order: Recorder, size: int
) -> None:
    whole = await histories.whole(*key(order))

    found: list[EventRow] = []
    while page := await histories.page(*key(order), after=len(found), limit=size):
        found += page

    assert found == whole


@pytest.mark.parametrize("size", [1, 3, 100])
async def test_pages_backward_are_the_whole_reversed(
    histories: Histories, order: Recorder, size: int
) -> None:
    whole = await histories.whole(*key(order))

    found: list[EventRow] = []
    before = len(whole) + 1
    while page := await histories.page_backward(*key(order), before=before, limit=size):
        found += page
        before = page[-1].event_id

    assert found == whole[::-1]


async def test_details_are_parsed(histories: Histories, order: Recorder) -> None:
    rows = await histories.whole(*key(order))

    failed = next(row for row in rows if row.type == "LambdaFunctionFailed")
    assert failed.details == {"error": "PaymentGatewayTimeout", "cause": "slow"}


async def test_payloads_come_back_byte_for_byte(
    histories: Histories, clean_database: str
) -> None:
    text = '{ "b": 1e2, "a": "\\u0000\\ud800", "n": 123456789012345678901234567890 }'
    recorder = Recorder(machine_name="reminder", definition=REMINDER).start(text)
    with connect(clean_database) as connection:
        recorder.save(connection)

    rows = await histories.whole(*key(recorder))

    assert [row.data for row in rows] == [text, text]


async def test_an_unknown_execution_has_no_history(histories: Histories) -> None:
    assert await histories.page(0, "00000000-0000-0000-0000-000000000000") == []
