"""docs/sql.md tells the truth: its columns are those of the views, its queries run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from asl.payload import Payload
from runtime import stimuli as st
from runtime.principal import Principal
from storage.database import connect
from tests.support.definitions import EXPENSES, ORDERS, REMINDER
from tests.support.recorder import Recorder

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "sql.md"
TEXT = DOCUMENT.read_text("utf-8")
QUESTIONS = re.findall(
    r"^### (\d+)\. [^\n]*\n.*?^```sql\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE
)
VIEWS = re.findall(r"^### (\w+)\n(.*?)(?=^##)", TEXT, re.DOTALL | re.MULTILINE)
COLUMN = re.compile(r"^\| (\w+) \| ([a-z ]+) \| [^|]+ \|$", re.MULTILINE)

SERVED = ("check-inventory-func", "process-payment-func", "ask-manager-func")
WORKERS = dict.fromkeys(SERVED, "worker-1")
DAY = timedelta(days=1)
ADA = Principal("SWKADA", "ada")


@pytest.fixture
def connection(clean_database: str) -> Iterator[psycopg.Connection]:
    with connect(clean_database, autocommit=True) as connection:
        save_a_busy_day(connection)
        yield connection


def save_a_busy_day(connection: psycopg.Connection) -> None:
    row = connection.execute("SELECT now()").fetchone()
    assert row is not None
    now = row[0]

    def order(number: int, workers: dict[str, str] = WORKERS) -> Recorder:
        return Recorder(
            machine_name="orders",
            definition=ORDERS,
            name=f"order-{number}",
            workers=workers,
            now=now - DAY / 4,
        ).start({"orderId": str(number)}, ADA)

    order(1001).succeed({}).succeed({"label": "L1"}).save(connection)
    retried = order(1002).succeed({}).raise_error("PaymentGatewayTimeout")
    retried.fire().succeed({"label": "L2"}).save(connection)
    order(1003).raise_error("InventoryBroken", "disk full \x00").save(connection)
    backing_off = order(1004).succeed({}).raise_error("PaymentGatewayTimeout")
    backing_off.save(connection)
    order(1005, workers={}).save(connection)
    Recorder(
        machine_name="reminder", definition=REMINDER, name="reminder-1", now=now
    ).start().save(connection)

    def expense(number: int) -> Recorder:
        return Recorder(
            machine_name="expenses",
            definition=EXPENSES,
            name=f"expense-{number}",
            workers=WORKERS,
            now=now - DAY / 4,
        ).start({"amount": 12})

    expense(1).succeed({}).save(connection)
    approved = expense(2).succeed({})
    payload = Payload.of_text("{}")
    approved.feed(st.CallbackSucceeded(approved.open_task, payload, ADA))
    approved.save(connection)


@pytest.mark.parametrize(("number", "query"), QUESTIONS)
def test_every_query_of_the_document_runs_and_finds_something(
    connection: psycopg.Connection, number: str, query: str
) -> None:
    found = connection.execute(query.encode()).fetchall()

    assert (found == []) is (number == "12")


def test_the_document_has_twelve_questions() -> None:
    assert [int(number) for number, _ in QUESTIONS] == list(range(1, 13))


@pytest.mark.parametrize(("view", "section"), VIEWS)
def test_the_document_lists_the_columns_of_each_view(
    connection: psycopg.Connection, view: str, section: str
) -> None:
    actual = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns "
        "WHERE table_name = %s ORDER BY ordinal_position",
        [view],
    ).fetchall()

    heading, *documented = COLUMN.findall(section)
    assert heading == ("column", "type")
    assert documented == actual


def test_the_document_lists_every_view(connection: psycopg.Connection) -> None:
    actual = connection.execute(
        "SELECT table_name FROM information_schema.views "
        "WHERE table_schema = current_schema()"
    ).fetchall()

    assert {view for view, _ in VIEWS} == {name for (name,) in actual}


def test_a_gap_in_the_log_is_found_by_the_last_question(
    connection: psycopg.Connection,
) -> None:
    with connection.transaction():
        connection.execute("SET LOCAL ROLE stepwell_retention")
        connection.execute("DELETE FROM events WHERE event_id = 1")

    found = connection.execute(QUESTIONS[-1][1].encode()).fetchall()

    assert len(found) == 8
