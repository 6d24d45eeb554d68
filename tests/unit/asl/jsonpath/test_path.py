from typing import Any

import pytest

from asl.jsonpath.path import (
    PathMiss,
    PathSyntaxError,
    Root,
    compile_path,
    compile_reference_path,
)
from asl.payload import Payload
from tests.support.expressions import environment

DOCUMENT = {
    "order": {"lines": [{"sku": "a", "qty": 1}, {"sku": "b", "qty": 2}], "note": "x"},
    "a-b": 1,
    "it's": 2,
    'Test\\""Name"': 3,
    "none": None,
}


def read(text: str, document: Any = DOCUMENT, **given: Any) -> Any:
    env = environment(document, **given)
    return compile_path(text).read(env, Payload.of_value(document))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$", DOCUMENT),
        ("$.order.note", "x"),
        ("$['order']['note']", "x"),
        ('$["order"].note', "x"),
        ("$.order.lines[1].sku", "b"),
        ("$.order.lines[-1].sku", "b"),
        ("$.a-b", 1),
        ("$['it\\'s']", 2),
        ('$[\'Test\\""Name"\']', 3),
        ("$.none", None),
    ],
)
def test_definite_path_yields_the_value_there(text: str, expected: Any) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$.order.lines[*].sku", ["a", "b"]),
        ("$.order.lines[0:1].sku", ["a"]),
        ("$.order.lines[?(@.qty > 1)].sku", ["b"]),
        ("$..sku", ["a", "b"]),
        ("$.order.lines[0,1].qty", [1, 2]),
        ("$.nothing[*]", []),
        ("$.nothing.here[1:5]", []),
        ("$.order.note[*]", []),
    ],
)
def test_indefinite_path_yields_a_list(text: str, expected: Any) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$.order.lines.length()", 2),
        ("$.order.lines[*].qty.max()", 2),
        ("$.order.lines[*].qty.sum()", 3),
        ("$.order.lines[*].qty.avg()", 1.5),
        ("$.order.keys()", ["lines", "note"]),
        ("$.order.lines[*].sku.concat()", "ab"),
        ("$.order.lines[*].sku.index(1)", "b"),
        ("$.order.lines[*].sku.first()", "a"),
    ],
)
def test_tail_functions(text: str, expected: Any) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "explanation"),
    [
        ("$.missing", "No results for path: $['missing']"),
        ("$.order.missing", "No results for path: $['order']['missing']"),
        ("$.no.such.path", "Missing property in path $['no']"),
        ("$.order.no.path", "Missing property in path $['order']['no']"),
        ("$.order.lines[7]", "No results for path: $['order']['lines'][7]"),
        (
            "$.order[0]",
            "Filter: [0] can only be applied to arrays. Current context is: "
            '{"lines":[{"sku":"a","qty":1},{"sku":"b","qty":2}],"note":"x"}',
        ),
    ],
)
def test_a_miss_explains_where_the_path_ended(text: str, explanation: str) -> None:
    with pytest.raises(PathMiss) as miss:
        read(text)

    assert str(miss.value) == explanation


def test_a_step_into_a_text_is_a_miss_not_a_character() -> None:
    with pytest.raises(PathMiss):
        read("$.order.note[0]")


def test_the_context_object_is_a_root() -> None:
    path = compile_path("$$.Execution.Name")

    assert path.root is Root.CONTEXT
    assert path.read(environment(), Payload.of_value({})) == "order-1"


def test_a_variable_is_a_root() -> None:
    assert read("$total.net[0]", variables={"total": {"net": [5]}}) == 5


def test_an_unassigned_variable_is_a_miss() -> None:
    with pytest.raises(PathMiss):
        read("$total")


@pytest.mark.parametrize("text", ["", "order", "$.", "$.a[", "$.a[?(", "$ .a", "$.a b"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(PathSyntaxError):
        compile_path(text)


@pytest.mark.parametrize("text", ["$.a[*]", "$..a", "$.a[1:]", "$.a.length()"])
def test_a_reference_path_names_one_place(text: str) -> None:
    with pytest.raises(PathSyntaxError):
        compile_reference_path(text)
