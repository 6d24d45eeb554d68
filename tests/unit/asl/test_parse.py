import json
from typing import Any

import pytest

from asl.errors import DefinitionError
from asl.model import Pattern, ProcessorMode, ResourceKind
from asl.parse import parse_machine
from asl.resources import parse_resource
from tests.support.expressions import compiled

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
PASS = {"Type": "Pass", "End": True}


def machine(**fields: Any) -> Any:
    definition = {"StartAt": "A", "States": {"A": PASS}, **fields}
    return parse_machine(json.dumps(definition))


def refusal(**fields: Any) -> Any:
    with pytest.raises(DefinitionError) as refused:
        machine(**fields)
    return (
        str(refused.value).removeprefix("Invalid State Machine Definition: ").strip("'")
    )


def region(*names: str) -> Any:
    return {"StartAt": names[0], "States": dict.fromkeys(names, PASS)}


def test_regions_are_numbered_depth_first() -> None:
    inner = {"Type": "Parallel", "End": True, "Branches": [region("D"), region("E")]}
    states = {
        "A": {
            "Type": "Parallel",
            "Next": "B",
            "Branches": [{"StartAt": "C", "States": {"C": inner}}, region("F")],
        },
        "B": {"Type": "Map", "End": True, "Iterator": region("G")},
    }

    compiled_machine = machine(States=states)

    assert [r.start_at for r in compiled_machine.regions] == [
        "A",
        "C",
        "D",
        "E",
        "F",
        "G",
    ]
    assert compiled_machine.regions[0].states["A"].branches == (1, 4)
    assert compiled_machine.regions[1].states["C"].branches == (2, 3)
    assert compiled_machine.regions[0].states["B"].processor == 5


def test_machine_fields() -> None:
    parsed = machine(
        Comment="c", TimeoutSeconds=5, Version="1.0", QueryLanguage="JSONata"
    )

    assert (parsed.comment, parsed.timeout_seconds) == ("c", 5)
    assert parsed.query_language == "JSONata"


def test_a_state_may_choose_jsonata() -> None:
    states = {
        "A": {"Type": "Pass", "QueryLanguage": "JSONata", "End": True, "Output": 1}
    }

    assert machine(States=states).query_language == "JSONPath"


def test_jsonata_machines_have_no_jsonpath_states() -> None:
    states = {"A": {**PASS, "QueryLanguage": "JSONPath"}}

    assert refusal(States=states, QueryLanguage="JSONata") == (
        "SCHEMA_VALIDATION_FAILED: 'QueryLanguage' can not be 'JSONPath' if set to "
        "'JSONata' for whole state machine at /States/A"
    )


def test_retriers() -> None:
    retry = [
        {"ErrorEquals": ["E"]},
        {
            "ErrorEquals": ["States.ALL"],
            "IntervalSeconds": 2,
            "MaxAttempts": 0,
            "BackoffRate": 1,
            "MaxDelaySeconds": 3,
            "JitterStrategy": "FULL",
            "Comment": "c",
        },
    ]
    first, second = compiled(
        {"Type": "Task", "Resource": FUNCTION, "End": True, "Retry": retry}
    ).retriers

    assert (first.interval_seconds, first.max_attempts, first.backoff_rate) == (
        1,
        3,
        2.0,
    )
    assert (first.max_delay_seconds, first.jitter) == (None, False)
    assert (second.max_attempts, second.max_delay_seconds, second.jitter) == (
        0,
        3,
        True,
    )


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"ErrorEquals": []},
        {"ErrorEquals": "E"},
        {"ErrorEquals": ["States.ALL", "E"]},
        {"ErrorEquals": ["E"], "IntervalSeconds": 0},
        {"ErrorEquals": ["E"], "MaxAttempts": -1},
        {"ErrorEquals": ["E"], "MaxAttempts": 1.5},
        {"ErrorEquals": ["E"], "BackoffRate": 0.5},
        {"ErrorEquals": ["E"], "MaxDelaySeconds": 1},
        {"ErrorEquals": ["E"], "JitterStrategy": "SOME"},
        {"ErrorEquals": ["E"], "Other": 1},
    ],
)
def test_broken_retriers_are_refused(entry: Any) -> None:
    with pytest.raises(DefinitionError):
        compiled({"Type": "Task", "Resource": FUNCTION, "End": True, "Retry": [entry]})


def test_states_all_comes_last() -> None:
    catch = [
        {"ErrorEquals": ["States.ALL"], "Next": "There"},
        {"ErrorEquals": ["E"], "Next": "There"},
    ]

    with pytest.raises(DefinitionError, match=r"/States/Here/Catch\[0\]/ErrorEquals"):
        compiled({"Type": "Task", "Resource": FUNCTION, "End": True, "Catch": catch})


@pytest.mark.parametrize(
    ("arn", "kind", "pattern", "shown"),
    [
        (
            f"{FUNCTION}:1",
            ResourceKind.LAMBDA_FUNCTION,
            Pattern.REQUEST_RESPONSE,
            ("", "", "f"),
        ),
        (
            "arn:aws:states:us-east-1:123456789012:activity:a",
            ResourceKind.ACTIVITY,
            Pattern.REQUEST_RESPONSE,
            ("", "", ""),
        ),
        (
            "arn:aws:states:::lambda:invoke.waitForTaskToken",
            ResourceKind.SERVICE,
            Pattern.WAIT_FOR_TASK_TOKEN,
            ("lambda", "invoke.waitForTaskToken", ""),
        ),
        (
            "arn:aws-cn:states:::states:startExecution.sync:2",
            ResourceKind.SERVICE,
            Pattern.SYNC_2,
            ("states", "startExecution.sync:2", ""),
        ),
        (
            "arn:aws:states:::aws-sdk:s3:getObject",
            ResourceKind.SERVICE,
            Pattern.REQUEST_RESPONSE,
            ("aws-sdk:s3", "getObject", ""),
        ),
    ],
)
def test_resources(
    arn: str, kind: ResourceKind, pattern: Pattern, shown: tuple[str, str, str]
) -> None:
    resource = parse_resource(arn)

    assert resource is not None
    assert (resource.kind, resource.pattern) == (kind, pattern)
    assert (resource.resource_type, resource.resource, resource.function) == shown


@pytest.mark.parametrize(
    "arn", ["f", "arn:aws:s3:::bucket", "arn:aws:states:::lambda:invoke.async", ""]
)
def test_what_is_no_resource(arn: str) -> None:
    assert parse_resource(arn) is None


def test_modes_of_a_map() -> None:
    def mode(config: Any) -> Any:
        processor = {**region("G"), "ProcessorConfig": config}
        return compiled({"Type": "Map", "End": True, "ItemProcessor": processor}).mode

    assert mode({"Mode": "INLINE"}) is ProcessorMode.INLINE
    assert mode({"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}) is (
        ProcessorMode.DISTRIBUTED
    )


def test_variable_references() -> None:
    states = {
        "A": {"Type": "Pass", "Assign": {"x": 1}, "Next": "B"},
        "B": {
            "Type": "Map",
            "ItemsPath": "$list",
            "MaxConcurrencyPath": "$max",
            "Next": "C",
            "ItemProcessor": {
                "StartAt": "I",
                "States": {"I": {**PASS, "InputPath": "$x.y"}},
            },
        },
        "C": {
            "Type": "Choice",
            "Choices": [{"Variable": "$v", "StringEqualsPath": "$w", "Next": "D"}],
            "Default": "D",
        },
        "D": {
            "Type": "Fail",
            "CausePath": "$c",
            "ErrorPath": "States.Format('{}', $e)",
        },
    }

    assert machine(States=states).variable_references == {
        "B": ["list", "max"],
        "I": ["x"],
        "C": ["v", "w"],
        "D": ["c", "e"],
    }
