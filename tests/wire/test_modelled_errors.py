"""Every error that botocore's model lists, operation by operation: provoked, or why not.

The table is literal. A row is what a good request has to be changed into to get the error,
or one line that says why no request gets it; a test compares the table with the model, so
that nothing is forgotten.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest
from botocore.exceptions import ClientError
from botocore.model import ServiceModel

from api.operations import OPERATIONS
from tests.wire.provoking import (
    ALIAS,
    CLOSED_TASK,
    CROWDED,
    FULL,
    LEAVING,
    NO_ACTIVITY,
    NO_EXECUTION,
    NO_MACHINE,
    OPEN,
    ORDER,
    PURGED_TASK,
    QUICK,
    VERSION,
    world,
)
from tests.wire.test_machines import PASS, ROLE

Request: TypeAlias = dict[str, Any]

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "api.md"
BAD: Final = "arn:aws:s3:::bucket"
LONG: Final = "a" * 32_769
TAGS: Final = [{"key": f"k{number}", "value": ""} for number in range(51)]
KMS_KEY: Final = {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "alias/orders"}
NO_KEY: Final = {"type": "CUSTOMER_MANAGED_KMS_KEY"}
NO_RUN: Final = f"{ORDER.replace('stateMachine', 'mapRun')}/label:none"
ELSEWHERE: Final = f"{VERSION[:-1]}2"

# Why no request gets an error.
NO_KMS: Final = "the names of keys are stored; no key management service is ever called"
IN_TURN: Final = "changes of one machine wait for one another"
CONFIGURED: Final = "beyond a configured limit: tests/wire/test_limits.py"
ONE_BOOLEAN: Final = "a tracing configuration is one boolean"
GONE_AT_ONCE: Final = "aliases go when the deletion of their machine begins"
BROKEN_NAME: Final = "such a name is a `ValidationException`, as recorded"
COUNTS_AS_DELETED: Final = "an alias that is not there counts as deleted, as recorded"

KMS: Final[dict[str, str]] = {
    "KmsAccessDeniedException": NO_KMS,
    "KmsThrottlingException": NO_KMS,
}
KMS_STATE: Final[dict[str, str]] = {**KMS, "KmsInvalidStateException": NO_KMS}


def routed(version: str, weight: int = 100) -> Request:
    """Return the member that routes to one version."""
    return {
        "routingConfiguration": [{"stateMachineVersionArn": version, "weight": weight}]
    }


# What each operation accepts in this world, where its errors are changes of it.
GOOD: Final[dict[str, Request]] = {
    "CreateActivity": {"name": "approve"},
    "CreateStateMachine": {
        "name": "new",
        "definition": json.dumps(PASS),
        "roleArn": ROLE,
    },
    "CreateStateMachineAlias": {"name": "next", **routed(VERSION)},
    "GetExecutionHistory": {"executionArn": OPEN},
    "ListExecutions": {"stateMachineArn": ORDER},
    "ListMapRuns": {"executionArn": OPEN},
    "ListStateMachineAliases": {"stateMachineArn": ORDER},
    "ListStateMachineVersions": {"stateMachineArn": ORDER},
    "PublishStateMachineVersion": {"stateMachineArn": ORDER},
    "RedriveExecution": {"executionArn": OPEN},
    "SendTaskSuccess": {"taskToken": CLOSED_TASK, "output": "1"},
    "StartExecution": {"stateMachineArn": ORDER},
    "StartSyncExecution": {"stateMachineArn": QUICK},
    "StopExecution": {"executionArn": OPEN},
    "TagResource": {"resourceArn": ORDER, "tags": []},
    "TestState": {"definition": '{"Type": "Pass", "End": true}'},
    "UntagResource": {"resourceArn": ORDER, "tagKeys": []},
    "UpdateStateMachine": {"stateMachineArn": ORDER, "roleArn": ROLE},
    "UpdateStateMachineAlias": {"stateMachineAliasArn": ALIAS, "description": "d"},
}

TABLE: Final[dict[str, dict[str, Request | str]]] = {
    "CreateActivity": {
        **KMS,
        "ActivityAlreadyExists": {"encryptionConfiguration": KMS_KEY},
        "ActivityLimitExceeded": CONFIGURED,
        "InvalidEncryptionConfiguration": {"encryptionConfiguration": NO_KEY},
        "InvalidName": {"name": "a b"},
        "TooManyTags": {"tags": TAGS},
    },
    "CreateStateMachine": {
        **KMS,
        "ConflictException": IN_TURN,
        "InvalidArn": {"roleArn": "role"},
        "InvalidDefinition": {"definition": "{}"},
        "InvalidEncryptionConfiguration": {"encryptionConfiguration": NO_KEY},
        "InvalidLoggingConfiguration": {"loggingConfiguration": {"level": "ALL"}},
        "InvalidName": {"name": "a b"},
        "InvalidTracingConfiguration": ONE_BOOLEAN,
        "StateMachineAlreadyExists": {"name": "order"},
        "StateMachineDeleting": {"name": "leaving"},
        "StateMachineLimitExceeded": CONFIGURED,
        "StateMachineTypeNotSupported": "both types are supported",
        "TooManyTags": {"tags": TAGS},
        "ValidationException": {"type": "FAST"},
    },
    "CreateStateMachineAlias": {
        "ConflictException": {"name": "live", "description": "another"},
        "InvalidArn": routed(BAD),
        "InvalidName": BROKEN_NAME,
        "ResourceNotFound": routed(ELSEWHERE),
        "ServiceQuotaExceededException": routed(f"{FULL}:1"),
        "StateMachineDeleting": routed(f"{LEAVING}:1"),
        "ValidationException": routed(VERSION, 99),
    },
    "DeleteActivity": {"InvalidArn": {"activityArn": BAD}},
    "DeleteStateMachine": {
        "InvalidArn": {"stateMachineArn": BAD},
        "ValidationException": {"stateMachineArn": VERSION},
    },
    "DeleteStateMachineAlias": {
        "ConflictException": "nothing refers to an alias",
        "InvalidArn": {"stateMachineAliasArn": BAD},
        "ResourceNotFound": COUNTS_AS_DELETED,
        "ValidationException": {"stateMachineAliasArn": VERSION},
    },
    "DeleteStateMachineVersion": {
        "ConflictException": {"stateMachineVersionArn": VERSION},
        "InvalidArn": {"stateMachineVersionArn": BAD},
        "ValidationException": {"stateMachineVersionArn": ORDER},
    },
    "DescribeActivity": {
        "ActivityDoesNotExist": {"activityArn": NO_ACTIVITY},
        "InvalidArn": {"activityArn": BAD},
    },
    "DescribeExecution": {
        **KMS_STATE,
        "ExecutionDoesNotExist": {"executionArn": NO_EXECUTION},
        "InvalidArn": {"executionArn": BAD},
    },
    "DescribeMapRun": {
        "InvalidArn": {"mapRunArn": BAD},
        "ResourceNotFound": {"mapRunArn": NO_RUN},
    },
    "DescribeStateMachine": {
        **KMS_STATE,
        "InvalidArn": {"stateMachineArn": BAD},
        "StateMachineDoesNotExist": {"stateMachineArn": NO_MACHINE},
    },
    "DescribeStateMachineAlias": {
        "InvalidArn": {"stateMachineAliasArn": BAD},
        "ResourceNotFound": {"stateMachineAliasArn": f"{ORDER}:none"},
        "ValidationException": {"stateMachineAliasArn": ORDER},
    },
    "DescribeStateMachineForExecution": {
        **KMS_STATE,
        "ExecutionDoesNotExist": {"executionArn": NO_EXECUTION},
        "InvalidArn": {"executionArn": BAD},
    },
    "GetActivityTask": {
        **KMS_STATE,
        "ActivityDoesNotExist": {"activityArn": NO_ACTIVITY},
        "ActivityWorkerLimitExceeded": {"activityArn": CROWDED},
        "InvalidArn": {"activityArn": BAD},
    },
    "GetExecutionHistory": {
        **KMS_STATE,
        "ExecutionDoesNotExist": {"executionArn": NO_EXECUTION},
        "InvalidArn": {"executionArn": BAD},
        "InvalidToken": {"nextToken": "x"},
    },
    "ListActivities": {"InvalidToken": {"nextToken": "x"}},
    "ListExecutions": {
        "InvalidArn": {"stateMachineArn": BAD},
        "InvalidToken": {"nextToken": "x"},
        "ResourceNotFound": {
            "stateMachineArn": None,
            "mapRunArn": NO_RUN,
        },
        "StateMachineDoesNotExist": {"stateMachineArn": NO_MACHINE},
        "StateMachineTypeNotSupported": {"stateMachineArn": QUICK},
        "ValidationException": {"stateMachineArn": None},
    },
    "ListMapRuns": {
        "ExecutionDoesNotExist": {"executionArn": NO_EXECUTION},
        "InvalidArn": {"executionArn": BAD},
        "InvalidToken": {"nextToken": "x"},
    },
    "ListStateMachineAliases": {
        "InvalidArn": {"stateMachineArn": BAD},
        "InvalidToken": {"nextToken": "x"},
        "ResourceNotFound": {"stateMachineArn": ELSEWHERE},
        "StateMachineDeleting": {"stateMachineArn": LEAVING},
        "StateMachineDoesNotExist": {"stateMachineArn": NO_MACHINE},
    },
    "ListStateMachineVersions": {
        "InvalidArn": {"stateMachineArn": BAD},
        "InvalidToken": {"nextToken": "x"},
        "ValidationException": {"maxResults": 1_001},
    },
    "ListStateMachines": {"InvalidToken": {"nextToken": "x"}},
    "ListTagsForResource": {
        "InvalidArn": {"resourceArn": BAD},
        "ResourceNotFound": {"resourceArn": NO_MACHINE},
    },
    "PublishStateMachineVersion": {
        "ConflictException": {"revisionId": "00000000-0000-0000-0000-000000000000"},
        "InvalidArn": {"stateMachineArn": BAD},
        "ServiceQuotaExceededException": {"stateMachineArn": FULL},
        "StateMachineDeleting": {"stateMachineArn": LEAVING},
        "StateMachineDoesNotExist": {"stateMachineArn": NO_MACHINE},
        "ValidationException": {"revisionId": "first"},
    },
    "RedriveExecution": {
        "ExecutionDoesNotExist": {"executionArn": NO_EXECUTION},
        "ExecutionLimitExceeded": CONFIGURED,
        "ExecutionNotRedrivable": {"executionArn": OPEN},
        "InvalidArn": {"executionArn": BAD},
        "ValidationException": {"clientToken": "a" * 65},
    },
    "SendTaskFailure": {
        **KMS_STATE,
        "InvalidToken": {"taskToken": "x"},
        "TaskDoesNotExist": {"taskToken": PURGED_TASK},
        "TaskTimedOut": {"taskToken": CLOSED_TASK},
    },
    "SendTaskHeartbeat": {
        "InvalidToken": {"taskToken": "x"},
        "TaskDoesNotExist": {"taskToken": PURGED_TASK},
        "TaskTimedOut": {"taskToken": CLOSED_TASK},
    },
    "SendTaskSuccess": {
        **KMS_STATE,
        "InvalidOutput": {"output": "{"},
        "InvalidToken": {"taskToken": "x"},
        "TaskDoesNotExist": {"taskToken": PURGED_TASK},
        "TaskTimedOut": {"taskToken": CLOSED_TASK},
    },
    "StartExecution": {
        **KMS_STATE,
        "ExecutionAlreadyExists": {"name": "open", "input": "[1]"},
        "ExecutionLimitExceeded": CONFIGURED,
        "InvalidArn": {"stateMachineArn": BAD},
        "InvalidExecutionInput": {"input": "{"},
        "InvalidName": {"name": "a b"},
        "StateMachineDeleting": {"stateMachineArn": LEAVING},
        "StateMachineDoesNotExist": {"stateMachineArn": NO_MACHINE},
        "ValidationException": {"stateMachineArn": f"{ORDER}/label"},
    },
    "StartSyncExecution": {
        **KMS_STATE,
        "InvalidArn": {"stateMachineArn": BAD},
        "InvalidExecutionInput": {"input": "{"},
        "InvalidName": {"name": "a b"},
        "StateMachineDeleting": {"stateMachineArn": LEAVING},
        "StateMachineDoesNotExist": {"stateMachineArn": NO_MACHINE},
        "StateMachineTypeNotSupported": {"stateMachineArn": ORDER},
    },
    "StopExecution": {
        **KMS_STATE,
        "ExecutionDoesNotExist": {"executionArn": NO_EXECUTION},
        "InvalidArn": {"executionArn": BAD},
        "ValidationException": {"cause": LONG},
    },
    "TagResource": {
        "InvalidArn": {"resourceArn": BAD},
        "ResourceNotFound": {"resourceArn": NO_ACTIVITY},
        "TooManyTags": {"tags": TAGS},
    },
    "TestState": {
        "InvalidArn": {"roleArn": "role"},
        "InvalidDefinition": {"definition": "{}"},
        "InvalidExecutionInput": {"input": "{"},
        "ValidationException": {"inspectionLevel": "ALL"},
    },
    "UntagResource": {
        "InvalidArn": {"resourceArn": BAD},
        "ResourceNotFound": {"resourceArn": NO_MACHINE},
    },
    "UpdateMapRun": {
        "InvalidArn": {"mapRunArn": BAD},
        "ResourceNotFound": {"mapRunArn": NO_RUN},
        "ValidationException": {"maxConcurrency": -1},
    },
    "UpdateStateMachine": {
        **KMS,
        "ConflictException": IN_TURN,
        "InvalidArn": {"stateMachineArn": BAD},
        "InvalidDefinition": {"definition": "{}"},
        "InvalidEncryptionConfiguration": {"encryptionConfiguration": NO_KEY},
        "InvalidLoggingConfiguration": {"loggingConfiguration": {"level": "ALL"}},
        "InvalidTracingConfiguration": ONE_BOOLEAN,
        "MissingRequiredParameter": {"roleArn": None},
        "ServiceQuotaExceededException": {"stateMachineArn": FULL, "publish": True},
        "StateMachineDeleting": {"stateMachineArn": LEAVING},
        "StateMachineDoesNotExist": {"stateMachineArn": NO_MACHINE},
        "ValidationException": {"versionDescription": "one"},
    },
    "UpdateStateMachineAlias": {
        "ConflictException": IN_TURN,
        "InvalidArn": {"stateMachineAliasArn": BAD},
        "ResourceNotFound": {"stateMachineAliasArn": f"{ORDER}:none"},
        "StateMachineDeleting": GONE_AT_ONCE,
        "ValidationException": {"description": None},
    },
    "ValidateStateMachineDefinition": {"ValidationException": {"definition": ""}},
}

PROVOKED: Final = [
    (operation, error, change)
    for operation, errors in TABLE.items()
    for error, change in errors.items()
    if not isinstance(change, str)
]


@pytest.fixture(scope="module")
def tokens(
    module_client: Any, module_endpoint: str, module_database: str
) -> Iterator[dict[str, str]]:
    with world(module_client, module_endpoint, module_database) as tokens:
        yield tokens


def model_of(client: Any) -> ServiceModel:
    return client.meta.service_model


def test_table_has_every_error_of_the_model(module_client: Any) -> None:
    model = model_of(module_client)

    done = {row.name for row in OPERATIONS}
    assert {name: set(errors) for name, errors in TABLE.items()} == {
        name: {shape.name for shape in model.operation_model(name).error_shapes}
        for name in model.operation_names
        if name in done
    }


def test_document_tells_which_errors_never_come() -> None:
    told = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", DOCUMENT.read_text(), re.M)

    assert told == list(never_come())


def never_come() -> Iterator[tuple[str, str, str]]:
    """Yield each error that no request gets, of which operations, and why."""
    reasons = sorted(
        {
            (error, reason)
            for errors in TABLE.values()
            for error, reason in errors.items()
            if isinstance(reason, str) and reason != CONFIGURED
        }
    )
    for error, reason in reasons:
        having = [name for name, errors in TABLE.items() if error in errors]
        without = [name for name in having if TABLE[name][error] == reason]
        names = "all that have it" if without == having else ", ".join(without)
        yield error, names, reason


@pytest.mark.parametrize(
    ("operation", "error", "change"),
    PROVOKED,
    ids=[f"{operation}-{error}" for operation, error, _ in PROVOKED],
)
def test_error_is_provoked(
    module_client: Any,
    tokens: dict[str, str],
    operation: str,
    error: str,
    change: Request,
) -> None:
    request = {**GOOD.get(operation, {}), **change}
    request = {
        name: tokens.get(value, value) if isinstance(value, str) else value
        for name, value in request.items()
        if value is not None
    }

    with pytest.raises(ClientError) as caught:
        call(module_client, operation, request)

    response = caught.value.response
    shape = model_of(module_client).shape_for(error)
    status = 409 if error == "ConflictException" else 400
    assert response["Error"]["Code"] == error
    assert response["Error"]["Message"]
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert isinstance(caught.value, getattr(module_client.exceptions, error))
    assert set(response) - {"Error", "ResponseMetadata", "message"} <= set(
        shape.members
    )


def call(client: Any, operation: str, request: Request) -> Any:
    methods = client.meta.method_to_api_mapping
    method = next(name for name, api_name in methods.items() if api_name == operation)
    return getattr(client, method)(**request)
