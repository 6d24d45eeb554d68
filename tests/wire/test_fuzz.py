"""Every operation under hostile requests: always an answer, and never a failure of ours.

The quick test draws a few requests per operation; the slow one draws many more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
import pytest
from botocore.model import ServiceModel
from hypothesis import HealthCheck, given, settings

from api.model import api_model
from api.operations import OPERATIONS
from tests.support.answers import flaws
from tests.support.hostile import HEAD, There, hostile_requests
from tests.wire.raw import AWS_JSON, TARGET
from tests.wire.test_machines import PASS, ROLE
from tests.wire.test_map_runs import SLEEP, run_of

COMMON: Final = {
    "AccessDeniedException",
    "SerializationException",
    "ValidationException",
    "RequestEntityTooLargeException",
}
NAMES: Final = [operation.name for operation in OPERATIONS]
KEEP: Final = {
    "Type": "Pass",
    "QueryLanguage": "JSONata",
    "Assign": {"kept": "{% $states.input %}"},
    "Output": "{% [$states.input] %}",
    "End": True,
}
KEEPING: Final = {"StartAt": "Keep", "States": {"Keep": KEEP}}
QUICK: Final = 15
SLOW: Final = 40
# A server that has not answered by then hangs.
SECONDS: Final = 30


class Target:
    """One operation of a server, spoken to over one connection."""

    def __init__(self, endpoint: str, operation: str, model: ServiceModel) -> None:
        self._operation = operation
        self._output = model.operation_model(operation).output_shape
        self._allowed = COMMON | api_model().operations[operation].errors
        netloc = urlsplit(endpoint).netloc
        self._connection = HTTPConnection(netloc, timeout=SECONDS)
        self._headers = {
            "content-type": AWS_JSON,
            "x-amz-target": TARGET + operation,
        }

    def attack(self, request: Any) -> None:
        """Send a request; the answer must be one that the operation may give."""
        self._connection.request("POST", "/", json.dumps(request), self._headers)
        response = self._connection.getresponse()
        body = json.loads(response.read())

        if response.status == 200:
            assert list(flaws(body, self._output)) == []
        else:
            assert response.status < 500, body
            assert body["__type"] in self._allowed, body
            assert body["message"], body

    def close(self) -> None:
        self._connection.close()


def there(client: Any, operation: str, name: str) -> There:
    """Make a machine of each type, a version, an alias, executions and a task to attack.

    One more machine makes of its input what an execution can make of it.
    """
    ask = {"Type": "Task", "Resource": f"{HEAD}:activity:{name}", "End": True}
    definition = {"StartAt": "A", "States": {"A": ask}}
    machine, quick = f"{HEAD}:stateMachine:{name}", f"{name}-quick"
    activity = client.create_activity(name=name)["activityArn"]
    client.create_state_machine(
        name=name, definition=json.dumps(definition), roleArn=ROLE, publish=True
    )
    client.create_state_machine(
        name=quick, definition=json.dumps(PASS), roleArn=ROLE, type="EXPRESS"
    )
    client.create_state_machine(
        name=f"{name}-kept", definition=json.dumps(KEEPING), roleArn=ROLE
    )
    routing = [{"stateMachineVersionArn": f"{machine}:1", "weight": 100}]
    client.create_state_machine_alias(name="live", routingConfiguration=routing)
    execution = client.start_execution(stateMachineArn=machine)["executionArn"]
    token = client.get_activity_task(activityArn=activity)["taskToken"]
    arns = [
        machine,
        f"{machine}-quick",
        f"{machine}-kept",
        f"{machine}:1",
        f"{machine}:live",
        execution,
    ]
    if operation.endswith(("MapRun", "MapRuns", "Executions")):
        arns += map_run(client, f"{operation}-many")
    # A poll of an activity that is there waits for a minute: that is no hang.
    if operation != "GetActivityTask":
        arns.append(activity)
    return There(tuple(arns), (token,))


def map_run(client: Any, name: str) -> tuple[str, str]:
    """Start a Map Run whose children sleep; return its execution and itself."""
    machine = client.create_state_machine(
        name=name, definition=json.dumps(SLEEP), roleArn=ROLE
    )["stateMachineArn"]
    started = client.start_execution(stateMachineArn=machine, input="[1, 2]")
    execution = started["executionArn"]
    return execution, run_of(client, execution)


@pytest.fixture(autouse=True)
def none_set_aside(module_database: str) -> Iterator[None]:
    """See that no execution was set aside for what it was given."""
    yield
    with psycopg.connect(module_database) as connection:
        rows = connection.execute("SELECT reason, detail FROM quarantine").fetchall()
    assert rows == []


def attack(client: Any, endpoint: str, operation: str, examples: int) -> None:
    target = Target(endpoint, operation, client.meta.service_model)
    # What another attack has changed, or is deleting, cannot be made again.
    made = there(client, operation, f"{operation}-{examples}")

    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(request=hostile_requests(operation, made))
    def run(request: Any) -> None:
        target.attack(request)

    try:
        run()
    finally:
        target.close()


@pytest.mark.parametrize("operation", NAMES)
def test_hostile_requests_get_an_answer(
    module_client: Any, module_endpoint: str, operation: str
) -> None:
    attack(module_client, module_endpoint, operation, QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("operation", NAMES)
def test_many_hostile_requests_get_an_answer(
    module_client: Any, module_endpoint: str, operation: str
) -> None:
    attack(module_client, module_endpoint, operation, SLOW)
