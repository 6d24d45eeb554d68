"""The audit views never fail on a payload, never show a token, and look at one execution."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from storage.database import connect
from tests.support.definitions import EXPENSES, ORDERS
from tests.support.recorder import SIGNER, Recorder

VIEWS = (
    "executions",
    "execution_history",
    "task_attempts",
    "open_waits",
    "approvals_pending",
    "map_run_progress",
)
POISON = "\x00 \ud83d \ude00 \ud83d\ude00 \\u0000 \\ end"
CLEAN = "   \U0001f600 \\u0000 \\ end"


@pytest.fixture
def connection(clean_database: str) -> Iterator[psycopg.Connection]:
    with connect(clean_database, autocommit=True) as connection:
        yield connection


def one(connection: psycopg.Connection, query: str, *parameters: object) -> Any:
    row = connection.execute(query.encode(), parameters).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(
    "text",
    [
        POISON,
        "plain",
        "\x00\x00\x00",
        "\ud800\ud800\udc00\udc00",
        "\\\x00\\\\\ud800\\",
        'quoted "\x00"',
        "é ☃ \U0001f600",
    ],
)
def test_any_json_can_be_looked_into(connection: psycopg.Connection, text: str) -> None:
    found = one(connection, "SELECT stepwell_json(%s) ->> 'a'", json.dumps({"a": text}))

    assert found == keep_what_text_can_hold(text)


def keep_what_text_can_hold(text: str) -> str:
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return joined.replace("\ufffd", "").replace("\x00", "")


def test_a_bad_character_in_one_field_does_not_hide_another(
    connection: psycopg.Connection,
) -> None:
    document = json.dumps({"bad": POISON, POISON: 1, "good": "here"})

    assert one(connection, "SELECT stepwell_json(%s) ->> 'good'", document) == "here"


def test_no_view_fails_on_poisonous_payloads_and_causes(
    connection: psycopg.Connection,
) -> None:
    workers = {"check-inventory-func": "w1"}
    order = Recorder(machine_name="orders", definition=ORDERS, workers=workers)
    order.start({"a": POISON}).raise_error("Bad\x00", POISON).save(connection)

    for view in VIEWS:
        connection.execute(f"SELECT * FROM {view}".encode()).fetchall()
    cause = one(connection, "SELECT cause FROM executions")
    value = one(connection, "SELECT stepwell_json(input) ->> 'a' FROM executions")
    assert (cause, value) == (CLEAN, CLEAN)


def test_no_view_shows_a_task_token(connection: psycopg.Connection) -> None:
    expense = Recorder(
        machine_name="expenses", definition=EXPENSES, workers={"ask-manager-func": "w"}
    )
    expense.start({"amount": 12})
    execution = expense.execution
    token = SIGNER.sign(execution.shard, execution.execution_id, expense.open_task)
    expense.succeed({"echo": f"line\n{token}x", "twice": token + token})
    expense.save(connection)

    shown = [
        str(row)
        for view in VIEWS
        for row in connection.execute(f"SELECT * FROM {view}".encode())
    ]
    assert any("https://ok.example/?t=<task token>" in row for row in shown)
    assert any(r"line\\n<task token>x" in row for row in shown)
    assert not any(token[25:] in row for row in shown)


def test_a_token_of_another_execution_is_masked_too(
    connection: psycopg.Connection,
) -> None:
    token = SIGNER.sign(3, "00000000-0000-5000-8000-0000000000ff", 9)
    document = json.dumps({"t": token, "line": f"a\n{token}", "in": f"<{token}>"})

    shown = one(
        connection, "SELECT stepwell_masked(%s, 1, gen_random_uuid())", document
    )

    assert json.loads(shown) == {
        "t": "<task token>",
        "line": "a\n<task token>",
        "in": "<<task token>>",
    }


def test_what_is_no_token_is_not_masked(connection: psycopg.Connection) -> None:
    document = json.dumps({"image": "AQ" + "x" * 200, "short": "AQ" + "x" * 20})

    shown = one(
        connection, "SELECT stepwell_masked(%s, 1, gen_random_uuid())", document
    )

    assert shown == document


@pytest.mark.parametrize("view", ["executions", "execution_history", "task_attempts"])
def test_a_view_filtered_by_execution_reads_only_that_one(
    connection: psycopg.Connection, view: str
) -> None:
    order = Recorder(machine_name="orders", definition=ORDERS).start()
    order.save(connection)
    # A small table is best read whole; the question is what happens to a large one.
    connection.execute("SET enable_seqscan = off")

    plan = connection.execute(
        f"EXPLAIN SELECT * FROM {view} WHERE execution = %s".encode(), [order.arn]
    ).fetchall()

    text = "\n".join(row[0] for row in plan)
    hot = ("execution_records", "events", "tasks")
    assert "execution_records_arn_generation_shard_key" in text
    assert not [name for name in hot if f"Seq Scan on {name}" in text]


def test_the_application_role_reads_every_view(
    connection: psycopg.Connection,
) -> None:
    connection.execute("SET ROLE stepwell_app")

    for view in VIEWS:
        connection.execute(f"SELECT * FROM {view}".encode()).fetchall()
