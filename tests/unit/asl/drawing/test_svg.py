"""The markup: what a browser, a console and a screen reader find in it."""

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from asl.drawing.svg import render_svg
from tests.support.workflows import EMPTY, ODD_NAMES, loops, nested, passing, rules

SVG = "{http://www.w3.org/2000/svg}"
ONE: dict[str, Any] = {
    "StartAt": "Is it free?",
    "States": {
        "Is it free?": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.n", "NumericGreaterThan": 0, "Next": "Take/it"}
            ],
            "Default": "Sorry",
        },
        "Take/it": {
            "Type": "Task",
            "Resource": "arn:aws:lambda:us-east-1:123456789012:function:take",
            "Catch": [{"ErrorEquals": ["Gone"], "Next": "Sorry"}],
            "Retry": [{"ErrorEquals": ["Busy"]}],
            "End": True,
        },
        "Sorry": {"Type": "Fail", "Error": "NoLuck"},
    },
}


def drawn(definition: dict[str, Any], title: str = "title") -> ElementTree.Element:
    return ElementTree.fromstring(render_svg(definition, title))


def of_class(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [e for e in root.iter() if name in (e.get("class") or "").split()]


def test_a_state_is_a_group_to_set_classes_on() -> None:
    (task,) = of_class(drawn(ONE), "sw-task")

    assert task.get("data-state") == "Take/it"
    assert task.get("id") == "sw/States/Take~1it"
    assert [text.text for text in task.iter(f"{SVG}text")] == ["Take/it", "Task · take"]
    assert len(of_class(task, "sw-retry")) == 1


def test_an_arrow_has_the_class_of_its_kind_and_both_its_ends() -> None:
    arrows = of_class(drawn(ONE), "sw-arrow")

    kinds = {
        (a.get("class"), a.get("data-source"), a.get("data-target")) for a in arrows
    }
    assert kinds == {
        ("sw-arrow sw-start", "Start", "Is it free?"),
        ("sw-arrow sw-choice", "Is it free?", "Take/it"),
        ("sw-arrow sw-default", "Is it free?", "Sorry"),
        ("sw-arrow sw-catch", "Take/it", "Sorry"),
        ("sw-arrow sw-end", "Take/it", "End"),
        ("sw-arrow sw-end", "Sorry", "End"),
    }


def test_it_is_told_in_words_too() -> None:
    root = drawn(ONE, "orders: takes <orders>")

    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "orders: takes <orders>"
    assert root.findtext(f"{SVG}desc") == (
        "Is it free? (Choice): if $.n > 0 to Take/it; otherwise Default to Sorry. "
        "Take/it (Task): on Gone to Sorry. Sorry (Fail)."
    )


def test_types_differ_by_their_marks_and_not_in_colour_only() -> None:
    types = ("Task", "Pass", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map", 5)
    root = drawn({"States": {f"s{kind}": {"Type": kind} for kind in types}})

    marks = {icon.get("d") for icon in of_class(root, "sw-icon")}
    assert len(marks) == len(types)


def test_it_follows_the_readers_theme() -> None:
    style = drawn(ONE).findtext(f"{SVG}style") or ""

    assert "prefers-color-scheme: dark" in style
    for name in set(re.findall(r"var\((--sw-\w+)\)", style)):
        assert style.count(f"{name}:") == 2, name


@pytest.mark.parametrize(
    "definition",
    [*EMPTY, passing(*ODD_NAMES), nested(45), rules(30), loops(10)],
    ids=lambda definition: str(definition)[:20],
)
def test_any_workflow_is_well_formed(definition: dict[str, Any]) -> None:
    root = drawn(definition, "\x00 ]]> & <")

    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert float(root.get("width", "0")) > 0
