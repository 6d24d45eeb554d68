"""Whole workflows of odd shapes, to be drawn: large ones, nested ones, loops, long names."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

ARN: Final = "arn:aws:lambda:us-east-1:123456789012:function:"


def passing(*names: str) -> dict[str, Any]:
    """Return a chain of Pass states."""
    states = {
        name: {"Type": "Pass", "Next": following} for name, following in pairwise(names)
    }
    return {"StartAt": names[0], "States": {**states, names[-1]: _LAST}}


_LAST: Final = {"Type": "Succeed"}


def nested(depth: int) -> dict[str, Any]:
    """Return Parallel states within Map states within Parallel states ..."""
    inner: dict[str, Any] = passing("innermost")
    for level in range(depth):
        name = f"level-{level}"
        work = (
            {"ItemProcessor": inner}
            if level % 2
            else {"Branches": [inner, passing(f"b{level}")]}
        )
        kind = "Map" if level % 2 else "Parallel"
        inner = {"StartAt": name, "States": {name: {"Type": kind, "End": True, **work}}}
    return inner


def rules(count: int) -> dict[str, Any]:
    """Return a Choice of many rules, in turns to many states and to one."""
    choices = [
        {
            "Variable": f"$.number{n}",
            "NumericEquals": n,
            "Next": f"to-{n}" if n % 2 else "to-all",
        }
        for n in range(count)
    ]
    targets = {choice["Next"]: _LAST for choice in choices}
    choice = {"Type": "Choice", "Choices": choices, "Default": "to-all"}
    return {"StartAt": "Choose", "States": {"Choose": choice, **targets}}


def loops(count: int) -> dict[str, Any]:
    """Return states that lead forwards, backwards and to themselves."""
    states: dict[str, Any] = {}
    for n in range(count):
        here, after, before = f"s{n}", f"s{min(n + 1, count)}", f"s{max(0, n - 3)}"
        states[here] = {
            "Type": "Task",
            "Resource": f"{ARN}work",
            "Retry": [{"ErrorEquals": ["States.ALL"]}],
            "Catch": [
                {"ErrorEquals": ["Again"], "Next": before},
                {"ErrorEquals": ["Same"], "Next": here},
                {"ErrorEquals": ["States.ALL"], "Next": "Failed"},
            ],
            "Next": after,
        }
    states[f"s{count}"] = _LAST
    states["Failed"] = {"Type": "Fail", "Error": "E" * 300}
    return {"StartAt": "s0", "States": states}


ODD_NAMES: Final = (
    "W" * 80,
    "i" * 80,
    "日本語の状態" * 13,
    "with many short words " * 3,
    "camelCaseWithoutAnyBlankInIt" * 2,
    "😀" * 40,
    'a<b>&"c" \' # ;',
    "\x01\x1f",
    " ",
)
EMPTY: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"States": {}},
    {"StartAt": "A", "States": {"A": {}}},
    {"StartAt": "nothing", "States": {"A": {"Type": "Nothing", "Next": "B"}, "B": 1}},
    {"States": {"A": {"Type": "Parallel", "Branches": []}, "M": {"Type": "Map"}}},
    {"States": {"M": {"Type": "Map", "ItemProcessor": {}}}},
)
