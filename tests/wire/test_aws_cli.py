"""The AWS command line, told nothing but the endpoint, as its user's guide shows it."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.support.clients import AWS, aws, require, run_aws, skip_module_without
from tests.wire.test_activities import APPROVE, MACHINE
from tests.wire.test_executions import HEAD, start
from tests.wire.test_machines import ARN, PASS, ROLE, create
from tests.wire.waiting import closed

skip_module_without(AWS)

RUN = f"{HEAD}:hello"


class Cli(Protocol):
    def __call__(self, *words: str) -> Any:
        """Run `aws stepfunctions` and parse what it prints."""


@pytest.fixture
def cli(endpoint: str) -> Cli:
    require(AWS)
    return partial(aws, endpoint)


def test_machine_is_created_from_a_file_and_run(
    cli: Cli, client: Any, tmp_path: Path
) -> None:
    definition = tmp_path / "hello.asl.json"
    definition.write_text(json.dumps(PASS))

    cli(
        "create-state-machine",
        *("--name", "order", "--role-arn", ROLE),
        *("--definition", f"file://{definition}"),
    )
    started = cli(
        "start-execution",
        *("--state-machine-arn", ARN, "--name", "hello", "--input", '{"a": 1}'),
    )
    closed(client, started["executionArn"])
    described = cli("describe-execution", "--execution-arn", RUN)
    history = cli("get-execution-history", "--execution-arn", RUN)

    assert (described["executionArn"], described["output"]) == (RUN, '{"a": 1}')
    assert [event["type"] for event in history["events"]] == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]


def test_listings_are_cut_as_asked(cli: Cli, client: Any) -> None:
    for name in ("a", "b"):
        arn = start(client, name=name)["executionArn"]
        closed(client, arn)

    machines = cli("list-state-machines")["stateMachines"]
    executions = ("list-executions", "--state-machine-arn", ARN)
    whole = cli(*executions, "--page-size", "1")["executions"]
    first = cli(*executions, "--max-items", "1")
    second = cli(*executions, "--starting-token", first["NextToken"])

    assert [machine["name"] for machine in machines] == ["order"]
    assert first["executions"] + second["executions"] == whole
    assert len(whole) == 2


def test_activity_is_worked_on(cli: Cli, client: Any) -> None:
    cli("create-activity", "--name", "approve")
    arn = start(client, MACHINE)["executionArn"]

    task = cli("get-activity-task", "--activity-arn", APPROVE)
    token = ("--task-token", task["taskToken"])
    cli("send-task-success", *token, "--task-output", '"yes"')

    assert closed(client, arn)["output"] == '"yes"'
    assert len(cli("list-activities")["activities"]) == 1


def test_express_machine_answers_at_once(cli: Cli, client: Any) -> None:
    create(client, type="EXPRESS")

    ended = cli(
        "start-sync-execution", "--state-machine-arn", ARN, "--input", '{"a": 1}'
    )

    assert (ended["status"], ended["output"]) == ("SUCCEEDED", '{"a": 1}')


def test_state_is_tried(cli: Cli) -> None:
    state = {"Type": "Pass", "Parameters": {"sum.$": "States.MathAdd(1, 2)"}}

    tried = cli(
        "test-state",
        *("--definition", json.dumps({**state, "Next": "B"})),
        *("--input", "{}", "--inspection-level", "DEBUG"),
    )

    assert (tried["status"], tried["output"]) == ("SUCCEEDED", '{"sum":3}')
    assert (tried["nextState"], "afterParameters" in tried["inspectionData"]) == (
        "B",
        True,
    )


def test_refusal_is_shown_with_its_name(cli: Cli, endpoint: str) -> None:
    refused = run_aws(endpoint, "describe-state-machine", "--state-machine-arn", ARN)

    assert refused.returncode != 0
    assert "(StateMachineDoesNotExist)" in refused.stderr
    assert f"State Machine Does Not Exist: '{ARN}'" in refused.stderr
