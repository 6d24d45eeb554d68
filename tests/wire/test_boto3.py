"""boto3 through every operation: each succeeds, and answers as its model says."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import botocore.config
import pytest
from botocore.model import OperationModel

from api.operations import OPERATIONS
from tests.support.answers import flaws
from tests.wire.test_activities import APPROVE, MACHINE
from tests.wire.test_executions import WAIT
from tests.wire.test_machines import ARN, PASS, ROLE, create
from tests.wire.test_map_runs import SLEEP, run_of
from tests.wire.waiting import closed


class Answers:
    """Sees every answer of a client: which operations succeeded, and what is wrong."""

    def __init__(self, client: Any) -> None:
        self.succeeded: set[str] = set()
        self.flaws: list[str] = []
        client.meta.events.register("before-parse.stepfunctions", self._see)

    def _see(
        self,
        operation_model: OperationModel,
        response_dict: dict[str, Any],
        **_others: Any,
    ) -> None:
        if response_dict["status_code"] != 200:
            return
        body = json.loads(response_dict["body"])
        shape = operation_model.output_shape
        self.succeeded.add(operation_model.name)
        self.flaws += flaws(body, shape, operation_model.name)


def test_every_operation_succeeds_as_its_model_says(client: Any) -> None:
    answers = Answers(client)

    live = deploy(client)
    run(client, live)
    work(client)
    run_many(client)
    run_at_once(client)
    list_everything(client)
    take_down(client, live)

    assert answers.flaws == []
    assert answers.succeeded == {operation.name for operation in OPERATIONS}


def deploy(client: Any) -> str:
    """Make a machine with two versions and an alias; change, tag and describe all of it."""
    client.validate_state_machine_definition(definition=json.dumps(PASS))
    create(client, definition=json.dumps(WAIT), tags=[{"key": "a", "value": "b"}])
    client.update_state_machine(stateMachineArn=ARN, definition=json.dumps(PASS))
    version = client.publish_state_machine_version(stateMachineArn=ARN)
    routing = [
        {"stateMachineVersionArn": version["stateMachineVersionArn"], "weight": 100}
    ]
    live: str = client.create_state_machine_alias(
        name="live", routingConfiguration=routing
    )["stateMachineAliasArn"]
    client.update_state_machine_alias(stateMachineAliasArn=live, description="now")
    client.describe_state_machine_alias(stateMachineAliasArn=live)
    client.describe_state_machine(stateMachineArn=version["stateMachineVersionArn"])
    client.tag_resource(resourceArn=ARN, tags=[{"key": "c", "value": "d"}])
    client.untag_resource(resourceArn=ARN, tagKeys=["a"])
    client.list_tags_for_resource(resourceArn=ARN)
    return live


def run(client: Any, live: str) -> None:
    """Run an execution to its end; stop another and redrive it."""
    arn = client.start_execution(stateMachineArn=live)["executionArn"]
    closed(client, arn)
    client.describe_state_machine_for_execution(executionArn=arn)
    client.get_execution_history(executionArn=arn)
    client.get_execution_history(executionArn=arn, includeExecutionData=False)
    create(client, name="slow", definition=json.dumps(WAIT))
    arn = client.start_execution(stateMachineArn=f"{ARN[:-5]}slow")["executionArn"]
    client.stop_execution(executionArn=arn, error="Enough", cause="of it")
    client.describe_execution(executionArn=arn)
    client.redrive_execution(executionArn=arn, clientToken="again")


def work(client: Any) -> None:
    """Fetch tasks of an activity: one succeeds, one fails."""
    client.create_activity(name="approve")
    client.describe_activity(activityArn=APPROVE)
    create(client, name="ask", definition=json.dumps(MACHINE))
    for _ in range(2):
        client.start_execution(stateMachineArn=f"{ARN[:-5]}ask")
    first, second = (client.get_activity_task(activityArn=APPROVE) for _ in range(2))
    client.send_task_heartbeat(taskToken=first["taskToken"])
    client.send_task_success(taskToken=first["taskToken"], output="{}")
    client.send_task_failure(taskToken=second["taskToken"], error="No")


def run_many(client: Any) -> None:
    """Run a child execution for each of two items; change their run, and stop it."""
    create(client, name="many", definition=json.dumps(SLEEP))
    started = client.start_execution(stateMachineArn=f"{ARN[:-5]}many", input="[1, 2]")
    run = run_of(client, started["executionArn"])
    client.update_map_run(mapRunArn=run, maxConcurrency=1)
    client.describe_map_run(mapRunArn=run)
    client.list_executions(mapRunArn=run)
    client.stop_execution(executionArn=started["executionArn"])


def run_at_once(client: Any) -> None:
    """Run an Express machine, and a state of none."""
    create(client, name="quick", type="EXPRESS")
    client.start_sync_execution(stateMachineArn=f"{ARN[:-5]}quick", input="[1]")
    client.test_state(
        definition='{"Type": "Pass", "End": true}',
        inspectionLevel="DEBUG",
        roleArn=ROLE,
    )


def list_everything(client: Any) -> None:
    """Ask for the first page of every listing."""
    client.list_activities()
    client.list_executions(stateMachineArn=ARN)
    client.list_state_machines()
    client.list_state_machine_aliases(stateMachineArn=ARN)
    client.list_state_machine_versions(stateMachineArn=ARN)


def take_down(client: Any, live: str) -> None:
    """Delete all of it."""
    client.delete_state_machine_alias(stateMachineAliasArn=live)
    client.delete_state_machine_version(stateMachineVersionArn=f"{ARN}:1")
    client.delete_state_machine(stateMachineArn=ARN)
    client.delete_activity(activityArn=APPROVE)


def test_host_prefix_of_the_sdk_may_resolve(
    endpoint: str, aws_session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: resolve(
            "127.0.0.1" if host == "sync-localhost" else host, *rest, **more
        ),
    )
    local = f"http://localhost:{urlsplit(endpoint).port}"
    config = botocore.config.Config(inject_host_prefix=True)
    client = aws_session.client("stepfunctions", endpoint_url=local, config=config)
    create(client, type="EXPRESS")

    ended = client.start_sync_execution(stateMachineArn=ARN)

    assert ended["status"] == "SUCCEEDED"
    client.close()
