import json
from typing import Any

import pytest

from asl.parse import parse_machine
from asl.validate import validate

GET_OBJECT = "arn:aws:states:::s3:getObject"
INNER = {"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}}


def findings(
    mode: Any = "DISTRIBUTED", language: Any = "JSONPath", **fields: Any
) -> Any:
    config = {"Mode": mode, "ExecutionType": "STANDARD"}
    processor = {**INNER, "ProcessorConfig": config}
    state = {"Type": "Map", "End": True, "ItemProcessor": processor, **fields}
    definition = {"StartAt": "A", "QueryLanguage": language, "States": {"A": state}}
    return [(found.code, found.location) for found in validate(json.dumps(definition))]


GOOD = {
    "ItemReader": {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {
            "InputType": "CSV",
            "CSVHeaderLocation": "FIRST_ROW",
            "MaxItemsPath": "$.m",
        },
        "Parameters": {"Bucket.$": "$.bucket"},
    },
    "ItemBatcher": {"MaxItemsPerBatch": 5, "BatchInput": {"a.$": "$.b"}},
    "ResultWriter": {
        "Resource": "arn:aws:states:::s3:putObject",
        "Parameters": {"Bucket": "b"},
        "WriterConfig": {"OutputType": "JSONL", "Transformation": "FLATTEN"},
    },
    "Label": "orders",
    "ToleratedFailurePercentage": 5.5,
}


def test_a_good_distributed_map() -> None:
    assert findings(**GOOD) == []


def test_its_fields_need_the_distributed_mode() -> None:
    locations = [location for _, location in findings(mode="INLINE", **GOOD)]

    assert locations == [
        f"/States/A/{name}" for name in ("ItemReader", "ItemBatcher", "ResultWriter")
    ]


def test_jsonata_has_arguments() -> None:
    reader = {
        "Resource": GET_OBJECT,
        "Arguments": {"Bucket": "{% $b %}"},
        "ReaderConfig": {"MaxItems": "{% 1 %}"},
    }

    assert findings(language="JSONata", ItemReader=reader) == []
    assert findings(
        language="JSONata", ItemReader={"Resource": GET_OBJECT, "Parameters": {}}
    ) == [("SCHEMA_VALIDATION_FAILED", "/States/A/ItemReader")]


@pytest.mark.parametrize("label", ["", "a" * 41, "a b", "a/b", "a*"])
def test_labels(label: str) -> None:
    assert findings(Label=label) == [("INVALID_LABEL_NAME", "/States/A/Label")]


@pytest.mark.parametrize(
    "fields",
    [
        {"ItemReader": {"ReaderConfig": {}}},
        {"ItemReader": {"Resource": GET_OBJECT, "ReaderConfig": {"InputType": "XML"}}},
        {"ItemBatcher": {}},
        {"ItemBatcher": {"MaxItemsPerBatch": -1}},
        {"ResultWriter": {"WriterConfig": {"OutputType": "CSV"}}},
        {"ToleratedFailureCount": 1, "ToleratedFailureCountPath": "$.t"},
    ],
)
def test_broken_fields(fields: Any) -> None:
    assert len(findings(**fields)) == 1


def test_labels_are_unique() -> None:
    def state(inner: Any) -> Any:
        return {
            "Type": "Map",
            "Label": "same",
            "End": True,
            "ItemProcessor": {
                "StartAt": inner,
                "States": {inner: {"Type": "Pass", "End": True}},
            },
        }

    states = {"A": {**state("B"), "Next": "C"}, "C": state("D")}
    del states["A"]["End"]

    (found,) = validate(json.dumps({"StartAt": "A", "States": states}))

    assert (found.code, found.location) == ("DUPLICATE_LABEL_NAME", "/States/C/Label")


def test_variables_in_its_fields_are_noted() -> None:
    reader = {"Resource": GET_OBJECT, "ReaderConfig": {"MaxItemsPath": "$most"}}
    processor = {**INNER, "ProcessorConfig": {"Mode": "DISTRIBUTED"}}
    state = {
        "Type": "Map",
        "End": True,
        "ItemProcessor": processor,
        "ItemReader": reader,
    }

    machine = parse_machine(json.dumps({"StartAt": "A", "States": {"A": state}}))

    assert machine.variable_references == {"A": ["most"]}


@pytest.mark.parametrize("name", ["states", "1a", "a-b", "", "x" * 81, "a.b.$"])
def test_names_of_variables(name: str) -> None:
    state = {
        "Type": "Pass",
        "End": True,
        "Assign": {name: "$.x" if name.endswith("$") else 1},
    }

    (found,) = validate(json.dumps({"StartAt": "A", "States": {"A": state}}))[:1]

    assert found.location == f"/States/A/Assign/{name}"
