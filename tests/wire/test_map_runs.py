"""The operations of Map Runs, and what other operations show of their children."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from botocore.exceptions import ClientError

from tests.support.machines import (
    activity,
    choice,
    distributed,
    fail,
    pass_on,
    region,
    wait,
)
from tests.wire.test_machines import ARN, create
from tests.wire.waiting import closed, eventually

HEAD = "arn:aws:states:us-east-1:123456789012"
MISSING = f"{HEAD}:mapRun:order/label:3f0e6c52-0000-4000-8000-000000000000"
NONE = {
    "pending": 0,
    "running": 0,
    "succeeded": 0,
    "failed": 0,
    "timedOut": 0,
    "aborted": 0,
    "total": 0,
    "resultsWritten": 0,
    "failuresNotRedrivable": 0,
    "pendingRedrive": 0,
}
SLEEP = region(distributed("Each", wait("Sleep", 3_000), Label="each"))


def start(client: Any, definition: object, items: object, **members: Any) -> str:
    """Start an execution on some items; return its ARN."""
    create(client, definition=json.dumps(definition))
    text = json.dumps(items)
    started = client.start_execution(stateMachineArn=ARN, input=text, **members)
    return str(started["executionArn"])


def refusal(call: Callable[..., Any], **members: Any) -> str:
    """Return the code of the error that a call is answered with."""
    with pytest.raises(ClientError) as caught:
        call(**members)
    return str(caught.value.response["Error"]["Code"])


def run_of(client: Any, execution: str) -> str:
    """Wait for the Map Run of an execution; return its ARN."""
    listed = eventually(lambda: client.list_map_runs(executionArn=execution)["mapRuns"])
    return str(listed[0]["mapRunArn"])


def described(client: Any, run: str, claim: Callable[[Any], bool]) -> Any:
    """Describe a run until a claim holds."""

    def shown() -> Any:
        answer = client.describe_map_run(mapRunArn=run)
        return answer if claim(answer) else None

    return eventually(shown)


def test_run_that_has_ended_is_described_and_listed(client: Any) -> None:
    bad = {"Variable": "$", "NumericEquals": 1, "Next": "Bad"}
    each = distributed(
        "Each",
        choice("Which", bad, Default="Good"),
        fail("Bad", Error="E"),
        pass_on("Good"),
        Label="each",
        MaxConcurrency=3,
        ToleratedFailurePercentage=50.0,
    )
    execution = start(client, region(each), [0, 1, 2])
    ended = closed(client, execution)
    run = run_of(client, execution)

    shown = described(client, run, lambda it: it["itemCounts"]["succeeded"] == 2)

    (listed,) = client.list_map_runs(executionArn=execution)["mapRuns"]
    assert listed.pop("startDate") == shown.pop("startDate")
    assert listed.pop("stopDate") == shown.pop("stopDate") <= ended["stopDate"]
    assert listed == {
        "executionArn": execution,
        "mapRunArn": run,
        "stateMachineArn": f"{ARN}/each",
    }
    del shown["ResponseMetadata"]
    assert shown == {
        "mapRunArn": run,
        "executionArn": execution,
        "status": "SUCCEEDED",
        "maxConcurrency": 3,
        "toleratedFailureCount": 0,
        "toleratedFailurePercentage": 50.0,
        "itemCounts": {**NONE, "succeeded": 2, "failed": 1, "total": 3},
        "executionCounts": {**NONE, "succeeded": 2, "failed": 1, "total": 3},
        "redriveCount": 0,
    }
    assert run.startswith(f"{HEAD}:mapRun:order/each:")


def test_children_are_listed_and_described(client: Any) -> None:
    batches = {"MaxItemsPerBatch": 2}
    each = distributed("Each", pass_on(), Label="each", ItemBatcher=batches)
    execution = start(client, region(each), [7, 8, 9])
    closed(client, execution)
    run = run_of(client, execution)

    listed = client.list_executions(mapRunArn=run)["executions"]

    assert sorted(child["itemCount"] for child in listed) == [1, 2]
    assert {child["mapRunArn"] for child in listed} == {run}
    child = max(listed, key=lambda it: it["itemCount"])
    assert child["executionArn"] == f"{HEAD}:execution:order/each:{child['name']}"
    shown = client.describe_execution(executionArn=child["executionArn"])
    assert (shown["mapRunArn"], shown["stateMachineArn"]) == (run, f"{ARN}/each")
    assert (shown["input"], shown["output"]) == ('{"Items":[7,8]}', '{"Items":[7,8]}')
    history = client.get_execution_history(executionArn=child["executionArn"])
    assert len(history["events"]) == 4
    machine = client.describe_state_machine_for_execution(
        executionArn=child["executionArn"]
    )
    assert (machine["mapRunArn"], machine["label"]) == (run, "each")
    others = client.list_executions(stateMachineArn=ARN)["executions"]
    assert [it["executionArn"] for it in others] == [execution]


def test_children_are_filtered_and_paged(client: Any) -> None:
    execution = start(client, region(distributed("Each", pass_on())), [1, 2, 3])
    closed(client, execution)
    run = run_of(client, execution)

    pages = client.get_paginator("list_executions").paginate(
        mapRunArn=run, statusFilter="SUCCEEDED", PaginationConfig={"PageSize": 2}
    )

    found = [len(page["executions"]) for page in pages]
    assert found == [2, 1]
    filters = ({"statusFilter": "FAILED"}, {"redriveFilter": "REDRIVEN"})
    for given in filters:
        assert client.list_executions(mapRunArn=run, **given)["executions"] == []
    given = {"redriveFilter": "NOT_REDRIVEN"}
    assert len(client.list_executions(mapRunArn=run, **given)["executions"]) == 3


def test_an_express_child_is_described_and_has_no_history(client: Any) -> None:
    each = distributed("Each", pass_on(), kind="EXPRESS", Label="each")
    execution = start(client, region(each), [5])
    ended = closed(client, execution)
    run = run_of(client, execution)
    (child,) = client.list_executions(mapRunArn=run)["executions"]

    shown = client.describe_execution(executionArn=child["executionArn"])

    assert ended["output"] == "[5]"
    assert child["executionArn"].startswith(f"{HEAD}:express:order/each:")
    assert (shown["status"], shown["output"]) == ("SUCCEEDED", "5")
    code = refusal(client.get_execution_history, executionArn=child["executionArn"])
    assert code == "InvalidArn"


def test_more_concurrency_takes_effect_in_a_run(client: Any) -> None:
    each = distributed("Each", wait("Sleep", 3_000), MaxConcurrency=1)
    execution = start(client, region(each), [1, 2, 3])
    run = run_of(client, execution)
    first = described(client, run, lambda it: it["itemCounts"]["running"] == 1)

    client.update_map_run(mapRunArn=run, maxConcurrency=2)

    shown = described(client, run, lambda it: it["executionCounts"]["running"] == 2)
    assert first["itemCounts"]["pending"] == 2
    assert (shown["maxConcurrency"], shown["status"]) == (2, "RUNNING")
    assert shown["executionCounts"] == {**NONE, "running": 2, "pending": 1, "total": 3}
    client.stop_execution(executionArn=execution)
    last = described(client, run, lambda it: it["itemCounts"]["aborted"] == 2)
    assert (last["status"], last["itemCounts"]["pending"]) == ("ABORTED", 1)


def test_more_tolerance_saves_a_run(client: Any) -> None:
    each = distributed("Each", wait("Sleep", 3_000), ToleratedFailureCount=1)
    execution = start(client, region(each), [1, 2, 3])
    run = run_of(client, execution)
    described(client, run, lambda it: it["itemCounts"]["running"] == 3)
    client.update_map_run(mapRunArn=run, toleratedFailureCount=3)

    for child in client.list_executions(mapRunArn=run)["executions"]:
        client.stop_execution(executionArn=child["executionArn"], error="Enough")

    output = json.loads(closed(client, execution)["output"])
    assert [child["Status"] for child in output] == ["ABORTED"] * 3
    shown = client.describe_map_run(mapRunArn=run)
    assert (shown["status"], shown["toleratedFailureCount"]) == ("SUCCEEDED", 3)


def test_a_run_that_has_ended_cannot_be_updated(client: Any) -> None:
    execution = start(client, SLEEP, [1])
    run = run_of(client, execution)
    client.stop_execution(executionArn=execution)

    with pytest.raises(client.exceptions.ValidationException) as caught:
        client.update_map_run(mapRunArn=run, maxConcurrency=1)

    assert caught.value.response["reason"] == "CANNOT_UPDATE_COMPLETED_MAP_RUN"


def test_children_are_redriven_by_their_run_only(client: Any) -> None:
    execution = start(client, SLEEP, [1])
    run = run_of(client, execution)
    described(client, run, lambda it: it["itemCounts"]["running"] == 1)
    (child,) = client.list_executions(mapRunArn=run)["executions"]
    arn = child["executionArn"]
    client.stop_execution(executionArn=arn)

    shown = client.describe_execution(executionArn=arn)

    assert shown["redriveStatus"] == "REDRIVABLE_BY_MAP_RUN"
    code = refusal(client.redrive_execution, executionArn=arn)
    assert code == "ValidationException"


def test_children_that_their_redriven_run_has_yet_to_come_to_are_pending(
    client: Any,
) -> None:
    activity_arn = client.create_activity(name="work")["activityArn"]
    each = distributed("Each", activity(), MaxConcurrency=1, ToleratedFailureCount=1)
    execution = start(client, region(each), [1, 2, 3])
    for _ in range(2):
        taken = client.get_activity_task(activityArn=activity_arn)
        client.send_task_failure(taskToken=taken["taskToken"], error="Broken")
    assert closed(client, execution)["status"] == "FAILED"
    run = run_of(client, execution)

    client.redrive_execution(executionArn=execution)
    taken = client.get_activity_task(activityArn=activity_arn)

    running, pending = ("1", "RUNNING"), ("2", "PENDING_REDRIVE")
    assert children(client, run) == [running, pending]
    assert children(client, run, statusFilter="PENDING_REDRIVE") == [pending]
    assert children(client, run, statusFilter="RUNNING") == [running]
    assert children(client, run, statusFilter="FAILED") == []
    counts = {**NONE, "running": 1, "pendingRedrive": 1, "pending": 1, "total": 3}
    shown = client.describe_map_run(mapRunArn=run)
    assert (shown["itemCounts"], shown["executionCounts"]) == (counts, counts)

    client.send_task_success(taskToken=taken["taskToken"], output="1")
    for _ in range(2):
        taken = client.get_activity_task(activityArn=activity_arn)
        client.send_task_success(taskToken=taken["taskToken"], output="1")
    assert closed(client, execution)["status"] == "SUCCEEDED"
    assert children(client, run, statusFilter="PENDING_REDRIVE") == []
    shown = client.describe_map_run(mapRunArn=run)
    assert shown["executionCounts"] == {**NONE, "succeeded": 3, "total": 3}


def children(client: Any, run: str, **given: str) -> list[tuple[str, str]]:
    """Return input and status of children, which lists and descriptions show alike."""
    found = client.list_executions(mapRunArn=run, **given)["executions"]
    shown = [client.describe_execution(executionArn=it["executionArn"]) for it in found]
    assert [it["status"] for it in found] == [it["status"] for it in shown]
    return sorted((it["input"], it["status"]) for it in shown)


def test_failures_that_no_redrive_can_reach_are_counted(
    client: Any, clean_database: str
) -> None:
    each = distributed("Each", fail("Bad"), ToleratedFailureCount=2)
    execution = start(client, region(each), [1, 2])
    closed(client, execution)
    run = run_of(client, execution)
    before = client.describe_map_run(mapRunArn=run)["executionCounts"]

    with psycopg.connect(clean_database) as connection:
        connection.execute(
            "UPDATE execution_records SET start_date = start_date - interval '20 days',"
            " stop_date = stop_date - interval '20 days' WHERE arn = %s",
            [client.list_executions(mapRunArn=run)["executions"][0]["executionArn"]],
        )

    after = client.describe_map_run(mapRunArn=run)
    assert (before["failed"], before["failuresNotRedrivable"]) == (2, 0)
    assert after["itemCounts"]["failuresNotRedrivable"] == 1
    assert after["executionCounts"]["failuresNotRedrivable"] == 1


def test_only_the_children_of_a_map_run_can_be_pending(client: Any) -> None:
    create(client)

    code = refusal(
        client.list_executions, stateMachineArn=ARN, statusFilter="PENDING_REDRIVE"
    )

    assert code == "ValidationException"


@pytest.mark.parametrize(
    ("call", "arn", "code"),
    [
        ("describe_map_run", MISSING, "ResourceNotFound"),
        ("describe_map_run", ARN, "InvalidArn"),
        ("describe_map_run", "order", "InvalidArn"),
        ("update_map_run", MISSING, "ResourceNotFound"),
        ("update_map_run", ARN, "InvalidArn"),
        ("list_executions", MISSING, "ResourceNotFound"),
        ("list_executions", ARN, "InvalidArn"),
    ],
)
def test_what_is_no_map_run_is_refused(
    module_client: Any, call: str, arn: str, code: str
) -> None:
    refused = refusal(getattr(module_client, call), mapRunArn=arn)

    assert refused == code


def test_runs_of_an_execution_that_does_not_exist_are_refused(
    module_client: Any,
) -> None:
    arn = f"{HEAD}:execution:order:nobody"

    code = refusal(module_client.list_map_runs, executionArn=arn)

    assert code == "ExecutionDoesNotExist"
