"""The audit views: what each row says, for executions made by the real core."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg.rows import dict_row

from runtime import stimuli as st
from runtime.principal import Principal
from storage.database import connect
from tests.support.definitions import (
    BRANCHES,
    EXPENSES,
    INSPECTION,
    ORDERS,
    REMINDER,
)
from tests.support.recorder import BEGINNING, Recorder

WORKERS = {
    "check-inventory-func": "w1",
    "process-payment-func": "w2",
    "ask-manager-func": "w3",
    "left-func": "w4",
}
SECOND = timedelta(seconds=1)


@pytest.fixture
def connection(clean_database: str) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    with connect(clean_database, autocommit=True) as plain:
        plain.execute("SET TIME ZONE 'UTC'")
        plain.row_factory = dict_row  # type: ignore[assignment]  # rows as dictionaries
        yield plain  # type: ignore[misc]  # the same


def rows(
    connection: psycopg.Connection[dict[str, Any]],
    query: LiteralString,
    *parameters: object,
) -> list[dict[str, Any]]:
    return connection.execute(query, parameters).fetchall()


def retried_order() -> Recorder:
    recorder = Recorder(machine_name="orders", definition=ORDERS, workers=WORKERS)
    recorder.start({"id": 7}).succeed({"status": "available"})
    return recorder.raise_error("PaymentGatewayTimeout", "slow").fire()


def test_history_has_one_row_per_event(
    connection: psycopg.Connection[dict[str, Any]],
) -> None:
    order = retried_order().succeed({"paid": True}).save(connection)

    found = rows(
        connection,
        "SELECT * FROM execution_history WHERE execution = %s ORDER BY event_id",
        order.arn,
    )

    assert [(row["event_id"], row["previous_id"], row["type"]) for row in found] == [
        (event.id, event.previous_id, type(event).__name__) for event in order.log
    ]
    assert [row["timestamp"] for row in found] == [event.time for event in order.log]
    assert {row["machine"] for row in found} == {order.machine_arn}


def test_history_shows_payloads_names_and_errors(
    connection: psycopg.Connection[dict[str, Any]],
) -> None:
    retried_order().succeed({"paid": True}).save(connection)

    found = rows(
        connection,
        "SELECT type, state_name, input, output, error, cause FROM execution_history "
        "WHERE type LIKE 'Execution%%' OR state_name = 'ProcessPayment' "
        "ORDER BY event_id",
    )

    checked = '{"id":7,"inventory":{"status":"available"}}'
    paid = '{"paid": true}'
    payment = "ProcessPayment"
    assert [tuple(row.values()) for row in found] == [
        ("ExecutionStarted", None, '{"id": 7}', None, None, None),
        ("TaskStateEntered", payment, checked, None, None, None),
        ("LambdaFunctionScheduled", payment, checked, None, None, None),
        ("LambdaFunctionStarted", payment, None, None, None, None),
        ("LambdaFunctionFailed", payment, None, None, "PaymentGatewayTimeout", "slow"),
        ("LambdaFunctionScheduled", payment, checked, None, None, None),
        ("LambdaFunctionStarted", payment, None, None, None, None),
        ("LambdaFunctionSucceeded", payment, None, paid, None, None),
        ("TaskStateExited", payment, None, paid, None, None),
        ("ExecutionSucceeded", None, None, paid, None, None),
    ]


def test_history_counts_attempts_and_names_workers(
    connection: psycopg.Connection[dict[str, Any]],
) -> None:
    retried_order().succeed({"paid": True}).save(connection)

    found = rows(
        connection,
        "SELECT type, attempt, worker FROM execution_history "
        "WHERE state_name = 'ProcessPayment' ORDER BY event_id",
    )

    assert [(row["attempt"], row["worker"]) for row in found] == [
        (None, None),
        (1, None),
        (1, "w2"),
        (1, "w2"),
        (2, None),
        (2, "w2"),
        (2, "w2"),
        (None, None),
    ]


def test_history_shows_no_items_of_a_parallel_as_input(
    connection: psycopg.Connection[dict[str, Any]],
) -> None:
    Recorder(machine_name="both", definition=BRANCHES).start().save(connection)

    found = rows(
        connection,
        "SELECT input, output, attempt, worker FROM execution_history "
        "WHERE type = 'ParallelStateStarted'",
    )

    assert [tuple(row.values()) for row in found] == [(None, None, 1, None)]


def test_executions_show_input_result_and_duration(
    connection: psycopg.Connection[dict[str, Any]],
) -> None:
    order = retried_order().succeed({"paid": True}).save(connection)

    (found,) = rows(connection, "SELECT * FROM executions")

    assert (found["execution"], found["machine"]) == (order.arn, order.machine_arn)
    assert (found["status"], found["input"]) == ("SUCCEEDED", '{"id": 7}')
    assert (found["output"], found["error"]) == ('{"paid": true}', None)
    assert found["duration"] == order.now - BEGINNING
    assert found["events"] == len(order.log)


def test_executions_show_the_error_of_a_failure(
    connection: psycopg.Connection[dict[str, Any]],
) -> None:
    order = Recorder(machine_name="orders", definition=ORDERS, workers=WORKERS)
    order.start().raise_error("OutOfStock", "none left").save(connection)

    found = rows(connection, "SELECT status, output, error, cause FROM executions")

    assert [tuple(row.values()) for row in found] == [
        ("FAILED", None, "OutOfStock", "none left")
    ]


def test_attempts_show_their_times_and_outcomes(
    connection: psycopg.Connection[dict[str, Any]],
) -> None:
    retried_order().save(connection)

    found = rows(
        connection,
        "SELECT state_name, function, attempt, outcome, duration, error, worker "
        "FROM task_attempts ORDER BY scheduled",
    )

    payment, function = "ProcessPayment", "process-payment-func"
    error = "PaymentGatewayTimeout"
    assert [tuple(row.values()) for row in found] == [
        ("CheckInventory", "check-inventory-func", 1, "SUCCEEDED", SECOND, None, "w1"),
        (payment, function, 1, "FAILED", SECOND, error, "w2"),
        (payment, function, 2, None, None, None, "w2"),
    ]


def test_an_attempt_torn_down_with_its_execution_was_aborted(
    connection: psycopg.Connection[dict[str, Any]],
) -> None:
    order = retried_order().feed(st.Stop(None, None)).save(connection)

    found = rows(
        connection, "SELECT outcome, closed FROM task_attempts WHERE attempt = 2"
    )

    assert found == [{"outcome": "ABORTED", "closed": order.now}]


def test_an_attempt_that_a_redrive_repeats_keeps_its_end(
    connection: psycopg.Connection[dict[str, Any]],
) -> None:
    order = retried_order().feed(st.Stop(None, None))
    stopped = order.now
    order.feed(st.Redrive("token")).save(connection)

    found = rows(
        connection,
        "SELECT attempt, outcome, closed FROM task_attempts "
        "WHERE state_name = 'ProcessPayment' AND attempt > 1 ORDER BY attempt",
    )
    (shown,) = rows(
        connection, "SELECT status, error, redrive_count, redrive_date FROM executions"
    )

    assert [tuple(row.values()) for row in found] == [
        (2, "ABORTED", stopped),
        (3, None, None),
    ]
    assert tuple(shown.values()) == ("RUNNING", None, 1, order.now)


def test_an_attempt_that_timed_out_says_so(
    connection: psycopg.Connection[dict[str, Any]],
) -> None:
    retried_order().fire().save(connection)

    found = rows(
        connection,
        "SELECT outcome, duration FROM task_attempts WHERE attempt = 2",
    )

    (attempt,) = found
    assert attempt["outcome"] == "TIMED_OUT"
    assert attempt["duration"] >= 60 * SECOND


def test_waits_say_until_when_somebody_sleeps(
    connection: psycopg.Connection[dict[str, Any]],
) -> None:
    reminder = Recorder(machine_name="reminder", definition=REMINDER)
    reminder.start().save(connection)

    (found,) = rows(connection, "SELECT * FROM open_waits")

    assert (found["state_name"], found["reason"]) == ("Sleep", "wait")
    assert found["since"] == reminder.now
    assert found["until"] == reminder.now + timedelta(days=1)


def test_waits_say_which_error_a_retry_waits_after(
    connection: psycopg.Connection[dict[str, Any]],
) -> None:
    order = Recorder(machine_name="orders", definition=ORDERS, workers=WORKERS)
    order.start().succeed({}).raise_error("PaymentGatewayTimeout").save(connection)

    found = rows(
        connection, "SELECT state_name, reason, since, until, error FROM open_waits"
    )

    assert [tuple(row.values()) for row in found] == [
        (
            "ProcessPayment",
            "retry",
            order.now,
            order.now + 3 * SECOND,
            "PaymentGatewayTimeout",
        )
    ]


def test_a_retried_parallel_waits_after_the_error_of_its_branch(
    connection: psycopg.Connection[dict[str, Any]],
) -> None:
    both = Recorder(machine_name="both", definition=BRANCHES, workers=WORKERS)
    both.start().raise_error("Broken").save(connection)

    found = rows(connection, "SELECT state_name, reason, error FROM open_waits")

    assert [tuple(row.values()) for row in found] == [("Both", "retry", "Broken")]


@pytest.mark.parametrize(
    ("functions", "seen", "served"),
    [
        ('["other"]', "0 s", False),
        ('["check-inventory-func"]', "2 min", False),
        ('["other", "check-inventory-func"]', "0 s", True),
    ],
    ids=["another function", "long gone", "served"],
)
def test_waits_say_which_function_nobody_serves(
    connection: psycopg.Connection[dict[str, Any]],
    functions: str,
    seen: str,
    served: bool,
) -> None:
    Recorder(machine_name="orders", definition=ORDERS).start().save(connection)
    connection.execute(
        "INSERT INTO worker_sessions VALUES "
        "(now() - %s::interval, 1, 's', 'p', 'n', %s)",
        [seen, functions],
    )

    found = rows(connection, "SELECT reason, function, served FROM open_waits")

    assert [tuple(row.values()) for row in found] == [
        ("worker", "check-inventory-func", served)
    ]


def test_a_task_at_work_waits_for_nobody(
    connection: psycopg.Connection[dict[str, Any]],
) -> None:
    retried_order().save(connection)

    assert rows(connection, "SELECT * FROM open_waits") == []
    assert rows(connection, "SELECT * FROM approvals_pending") == []


def test_a_callback_is_pending_until_it_is_answered(
    connection: psycopg.Connection[dict[str, Any]],
) -> None:
    expense = Recorder(machine_name="expenses", definition=EXPENSES, workers=WORKERS)
    expense.start({"amount": 12}).succeed({"sent": True}).save(connection)

    (found,) = rows(connection, "SELECT * FROM approvals_pending")

    scheduled = expense.now - SECOND
    assert (found["state_name"], found["kind"]) == ("AskManager", "callback")
    assert found["resource"] == "invoke.waitForTaskToken"
    assert found["since"] == scheduled
    assert found["until"] == scheduled + timedelta(hours=1)
    assert found["heartbeat_until"] == scheduled + timedelta(minutes=10)
    assert '"amount":12' in found["input"]


def test_an_activity_is_pending_before_and_after_it_is_taken(
    connection: psycopg.Connection[dict[str, Any]],
) -> None:
    waiting = Recorder(machine_name="i", definition=INSPECTION, name="a").start()
    taken = Recorder(machine_name="i", definition=INSPECTION, name="b").start()
    taken.feed(st.TaskClaimed(taken.open_task, "inspector"))
    waiting.save(connection)
    taken.save(connection)

    found = rows(
        connection,
        "SELECT execution_name, kind, worker, until FROM approvals_pending "
        "ORDER BY execution_name",
    )

    assert [tuple(row.values()) for row in found] == [
        ("a", "activity", None, None),
        ("b", "activity", "inspector", None),
    ]


def test_views_name_who_answered_a_task_and_stopped_its_execution(
    connection: psycopg.Connection[dict[str, Any]],
) -> None:
    ada, bob = Principal("SWKADA", "ada"), Principal("SWKBOB", "bob")
    expense = Recorder(machine_name="expenses", definition=EXPENSES, workers=WORKERS)
    expense.start({"amount": 12}).succeed({"sent": True})
    expense.feed(st.CallbackFailed(expense.open_task, "No", "too much", ada))
    expense.feed(st.Redrive("token", bob)).save(connection)

    history = rows(
        connection,
        "SELECT type, caller, caller_key FROM execution_history "
        "WHERE caller IS NOT NULL ORDER BY event_id",
    )
    attempts = rows(
        connection,
        "SELECT attempt, outcome, caller, caller_key FROM task_attempts ORDER BY attempt",
    )

    assert [tuple(row.values()) for row in history] == [
        ("TaskFailed", "ada", "SWKADA"),
        ("ExecutionRedriven", "bob", "SWKBOB"),
    ]
    assert [tuple(row.values()) for row in attempts] == [
        (1, "FAILED", "ada", "SWKADA"),
        (2, None, None, None),
    ]


def test_executions_name_who_started_them(
    connection: psycopg.Connection[dict[str, Any]],
) -> None:
    reminder = Recorder(machine_name="reminder", definition=REMINDER)
    reminder.start(caller=Principal("SWKADA", "ada")).save(connection)
    retried_order().feed(st.Stop(None, None)).save(connection)

    found = rows(
        connection, "SELECT caller, caller_key FROM executions ORDER BY name DESC"
    )

    assert [tuple(row.values()) for row in found] == [("ada", "SWKADA"), (None, None)]
