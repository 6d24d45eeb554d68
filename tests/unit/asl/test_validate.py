import json
from typing import Any

import pytest

from asl.validate import MachineType, validate

PASS = {"Type": "Pass", "End": True}


def findings(
    states: Any, machine_type: MachineType = MachineType.STANDARD, **fields: Any
) -> Any:
    definition = {"StartAt": "A", "States": states, **fields}
    return validate(json.dumps(definition), machine_type)


def errors(
    states: Any, machine_type: MachineType = MachineType.STANDARD, **fields: Any
) -> Any:
    found = findings(states, machine_type, **fields)
    return [(f.code, f.message, f.location) for f in found if f.severity == "ERROR"]


def of_text(text: str) -> Any:
    return [(f.code, f.message, f.location) for f in validate(text)]


SCHEMA = "SCHEMA_VALIDATION_FAILED"
TARGET = "MISSING_TRANSITION_TARGET"


def test_a_good_definition_has_no_findings() -> None:
    assert findings({"A": PASS}) == []


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("{}", "States, StartAt"),
        ('{"StartAt": "A"}', "States"),
        ('{"States":{"A":{"Type":"Succeed"}}}', "StartAt"),
    ],
)
def test_required_fields(text: str, missing: str) -> None:
    assert of_text(text) == [(SCHEMA, f"These fields are required: [{missing}]", "/")]


def test_a_text_that_is_no_json() -> None:
    source = '[Source: (String)"not a definition"; line: 1, column: 4]'

    assert of_text("not a definition") == [
        (
            "INVALID_JSON_DESCRIPTION",
            "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object "
            f"or token 'null', 'true' or 'false')\n at {source}",
            source,
        )
    ]


@pytest.mark.parametrize(
    "text", ["{", '{"a"', '{"a":}', '{"a":1,}', "[1 2]", "\x00", '"' + "x" * 600]
)
def test_broken_json_is_one_finding(text: str) -> None:
    (found,) = of_text(text)

    assert found[0] == "INVALID_JSON_DESCRIPTION"


@pytest.mark.parametrize("text", ["", "  ", "[]", "1", "null"])
def test_json_that_is_no_definition(text: str) -> None:
    assert len(of_text(text)) == 1


def test_everything_is_found_in_one_pass() -> None:
    states = {
        "A": {"Type": "Task", "Resource": "x", "Retry": {}, "Next": "Z", "Nonsense": 1},
        "B": {"Type": "Wait", "Seconds": -1, "End": "yes"},
        "C": {"Type": "Nothing"},
    }

    assert errors(states, Extra=1) == [
        (SCHEMA, "Field 'Extra' is not supported", "/"),
        (SCHEMA, "Field 'Nonsense' is not supported", "/States/A"),
        (SCHEMA, "Value is not a valid resource ARN", "/States/A/Resource"),
        (SCHEMA, "Expected value of type Array", "/States/A/Retry"),
        (SCHEMA, "Expected value of type Boolean", "/States/B/End"),
        (SCHEMA, "Exactly one of these fields is required: [Next, End]", "/States/B"),
        (SCHEMA, "Minimum value is 0", "/States/B/Seconds"),
        (
            SCHEMA,
            "Value should be one of the following: [Task, Pass, Choice, Wait, Succeed, Fail, Parallel, Map]",
            "/States/C/Type",
        ),
        (TARGET, "Missing 'Next' target: Z", "/States/A/Next"),
        ("MISSING_END_STATE", "Workflow has no terminal state", None),
    ]


def test_locations_are_written_twice() -> None:
    branch = {"StartAt": "B", "States": {"B": {"Type": "Pass", "Next": "a/b"}}}
    found = findings({"A": {"Type": "Parallel", "Branches": [branch], "End": True}})

    assert found[0].location == "/States/A/Branches[0]/States/B/Next"
    assert found[0].pointer == "/States/A/Branches/0/States/B/Next"


def test_names_are_unique_across_scopes() -> None:
    branch = {"StartAt": "A", "States": {"A": PASS}}
    states = {"A": {"Type": "Parallel", "Branches": [branch], "End": True}}

    assert errors(states) == [
        (
            "DUPLICATE_STATE_NAME",
            "Duplicate State name: A",
            "/States/A/Branches[0]/States/A",
        )
    ]


def test_a_transition_may_not_leave_its_scope() -> None:
    branch = {"StartAt": "B", "States": {"B": {"Type": "Pass", "Next": "C"}}}
    states = {
        "A": {"Type": "Parallel", "Branches": [branch], "Next": "C"},
        "C": {"Type": "Succeed"},
    }

    assert errors(states)[0][:2] == (TARGET, "Missing 'Next' target: C")


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        (
            "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Express state machine does not support '.waitForTaskToken' service integration ",
        ),
        (
            "arn:aws:states:::states:startExecution.sync:2",
            "Express state machine does not support '.sync' service integration",
        ),
        (
            "arn:aws:states:us-east-1:123456789012:activity:a",
            "Express state machine does not support Activity ARN",
        ),
    ],
)
def test_what_express_does_not_support(resource: str, message: str) -> None:
    states = {"A": {"Type": "Task", "Resource": resource, "End": True}}

    assert errors(states) == []
    assert errors(states, MachineType.EXPRESS) == [
        (SCHEMA, message, "/States/A/Resource")
    ]


def test_empty_branches() -> None:
    assert errors({"A": {"Type": "Parallel", "Branches": [], "End": True}}) == [
        (SCHEMA, "Value cannot be empty", "/States/A/Branches")
    ]


def test_suspicions_are_warnings() -> None:
    states = {
        "A": {
            "Type": "Pass",
            "Parameters": {"name": "$.name", "price": "$5.00"},
            "Next": "B",
        },
        "B": {"Type": "Pass", "Result": ["$.x"], "Next": "C"},
        "C": {"Type": "Fail", "Cause": "$.cause"},
    }

    found = [(f.severity, f.code, f.location) for f in findings(states)]

    assert found == [
        ("WARNING", "NO_DOLLAR", "/States/A/Parameters/name"),
        ("WARNING", "PASS_RESULT_IS_STATIC", "/States/B/Result[0]"),
        ("WARNING", "NO_PATH", "/States/C/Cause"),
    ]


def test_deep_nesting_is_a_finding() -> None:
    region = {"StartAt": "s", "States": {"s": PASS}}
    for depth in range(60):
        state = {"Type": "Map", "End": True, "ItemProcessor": region}
        region = {"StartAt": f"s{depth}", "States": {f"s{depth}": state}}

    assert "TOO_DEEPLY_NESTED" in {f.code for f in validate(json.dumps(region))}


TASK = {
    "Type": "Task",
    "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f",
    "End": True,
}
DISTRIBUTED = {
    "Type": "Map",
    "End": True,
    "ItemProcessor": {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "I",
        "States": {"I": PASS},
    },
}
STRING = "Expected value of type String"
NO_ARN = "Value is not a valid resource ARN"


@pytest.mark.parametrize(
    ("state", "message", "location"),
    [
        ({**PASS, "Comment": 1}, STRING, "/Comment"),
        (
            {**TASK, "Retry": [{"ErrorEquals": ["E"], "Comment": {}}]},
            STRING,
            "/Retry[0]/Comment",
        ),
        (
            {**TASK, "TimeoutSeconds": 5, "HeartbeatSeconds": 5},
            "HeartbeatSeconds must be smaller than TimeoutSeconds",
            "/HeartbeatSeconds",
        ),
        (
            {**DISTRIBUTED, "ItemReader": {"Resource": "s3"}},
            NO_ARN,
            "/ItemReader/Resource",
        ),
        (
            {**DISTRIBUTED, "ResultWriter": {"Resource": "s3"}},
            NO_ARN,
            "/ResultWriter/Resource",
        ),
        (
            {**DISTRIBUTED, "ResultWriter": {}},
            "At least one of these fields is required: [Resource, WriterConfig]",
            "/ResultWriter",
        ),
        (
            {**TASK, "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 1.5}]},
            "Expected value of type Integer",
            "/Retry[0]/MaxAttempts",
        ),
        (
            {**TASK, "Retry": [{"ErrorEquals": ["E"], "JitterStrategy": "HALF"}]},
            "Value should be one of the following: [FULL, NONE]",
            "/Retry[0]/JitterStrategy",
        ),
        (
            {**TASK, "Retry": [{"ErrorEquals": ["E"], "MaxDelaySeconds": 1}]},
            "MaxDelaySeconds must be greater than IntervalSeconds",
            "/Retry[0]/MaxDelaySeconds",
        ),
        (
            {**DISTRIBUTED, "ToleratedFailurePercentage": 101},
            "Maximum value is 100.0",
            "/ToleratedFailurePercentage",
        ),
        (
            {**DISTRIBUTED, "MaxConcurrency": -1},
            "Minimum value is 0",
            "/MaxConcurrency",
        ),
        (
            {**DISTRIBUTED, "Label": "a?"},
            "Label contains invalid characters: 'a?'",
            "/Label",
        ),
        (
            {**PASS, "Assign": {"states": 1}},
            "Variable name 'states' is reserved",
            "/Assign/states",
        ),
    ],
)
def test_what_a_field_may_not_hold(state: Any, message: str, location: str) -> None:
    assert [found[1:] for found in errors({"A": state})] == [
        (message, f"/States/A{location}")
    ]


def test_a_heartbeat_within_its_timeout_is_well() -> None:
    state = {**TASK, "TimeoutSeconds": 6, "HeartbeatSeconds": 5}

    assert errors({"A": state}) == []


def test_the_version_is_a_text() -> None:
    assert errors({"A": PASS}, Version=1) == [(SCHEMA, STRING, "/Version")]
    assert errors({"A": PASS}, Version="1.0") == []
