"""What the public service promises, sentence by sentence, where no other test here does.

One server for all of them: every test makes machines of names of its own.
"""

from __future__ import annotations

import json
from itertools import count
from typing import Any, Final

import psycopg
import pytest
from botocore.exceptions import ClientError

from tests.wire.provoking import ACCOUNT, MACHINES, task_of, wait_of
from tests.wire.test_machines import PASS, ROLE, error_of
from tests.wire.test_workers import poll, report
from tests.wire.waiting import closed, event_of_type

NUMBERS: Final = count(1)
GROUP: Final = "arn:aws:logs:us-east-1:123456789012:log-group:orders:*"
DESTINATION: Final = {"cloudWatchLogsLogGroup": {"logGroupArn": GROUP}}
LOGGED: Final = {"level": "ALL", "destinations": [DESTINATION]}
ENCRYPTED: Final = {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "alias/orders"}
FUNCTION: Final = "arn:aws:states:::lambda:invoke"


@pytest.fixture
def name() -> str:
    return f"order-{next(NUMBERS)}"


def arn_of(name: str) -> str:
    return f"{MACHINES}:{name}"


def create(client: Any, name: str, definition: object = PASS, **members: Any) -> Any:
    text = definition if isinstance(definition, str) else json.dumps(definition)
    return client.create_state_machine(
        **{"name": name, "definition": text, "roleArn": ROLE, **members}
    )


def refused(call: Any, **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**members)
    return error_of(caught)


# State machines


@pytest.mark.parametrize(
    "changes",
    [
        {"loggingConfiguration": LOGGED},
        {"tracingConfiguration": {"enabled": True}},
        {"encryptionConfiguration": ENCRYPTED},
        {"publish": True},
        {"type": "EXPRESS"},
        {"definition": json.dumps(PASS, indent=1)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_create_again_compares_all_but_role_and_tags(
    module_client: Any, name: str, changes: dict[str, Any]
) -> None:
    first = create(module_client, name)
    tags = [{"key": "a", "value": "b"}]

    again = create(module_client, name, roleArn=ROLE + "2", tags=tags)
    code, _ = refused(create, client=module_client, name=name, **changes)

    described = module_client.describe_state_machine(stateMachineArn=arn_of(name))
    assert again["creationDate"] == first["creationDate"]
    assert code == "StateMachineAlreadyExists"
    assert described["roleArn"] == ROLE


def test_create_again_compares_the_description_of_the_version(
    module_client: Any, name: str
) -> None:
    published = {"publish": True, "versionDescription": "one"}
    first = create(module_client, name, **published)

    again = create(module_client, name, **published)
    code, _ = refused(
        create, client=module_client, name=name, publish=True, versionDescription="two"
    )

    assert again["stateMachineVersionArn"] == first["stateMachineVersionArn"]
    assert code == "StateMachineAlreadyExists"


def test_update_that_cannot_publish_changes_nothing(
    module_client: Any, module_database: str, name: str
) -> None:
    create(module_client, name, publish=True)
    with psycopg.connect(module_database) as connection:
        connection.execute(
            "INSERT INTO state_machine_versions"
            " (state_machine_arn, number, revision_id, created_at)"
            " SELECT state_machine_arn, serial, revision_id, created_at"
            " FROM state_machine_versions, generate_series(2, 1000) AS serial"
            " WHERE state_machine_arn = %s",
            [arn_of(name)],
        )

    code, _ = refused(
        module_client.update_state_machine,
        stateMachineArn=arn_of(name),
        definition=wait_of(1),
        roleArn=ROLE + "2",
        publish=True,
    )

    described = module_client.describe_state_machine(stateMachineArn=arn_of(name))
    assert code == "ServiceQuotaExceededException"
    assert (described["definition"], described["roleArn"]) == (json.dumps(PASS), ROLE)


def test_alias_divides_starts_between_its_versions(
    module_client: Any, name: str
) -> None:
    create(module_client, name, publish=True)
    module_client.update_state_machine(
        stateMachineArn=arn_of(name), definition=wait_of(86_400), publish=True
    )
    versions = [f"{arn_of(name)}:1", f"{arn_of(name)}:2"]
    routing = [{"stateMachineVersionArn": arn, "weight": 50} for arn in versions]
    live = module_client.create_state_machine_alias(
        name="live", routingConfiguration=routing
    )["stateMachineAliasArn"]

    for _ in range(40):
        module_client.start_execution(stateMachineArn=live)

    listed = module_client.list_executions(stateMachineArn=live)["executions"]
    chosen = [execution["stateMachineVersionArn"] for execution in listed]
    assert set(chosen) == set(versions)
    assert {execution["stateMachineAliasArn"] for execution in listed} == {live}
    for version in versions:
        mine = module_client.list_executions(stateMachineArn=version)["executions"]
        assert len(mine) == chosen.count(version)


def test_execution_keeps_the_revision_that_it_started_with(
    module_client: Any, name: str
) -> None:
    create(module_client, name, wait_of(1))
    started = module_client.start_execution(stateMachineArn=arn_of(name))
    module_client.update_state_machine(
        stateMachineArn=arn_of(name), definition=json.dumps(PASS)
    )

    arn = started["executionArn"]
    machine = module_client.describe_state_machine_for_execution(executionArn=arn)

    assert machine["definition"] == wait_of(1)
    assert event_of_type(module_client, arn, "WaitStateEntered")


def test_versions_and_aliases_go_when_the_deletion_begins(
    module_client: Any, name: str
) -> None:
    create(module_client, name, wait_of(86_400), publish=True)
    routing = [{"stateMachineVersionArn": f"{arn_of(name)}:1", "weight": 100}]
    module_client.create_state_machine_alias(name="live", routingConfiguration=routing)
    module_client.start_execution(stateMachineArn=arn_of(name))

    module_client.delete_state_machine(stateMachineArn=arn_of(name))

    machine = module_client.describe_state_machine(stateMachineArn=arn_of(name))
    versions = module_client.list_state_machine_versions(stateMachineArn=arn_of(name))
    code, _ = refused(
        module_client.describe_state_machine_alias,
        stateMachineAliasArn=f"{arn_of(name)}:live",
    )
    assert (machine["status"], code) == ("DELETING", "ResourceNotFound")
    assert versions["stateMachineVersions"] == []


@pytest.mark.parametrize(
    "operation",
    [
        "start_execution",
        "describe_state_machine",
        "list_state_machine_versions",
        "update_state_machine",
        "delete_state_machine",
        "publish_state_machine_version",
    ],
)
def test_labelled_machine_is_refused(
    module_client: Any, name: str, operation: str
) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(module_client, operation)(stateMachineArn=f"{arn_of(name)}/label")

    assert error_of(caught)[0] == "ValidationException"
    assert caught.value.response["reason"] == "API_DOES_NOT_SUPPORT_LABELED_ARNS"


# Starting


@pytest.mark.parametrize(("days", "is_free"), [(89, False), (91, True)])
def test_name_is_free_again_ninety_days_after_the_end(
    module_client: Any, module_database: str, name: str, days: int, is_free: bool
) -> None:
    create(module_client, name)
    start = {"stateMachineArn": arn_of(name), "name": "n"}
    arn = module_client.start_execution(**start)["executionArn"]
    closed(module_client, arn)
    with psycopg.connect(module_database) as connection:
        connection.execute(
            "UPDATE execution_records SET stop_date = stop_date - %s * '1 day'::interval"
            " WHERE arn = %s",
            [days, arn],
        )

    if is_free:
        again = module_client.start_execution(**start)
        assert again["executionArn"] == arn
    else:
        code, _ = refused(module_client.start_execution, **start)
        assert code == "ExecutionAlreadyExists"


# Express


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (
            {"Type": "Task", "Resource": f"{FUNCTION}.waitForTaskToken", "End": True},
            "Express state machine does not support '.waitForTaskToken' service"
            " integration",
        ),
        (
            {
                "Type": "Task",
                "Resource": "arn:aws:states:::states:startExecution.sync",
                "Parameters": {"StateMachineArn": arn_of("other")},
                "End": True,
            },
            "Express state machine does not support '.sync' service integration",
        ),
        (
            {"Type": "Task", "Resource": f"{ACCOUNT}:activity:a", "End": True},
            "Express state machine does not support Activity ARN",
        ),
        (
            {
                "Type": "Map",
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED"}
                    | {"ExecutionType": "STANDARD"},
                    **PASS,
                },
                "End": True,
            },
            "Express state machine does not support DISTRIBUTED",
        ),
    ],
    ids=["callback", "sync", "activity", "distributed Map"],
)
def test_express_machine_may_not_wait_for_others(
    module_client: Any, name: str, state: Any, text: str
) -> None:
    definition = {"StartAt": "A", "States": {"A": state}}

    code, message = refused(
        create, client=module_client, name=name, definition=definition, type="EXPRESS"
    )

    assert code == "InvalidDefinition"
    assert text in message


# Callbacks


@pytest.fixture
def asking(module_client: Any, name: str) -> dict[str, str]:
    """A task of an activity that is out, with a second to be done in."""
    activity = module_client.create_activity(name=name)["activityArn"]
    definition = json.loads(task_of(activity))
    definition["States"]["A"]["TimeoutSeconds"] = 1
    create(module_client, name, definition)
    started = module_client.start_execution(stateMachineArn=arn_of(name))
    task = module_client.get_activity_task(activityArn=activity)
    return {"execution": started["executionArn"], "token": task["taskToken"]}


def test_task_that_timed_out_takes_no_answer(
    module_client: Any, asking: dict[str, str]
) -> None:
    ended = closed(module_client, asking["execution"])

    for call, members in (
        (module_client.send_task_success, {"output": "1"}),
        (module_client.send_task_failure, {}),
        (module_client.send_task_heartbeat, {}),
    ):
        code, _ = refused(call, taskToken=asking["token"], **members)
        assert code == "TaskTimedOut"

    assert (ended["status"], ended["error"]) == ("FAILED", "States.Timeout")


@pytest.mark.parametrize("output", ["", "{", "NaN", "[1,]", "'a'", "\ufeff1"])
def test_output_that_is_no_json_leaves_the_task_open(
    module_client: Any, asking: dict[str, str], output: str
) -> None:
    token = asking["token"]

    code, _ = refused(module_client.send_task_success, taskToken=token, output=output)
    module_client.send_task_success(taskToken=token, output='"done"')

    assert code == "InvalidOutput"
    assert closed(module_client, asking["execution"])["output"] == '"done"'


def test_live_token_of_a_callback_is_in_its_parameters(
    module_client: Any, module_endpoint: str, name: str
) -> None:
    parameters = {"FunctionName": name, "Payload": {"token.$": "$$.Task.Token"}}
    state = {"Type": "Task", "Resource": f"{FUNCTION}.waitForTaskToken"}
    task = {**state, "Parameters": parameters, "End": True}
    create(module_client, name, {"StartAt": "A", "States": {"A": task}})
    started = module_client.start_execution(stateMachineArn=arn_of(name))
    arn = started["executionArn"]
    (asked,) = poll(module_endpoint, functions=[name])["tasks"]
    report(module_endpoint, {"token": asked["token"], "output": "sent"})

    event = event_of_type(module_client, arn, "TaskScheduled")
    shown = json.loads(event["taskScheduledEventDetails"]["parameters"])
    module_client.send_task_success(taskToken=shown["Payload"]["token"], output="7")

    assert closed(module_client, arn)["output"] == "7"


# Histories


def test_history_that_was_read_never_changes(module_client: Any, name: str) -> None:
    create(module_client, name, wait_of(1))
    started = module_client.start_execution(stateMachineArn=arn_of(name))
    arn = started["executionArn"]
    event_of_type(module_client, arn, "WaitStateEntered")
    early = module_client.get_execution_history(executionArn=arn)["events"]

    closed(module_client, arn)

    late = module_client.get_execution_history(executionArn=arn)["events"]
    assert late[: len(early)] == early
    assert len(late) > len(early)


# Validation

TWO_FLAWS: Final = json.dumps(
    {"StartAt": "X", "States": {"A": {"Type": "Pass", "Next": "Y"}}}
)


def test_validation_tells_as_much_as_is_asked(module_client: Any) -> None:
    validate = module_client.validate_state_machine_definition

    whole = validate(definition=TWO_FLAWS)
    first = validate(definition=TWO_FLAWS, maxResults=1)

    assert (whole["result"], whole["truncated"]) == ("FAIL", False)
    assert len(whole["diagnostics"]) > 1
    assert (first["result"], first["truncated"]) == ("FAIL", True)
    assert first["diagnostics"] == whole["diagnostics"][:1]


def test_create_refuses_what_validation_calls_a_failure(
    module_client: Any, name: str
) -> None:
    judged = module_client.validate_state_machine_definition(definition=TWO_FLAWS)

    code, message = refused(
        create, client=module_client, name=name, definition=TWO_FLAWS
    )

    assert code == "InvalidDefinition"
    assert judged["diagnostics"][0]["message"] in message


@pytest.mark.parametrize("members", [{"maxResults": 101}, {"severity": "INFO"}])
def test_validation_is_asked_within_its_bounds(
    module_client: Any, members: dict[str, Any]
) -> None:
    validate = module_client.validate_state_machine_definition

    code, _ = refused(validate, definition=json.dumps(PASS), **members)

    assert code == "ValidationException"
