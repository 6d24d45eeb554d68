"""Pictures of workflows of all shapes: nothing overlaps, and nothing sticks out."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asl.drawing.arrange import arrange
from asl.drawing.picture import Frame
from asl.graph import build_graph
from tests.support.pictures import flaws
from tests.support.workflows import EMPTY, ODD_NAMES, loops, nested, passing, rules

ORDERS = Path(__file__).parents[4] / "examples" / "orders" / "orders.asl.json"
WORKFLOWS = {
    "orders": json.loads(ORDERS.read_text()),
    "odd names": passing(*ODD_NAMES),
    "nested": nested(40),
    "rules": rules(40),
    "loops": loops(25),
    **{f"empty {number}": empty for number, empty in enumerate(EMPTY)},
}


def picture(definition: dict[str, Any]) -> Frame:
    return arrange(build_graph(definition))


@pytest.mark.parametrize("name", WORKFLOWS)
def test_nothing_overlaps_or_sticks_out(name: str) -> None:
    assert list(flaws(picture(WORKFLOWS[name]))) == []


def test_a_thousand_states_that_loop_are_arranged() -> None:
    frame = picture(loops(1000))

    assert len(frame.boxes) == 1004


NAMES = [f"state-{number}" for number in range(7)]
TARGETS = st.sampled_from(NAMES)
LABELS = st.text(st.sampled_from("aW$.( 日i"), min_size=1, max_size=60)
CATCHES = st.lists(
    st.builds(lambda to, e: {"ErrorEquals": [e], "Next": to}, TARGETS, LABELS),
    max_size=3,
)
RULES = st.lists(
    st.builds(lambda to, c: {"Comment": c, "Next": to}, TARGETS, LABELS), max_size=6
)
STATES = st.one_of(
    st.builds(lambda to, c: {"Type": "Task", "Next": to, "Catch": c}, TARGETS, CATCHES),
    st.builds(lambda r, to: {"Type": "Choice", "Choices": r, "Default": to}, RULES, TARGETS),
    st.just({"Type": "Succeed"}),
    st.just({"Type": "Fail", "Error": "Broken"}),
    st.just({"Type": "Map", "ItemProcessor": passing("x", "y"), "End": True}),
    st.just({"Type": "Parallel", "Branches": [passing("p"), passing("q")], "End": True}),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(STATES, min_size=len(NAMES), max_size=len(NAMES)), TARGETS)
def test_any_workflow_is_arranged_without_flaw(states: Any, start: str) -> None:
    definition = {"StartAt": start, "States": dict(zip(NAMES, states, strict=True))}

    assert list(flaws(picture(definition))) == []


def test_edges_of_one_kind_between_two_states_are_one_arrow() -> None:
    frame = picture(rules(12))

    arrows = {
        (arrow.edges[0].target, arrow.edges[0].kind): arrow for arrow in frame.arrows
    }
    to_all = arrows["/States/to-all", "Choice"]  # type: ignore[index]  # a StrEnum equals its text
    assert to_all.label is not None
    assert len(to_all.edges) == 6
    assert [writing.text for writing in to_all.label.writings][-1] == "+ 1 more"
    assert to_all.label.full.count("\n") == 5
