from typing import Any

import pytest

from asl.errors import StatesError
from asl.jsonpath.path import PathSyntaxError, compile_path
from asl.payload import Payload
from tests.support.expressions import environment

ITEMS: list[Any] = [
    {"id": 1, "name": "ab", "tags": ["x", "y"], "none": None, "ok": True},
    {"id": 2, "name": "AC", "tags": [], "sub": {"v": 5}},
    {"id": 2.0, "name": "a'c", "limit": 2},
]
DOCUMENT: dict[str, Any] = {"items": ITEMS, "wanted": 2, "ids": [1, 3]}


def ids(condition: Any) -> Any:
    path = compile_path(f"$.items[?({condition})]")
    found: Any = path.read(environment(), Payload.of_value(DOCUMENT))
    return [ITEMS.index(item) for item in found]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("@.id == 1", [0]),
        ("@.id == 2", [1, 2]),
        ("@.id != 1", [1, 2]),
        ("@.id >= 2 && @.limit", [2]),
        ("@.id < 2 || @.sub", [0, 1]),
        ("!@.sub", [0, 2]),
        ("!(@.id == 1 || @.sub.v > 4)", [2]),
        ("@.none", [0]),
        ("@.none == null", [0]),
        ("@.ok == true", [0]),
        ("@.ok == 1", []),
        ("@.name == 'ab'", [0]),
        ("@.name == 'a\\'c'", [2]),
        ('@.name == "ab"', [0]),
        ("@['name'] == 'ab'", [0]),
        ("@.name > 'a'", [0, 2]),
        ("@.id > 'a'", []),
        ("@.name =~ /a./", [0]),
        ("@.name =~ /a./i", [0, 1]),
        ("@.name in ['ab', 'AC']", [0, 1]),
        ("@.id in $.ids", [0]),
        ("@.id nin $.ids", [1, 2]),
        ("@.id == $.wanted", [1, 2]),
        ("@.tags contains 'x'", [0]),
        ("@.tags empty true", [1]),
        ("@.tags size 2", [0]),
        ("@.tags.length() == 2", [0]),
        ("@.tags subsetof ['x', 'y', 'z']", [0, 1]),
        ("@.tags anyof ['x']", [0]),
        ("@.tags noneof ['x']", [1]),
        ("@.missing == 1", []),
        ("@.missing != 1", [0, 1, 2]),
        ("@.tags[0] == 'x'", [0]),
        ("@..v contains 5", [1]),
    ],
)
def test_filters(condition: Any, expected: Any) -> None:
    assert ids(condition) == expected


@pytest.mark.parametrize(
    "condition",
    [
        "",
        "@.a ==",
        "@.a = 1",
        "@.a like 1",
        "(@.a",
        "@.a == 1)",
        "@.a =~ x",
        "@.a =~ /(/",
        "@.a &&",
        "1 2",
    ],
)
def test_broken_filters_are_refused(condition: Any) -> None:
    with pytest.raises(PathSyntaxError):
        compile_path(f"$.items[?({condition})]")


def test_an_object_is_itself_asked() -> None:
    path = compile_path("$.sub[?(@.v == 5)].v")

    assert path.read(environment(), Payload.of_value(ITEMS[1])) == [5]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$['wanted','ids']", {"wanted": 2, "ids": [1, 3]}),
        ("$.items[*]['id','limit']", [{"id": 1}, {"id": 2}, {"id": 2.0, "limit": 2}]),
        ("$.items.[0].id", 1),
        ("$.items[-2:].id", [2, 2.0]),
        ("$.items[::2].id", [1, 2.0]),
        ("$..[0]", [ITEMS[0], "x", 1]),
        ("$..v", [5]),
        ("$.ids.*", [1, 3]),
    ],
)
def test_unions_slices_and_descents(text: str, expected: Any) -> None:
    assert (
        compile_path(text).read(environment(), Payload.of_value(DOCUMENT)) == expected
    )


def test_a_search_is_bounded() -> None:
    document: Any = [[[list(range(30))] * 30] * 30]
    path = compile_path("$..*..*..*..*")

    with pytest.raises(StatesError):
        path.read(environment(), Payload.of_value(document))


def test_a_filter_within_a_search_shares_its_bound() -> None:
    document: Any = [{"a": list(range(500))} for _ in range(1000)]

    with pytest.raises(StatesError):
        compile_path("$[?(@..* contains 9)]").read(
            environment(), Payload.of_value(document)
        )


def test_no_pattern_stalls() -> None:
    path = compile_path("$[?(@.a =~ /(a+)+b/)]")

    assert path.read(environment(), Payload.of_value([{"a": "a" * 5000}])) == []
