"""Lines and columns of what JSON pointers name."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.jsonplaces import json_places
from cli.places import Lines, Place, nearest

TEXT = """{
  "StartAt": "A",
  "States": {"A": {"Type": "Pass", "a/b": [1, {"x":2}, [ ]], "Next": "B"},
    "A~": {"Type" :
        "Fail"}, "B": 1, "B": 2}
}
"""
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        ("", Place(1, 1)),
        ("/StartAt", Place(2, 3)),
        ("/States/A/a~1b/1/x", Place(3, 48)),
        ("/States/A/a~1b/2", Place(3, 56)),
        ("/States/A~0/Type", Place(4, 12)),
        ("/States/B", Place(5, 26)),
    ],
)
def test_a_pointer_has_a_place(pointer: str, place: Place) -> None:
    assert json_places(TEXT, [pointer])[pointer] == place


def test_what_has_no_place_is_where_its_parent_is() -> None:
    places = json_places(TEXT, ["/States/A/Missing"])

    assert nearest("/States/A/Missing/0", places) == Place(3, 14)


def test_a_wanted_place_does_not_cost_a_look_at_the_rest() -> None:
    text = json.dumps({"big": list(range(200_000)), "last": {"x": 1}})

    assert set(json_places(text, ["/last/x"])) == {"", "/big", "/last", "/last/x"}


@given(VALUES, st.sampled_from([None, 1]))
def test_every_member_is_found_where_it_stands(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    pointers = dict(members(value, ""))

    places = json_places(text, pointers)

    starts = [0, *(at + 1 for at, character in enumerate(text) if character == "\n")]
    for pointer, shown in pointers.items():
        place = places[pointer]
        assert text.startswith(shown, starts[place.line - 1] + place.column - 1)


def members(value: Any, pointer: str) -> Any:
    """Yield pointers, each with the text that stands at its place."""
    if isinstance(value, dict):
        for name, inner in value.items():
            step = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
            yield step, json.dumps(name)
            yield from members(inner, step)
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield f"{pointer}/{index}", json.dumps(inner)[:1]
            yield from members(inner, f"{pointer}/{index}")


def test_offsets_become_lines_and_columns() -> None:
    lines = Lines("ab\n\nc")

    assert [lines.place(at) for at in (0, 2, 3, 4)] == [
        Place(1, 1),
        Place(1, 3),
        Place(2, 1),
        Place(3, 1),
    ]
