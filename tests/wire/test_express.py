"""Express machines, as boto3 sees them."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import botocore.config
import psycopg
import pytest
from botocore.exceptions import ClientError

from tests.wire.test_machines import ARN, create, error_of
from tests.wire.test_workers import poll, report

FAIL = {"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "E", "Cause": "c"}}}
TASK = {
    "StartAt": "A",
    "States": {
        "A": {
            "Type": "Task",
            "Resource": "arn:aws:lambda:us-east-1:123456789012:function:charge",
            "End": True,
        }
    },
}
T = TypeVar("T")
RUN = re.compile(
    "arn:aws:states:us-east-1:123456789012:express:order:n-1:[0-9a-f-]{36}"
)
TO_ALL = {"level": "ALL", "includeExecutionData": True}


def express(client: Any, definition: object | None = None, **members: Any) -> None:
    changes = {} if definition is None else {"definition": json.dumps(definition)}
    create(client, type="EXPRESS", **changes, **members)


def logging(**configuration: Any) -> dict[str, Any]:
    group = "arn:aws:logs:us-east-1:123456789012:log-group:orders:*"
    destination = {"cloudWatchLogsLogGroup": {"logGroupArn": group}}
    return {"loggingConfiguration": {**configuration, "destinations": [destination]}}


def run(client: Any, **members: Any) -> Any:
    response = client.start_sync_execution(stateMachineArn=ARN, **members)
    response.pop("ResponseMetadata")
    return response


def until(look: Callable[[], T]) -> T:
    """Ask the database until there is something to see."""
    for _ in range(500):
        if found := look():
            return found
    raise AssertionError("nothing came")


def history(database: str, arn: str) -> list[tuple[Any, ...]]:
    """Return what the audit view shows of an execution."""
    statement = """
        SELECT event_id, type, state_name, input, output, error
        FROM execution_history WHERE execution = %s ORDER BY event_id
    """
    with psycopg.connect(database) as connection:
        return connection.execute(statement, [arn]).fetchall()


def accepted(database: str) -> int:
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT count(*) FROM express_runs").fetchone()
    assert row is not None
    return int(row[0])


def test_synchronous_execution_answers_with_its_end(client: Any) -> None:
    express(client)

    ended = run(client, name="n-1", input='{"a": 1e2}', traceHeader="Root=1")

    assert RUN.fullmatch(ended.pop("executionArn"))
    assert ended.pop("stopDate") >= ended.pop("startDate")
    assert ended == {
        "stateMachineArn": ARN,
        "name": "n-1",
        "status": "SUCCEEDED",
        "input": '{"a": 1e2}',
        "inputDetails": {"included": True},
        "output": '{"a": 1e2}',
        "outputDetails": {"included": True},
        "traceHeader": "Root=1",
        "billingDetails": {
            "billedMemoryUsedInMB": 64,
            "billedDurationInMilliseconds": 100,
        },
    }


def test_synchronous_failure_shows_error_and_cause(client: Any) -> None:
    express(client, FAIL)

    ended = run(client, includedData="METADATA_ONLY")

    assert (ended["status"], ended["error"], ended["cause"]) == ("FAILED", "E", "c")
    assert ended["inputDetails"] == {"included": False}
    assert not {"input", "output", "outputDetails"} & ended.keys()


def test_standard_machine_runs_not_synchronously(client: Any) -> None:
    create(client)

    with pytest.raises(ClientError) as caught:
        run(client)

    assert error_of(caught)[0] == "StateMachineTypeNotSupported"


def test_host_may_have_the_prefix_of_the_sdks(endpoint: str, aws_session: Any) -> None:
    local = endpoint.replace("127.0.0.1", "localhost")
    config = botocore.config.Config(inject_host_prefix=False)
    client = aws_session.client("stepfunctions", endpoint_url=local, config=config)
    client.meta.events.register(
        "before-send.stepfunctions.StartSyncExecution",
        lambda request, **_: request.headers.__setitem__(
            "Host", "sync-" + local.removeprefix("http://")
        ),
    )
    express(client)

    assert run(client)["status"] == "SUCCEEDED"


def test_task_of_an_express_execution_goes_to_a_worker(
    client: Any, endpoint: str
) -> None:
    express(client, TASK)
    ended: list[Any] = []
    thread = threading.Thread(target=lambda: ended.append(run(client, input="[1]")))
    thread.start()

    (task,) = poll(endpoint)["tasks"]
    result = {"token": task["token"], "output": {"charged": task["input"]}}
    verdicts = report(endpoint, result)
    thread.join()

    assert verdicts == ["accepted"]
    assert json.loads(ended[0]["output"]) == {"charged": [1]}


def test_every_asynchronous_start_is_a_new_execution(
    client: Any, clean_database: str
) -> None:
    express(client, **logging(**TO_ALL))

    arns = {
        client.start_execution(stateMachineArn=ARN, name="n-1")["executionArn"]
        for _ in range(2)
    }

    assert len(arns) == 2
    for arn in arns:
        assert RUN.fullmatch(arn)
        until(partial(history, clean_database, arn))
    until(lambda: accepted(clean_database) == 0)


def test_whole_history_is_in_the_log(client: Any, clean_database: str) -> None:
    express(client, **logging(**TO_ALL))

    arn = run(client, input='{"a":1}')["executionArn"]

    assert until(lambda: history(clean_database, arn)) == [
        (1, "ExecutionStarted", None, '{"a":1}', None, None),
        (2, "PassStateEntered", "A", '{"a":1}', None, None),
        (3, "PassStateExited", "A", None, '{"a":1}', None),
        (4, "ExecutionSucceeded", None, None, '{"a":1}', None),
    ]


def test_log_without_data_has_none(client: Any, clean_database: str) -> None:
    express(client, **logging(level="ALL", includeExecutionData=False))

    arn = run(client, input='{"a":1}')["executionArn"]

    rows = until(lambda: history(clean_database, arn))
    assert [row[3:5] for row in rows] == [(None, None)] * 4


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("ERROR", [(2, "FailStateEntered", "A"), (3, "ExecutionFailed", None)]),
        ("FATAL", [(3, "ExecutionFailed", None)]),
    ],
)
def test_level_chooses_what_is_logged(
    client: Any, clean_database: str, level: str, expected: list[Any]
) -> None:
    express(client, FAIL, **logging(level=level, includeExecutionData=True))

    arn = client.start_execution(stateMachineArn=ARN)["executionArn"]

    rows = until(lambda: history(clean_database, arn))
    assert [row[:3] for row in rows] == expected


def test_standard_operations_refuse_express_executions(client: Any) -> None:
    express(client)
    arn = client.start_execution(stateMachineArn=ARN)["executionArn"]

    for call in (
        client.describe_execution,
        client.get_execution_history,
        client.stop_execution,
        client.describe_state_machine_for_execution,
    ):
        with pytest.raises(ClientError) as caught:
            call(executionArn=arn)
        assert error_of(caught) == (
            "InvalidArn",
            "Invalid Arn: 'Resource type not valid in this context: express'",
        )


def test_express_executions_are_not_listed(client: Any) -> None:
    express(client)

    with pytest.raises(ClientError) as caught:
        client.list_executions(stateMachineArn=ARN)

    assert error_of(caught)[0] == "StateMachineTypeNotSupported"
