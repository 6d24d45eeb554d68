from typing import Any

import pytest

from asl.graph import EdgeKind, NodeKind, build_graph
from asl.summaries import rule_label, state_detail

TASK = "arn:aws:lambda:us-east-1:123456789012:function:check"
DEFINITION: dict[str, Any] = {
    "StartAt": "Check",
    "States": {
        "Check": {
            "Type": "Task",
            "Resource": TASK,
            "Catch": [{"ErrorEquals": ["A", "B"], "Next": "Sorry"}],
            "Next": "Free?",
        },
        "Free?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "NumericGreaterThan": 0, "Next": "Both"}],
            "Default": "Sorry",
        },
        "Both": {
            "Type": "Parallel",
            "Branches": [
                {"StartAt": "L", "States": {"L": {"Type": "Pass", "End": True}}},
                {
                    "StartAt": "R",
                    "States": {"R": {"Type": "Wait", "Seconds": 5, "End": True}},
                },
            ],
            "End": True,
        },
        "Sorry": {"Type": "Fail", "Error": "NoLuck"},
    },
}


def edges(graph: Any) -> Any:
    return {(e.source, e.target, e.kind, e.label) for e in graph.edges}


def test_edges_of_a_scope() -> None:
    s = "/States/"

    assert edges(build_graph(DEFINITION)) == {
        ("/start", f"{s}Check", EdgeKind.START, ""),
        (f"{s}Check", f"{s}Sorry", EdgeKind.CATCH, "A, B"),
        (f"{s}Check", f"{s}Free?", EdgeKind.NEXT, ""),
        (f"{s}Free?", f"{s}Both", EdgeKind.CHOICE, "$.n > 0"),
        (f"{s}Free?", f"{s}Sorry", EdgeKind.DEFAULT, "Default"),
        (f"{s}Both", "/end", EdgeKind.END, ""),
        (f"{s}Sorry", "/end", EdgeKind.END, ""),
    }


def test_nested_scopes_belong_to_their_state() -> None:
    graph = build_graph(DEFINITION)
    both = next(node for node in graph.nodes if node.name == "Both")

    assert both.kind is NodeKind.PARALLEL
    assert [scope.id for scope in both.scopes] == [
        "/States/Both/Branches/0",
        "/States/Both/Branches/1",
    ]
    assert [scope.name for scope in both.scopes] == ["Branch 1", "Branch 2"]
    assert both.scopes[1].nodes[1].detail == "5 s"


def test_ids_are_unique() -> None:
    ids = [node.id for node in build_graph(DEFINITION).all_nodes()]

    assert len(ids) == len(set(ids)) == 12


@pytest.mark.parametrize(
    ("rule", "label"),
    [
        ({"Variable": "$.a", "IsNull": False}, "$.a is not null"),
        ({"Variable": "$.a", "StringMatches": "x*"}, '$.a matches "x*"'),
        ({"Variable": "$.a", "BooleanEquals": True}, "$.a == true"),
        ({"Variable": "$.a", "NumericLessThanEqualsPath": "$.b"}, "$.a <= $.b"),
        (
            {
                "And": [
                    {"Variable": "$.a", "IsPresent": True},
                    {"Not": {"Variable": "$.a", "StringEquals": "x"}},
                ]
            },
            '$.a is present and not ($.a == "x")',
        ),
        ({"Condition": "{% $x > 1 %}"}, "$x > 1"),
        ({"Condition": True}, "true"),
        ({"Comment": "cheap", "Variable": "$.a", "IsNull": True}, "cheap"),
        ({}, ""),
    ],
)
def test_rules_are_written_as_a_person_would(rule: Any, label: str) -> None:
    assert rule_label(rule) == label


SQS = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
INVOKE = "arn:aws:states:::lambda:invoke"
ACTIVITY = "arn:aws:states:us-east-1:123456789012:activity:sign"


@pytest.mark.parametrize(
    ("state", "detail"),
    [
        ({"Type": "Task", "Resource": TASK}, "check"),
        ({"Type": "Task", "Resource": SQS}, "sqs:sendMessage.waitForTaskToken"),
        ({"Type": "Task", "Resource": ACTIVITY}, "activity sign"),
        (
            {"Type": "Task", "Resource": INVOKE, "Arguments": {"FunctionName": TASK}},
            "lambda:invoke check",
        ),
        ({"Type": "Task", "Resource": "nonsense"}, "nonsense"),
        ({"Type": "Wait", "SecondsPath": "$.pause"}, "$.pause s"),
        ({"Type": "Wait", "Timestamp": "{% $due %}"}, "until $due"),
        ({"Type": "Fail", "Error": "Late"}, "Late"),
        ({"Type": "Map", "Items": [1, 2]}, "[1,2]"),
        ({"Type": "Pass", "Result": 1}, ""),
        ({"Type": []}, ""),
    ],
)
def test_a_state_is_told_in_a_few_words(state: Any, detail: str) -> None:
    assert state_detail(state) == detail


@pytest.mark.parametrize(
    "definition",
    [
        {},
        {"States": []},
        {"States": {"A": 1, "B": {"Type": 1, "Next": 5, "Choices": [1], "Catch": {}}}},
        {"StartAt": "Z", "States": {"A": {"Next": "Z", "Branches": [1, {}]}}},
    ],
)
def test_broken_definitions_still_have_a_graph(definition: Any) -> None:
    assert build_graph(definition).nodes[0].kind is NodeKind.START
