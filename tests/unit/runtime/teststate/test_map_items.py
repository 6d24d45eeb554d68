"""What the data of a reader hold, and how items are cut into batches."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.teststate.errors import RefusedTrialError
from tests.support.trials import each, stages, tried

GET_OBJECT = "arn:aws:states:::s3:getObject"


def read(data: str, batcher: Any = None, **config: Any) -> Any:
    """Return what the iterations get of a reader's data."""
    reader = {
        "Resource": GET_OBJECT,
        "ReaderConfig": config,
        "Parameters": {"Bucket": "b", "Key": "k"},
    }
    selector = {"it.$": "$$.Map.Item.Value"}
    more = {} if batcher is None else {"ItemBatcher": batcher}
    state = each(ItemReader=reader, ItemSelector=selector, **more)
    return stages(tried(state, {"most": 2}, result=[], reader_data=data))


@pytest.mark.parametrize(
    ("data", "config", "items"),
    [
        ("[1, 2]", {"InputType": "JSON"}, [1, 2]),
        ('{"a": 1}', {"InputType": "JSON"}, [{"Key": "a", "Value": 1}]),
        ('{"a": [1]}', {"InputType": "JSON", "ItemsPointer": "/a"}, [1]),
        ("1\n\n2\n", {"InputType": "JSONL"}, [1, 2]),
        (
            "a;b\n1;2\n",
            {
                "InputType": "CSV",
                "CSVHeaderLocation": "FIRST_ROW",
                "CSVDelimiter": "SEMICOLON",
            },
            [{"a": "1", "b": "2"}],
        ),
        (
            "1,2\n",
            {
                "InputType": "CSV",
                "CSVHeaderLocation": "GIVEN",
                "CSVHeaders": ["x", "y"],
            },
            [{"x": "1", "y": "2"}],
        ),
        (
            "a,b\n1,2,3\n4\n",
            {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
            [{"a": "1", "b": "2"}, {"a": "4", "b": ""}],
        ),
        ("[1, 2, 3]", {"InputType": "JSON", "MaxItems": 2}, [1, 2]),
    ],
)
def test_reader_data_become_items(
    data: str, config: dict[str, Any], items: list[Any]
) -> None:
    made = read(data, **config)

    assert made["afterItemSelector"] == [{"it": item} for item in items]


def test_reader_data_that_are_no_json_are_refused() -> None:
    with pytest.raises(RefusedTrialError, match="must be valid JSON"):
        read("[1", InputType="JSON")


@pytest.mark.parametrize(
    ("data", "input_type", "cause"),
    [
        ("a,a\n1,2\n", "CSV", "CSV headers cannot contain duplicates."),
        ("1", "JSON", "Attempting to map over non-iterable node."),
    ],
)
def test_data_that_are_no_items_fail_the_reader(
    data: str, input_type: str, cause: str
) -> None:
    reader = {"Resource": GET_OBJECT, "ReaderConfig": {"InputType": input_type}}

    ended = tried(each(ItemReader=reader), {}, result=[], reader_data=data)

    assert (ended.error, ended.cause) == ("States.ItemReaderFailed", cause)


def test_pointer_to_nothing_fails_the_state() -> None:
    assert "afterItemSelector" not in read("{}", InputType="JSON", ItemsPointer="/a")


def test_items_are_batched_by_count() -> None:
    batcher = {"MaxItemsPerBatchPath": "$.most", "BatchInput": {"b": 1}}

    made = read("[1, 2, 3]", batcher, InputType="JSON")

    assert made["afterItemBatcher"] == [
        {"BatchInput": {"b": 1}, "Items": [{"it": 1}, {"it": 2}]},
        {"BatchInput": {"b": 1}, "Items": [{"it": 3}]},
    ]


def test_items_are_batched_by_bytes() -> None:
    made = read("[1, 2, 3]", {"MaxInputBytesPerBatch": 30}, InputType="JSON")

    assert [len(batch["Items"]) for batch in made["afterItemBatcher"]] == [2, 1]
