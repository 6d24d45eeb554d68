"""Whatever a definition is, judging it yields findings and never a surprise."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from asl.errors import DefinitionError
from asl.graph import build_graph
from asl.parse import parse_machine
from asl.validate import MachineType, validate

WORDS = st.sampled_from(
    [
        "$", "$$", "$.a", "$.a[?(@.b==1)]", "$x", "$..", "$[", "{% $a %}", "{% ", "%}", "{%%}",
        "States.Format('{}', $.a)", "States.UUID()", "States.Format(", "A", "B", "Pass", "Task",
        "Choice", "Map", "Wait", "Parallel", "Fail", "Succeed", "JSONata", "JSONPath", "",
        "arn:aws:states:::lambda:invoke", "2020-01-01T00:00:00Z", "INLINE", "DISTRIBUTED",
        "States.ALL", "\ud800", "\x00",
    ]
)  # fmt: skip
FIELDS = st.sampled_from(
    [
        "Type", "Next", "End", "Default", "Choices", "Variable", "StringEquals", "And", "Not",
        "NumericEqualsPath", "IsNull", "IsPresent", "Condition", "InputPath", "OutputPath",
        "ResultPath", "Parameters", "ResultSelector", "Result", "Assign", "Output", "Arguments",
        "Resource", "TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "Credentials",
        "Retry", "Catch", "ErrorEquals", "MaxAttempts", "BackoffRate", "JitterStrategy",
        "Branches", "ItemProcessor", "Iterator", "ProcessorConfig", "Mode", "ItemsPath", "Items",
        "ItemSelector", "MaxConcurrency", "ToleratedFailureCount", "Seconds", "SecondsPath",
        "Timestamp", "Error", "ErrorPath", "Cause", "QueryLanguage", "Comment", "StartAt",
        "States", "a.$", "RoleArn", "ItemReader", "ItemBatcher", "ResultWriter", "Label",
    ]
)  # fmt: skip
SCALARS = (
    WORDS
    | st.text(max_size=8)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
    | st.none()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(FIELDS | WORDS, inner, max_size=6)
    ),
    max_leaves=25,
)
STATES = st.dictionaries(
    st.sampled_from(["A", "B", "C", "a/b"]), st.dictionaries(FIELDS, VALUES, max_size=8)
)
DEFINITIONS = st.fixed_dictionaries(
    {"StartAt": WORDS, "States": STATES},
    optional={"QueryLanguage": WORDS, "TimeoutSeconds": SCALARS},
)


@settings(max_examples=400, deadline=2000)
@given(DEFINITIONS | VALUES, st.sampled_from(MachineType))
def test_any_json_is_judged(definition: Any, machine_type: MachineType) -> None:
    text = json.dumps(definition)

    findings = validate(text, machine_type)

    errors = [found for found in findings if found.severity == "ERROR"]
    try:
        parse_machine(text)
    except DefinitionError:
        assert errors
    else:
        assert not errors or machine_type is MachineType.EXPRESS


@given(st.text())
def test_any_text_is_judged(text: str) -> None:
    validate(text)


@given(DEFINITIONS | st.dictionaries(FIELDS, VALUES))
def test_any_object_has_a_graph(definition: Any) -> None:
    graph = build_graph(definition)

    ids = [node.id for node in graph.all_nodes()]
    assert len(ids) == len(set(ids))


@given(DEFINITIONS)
def test_every_finding_points_into_the_definition(definition: Any) -> None:
    for found in validate(json.dumps(definition)):
        value = definition
        for step in found.pointer.split("/")[1:-1]:
            key = step.replace("~1", "/").replace("~0", "~")
            value = value[int(key)] if isinstance(value, list) else value[key]
