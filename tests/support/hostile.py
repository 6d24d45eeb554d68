"""Requests drawn from the API model: mostly what an operation takes, spoilt here and there.

A request that is all noise is refused by its first check. So values are drawn from what
their shape allows, at its edges too, ARNs and tokens from what is there; then some are put
in place of others, members are added and left out, and now and then nothing fits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st

from api.model import Shape, api_model

HEAD: Final = "arn:aws:states:us-east-1:123456789012"
BAD_ARNS: Final = (
    f"{HEAD}:stateMachine:none",
    f"{HEAD}:stateMachine:none:1",
    f"{HEAD}:stateMachine:none:99999999999999999999",
    f"{HEAD}:stateMachine:none:\u0661",
    f"{HEAD}:stateMachine:none/label",
    f"{HEAD}:stateMachine:none/:",
    f"{HEAD}:execution:none:n",
    f"{HEAD}:execution:none/label:n",
    f"{HEAD}:express:none:n:00000000-0000-0000-0000-000000000000",
    f"{HEAD}:activity:none",
    f"{HEAD}:mapRun:none/label:1",
    f"{HEAD}:mapRun:none/label:00000000-0000-0000-0000-000000000000",
    f"{HEAD}:stateMachine:\x00",
    f"{HEAD}:stateMachine:\ud800",
    f"{HEAD}:stateMachine:{'a' * 300}",
    "arn:aws:states:eu-west-1:999999999999:stateMachine:order",
    "arn:aws:iam::123456789012:role/r",
    "arn:",
    "arn:aws:states:::::::",
    "",
)
# Texts that stand for JSON, names, times, numbers and worse.
NASTY: Final = (
    "{}",
    "[]",
    "null",
    "NaN",
    '{"a": Infinity}',
    "1" * 4_300,
    "1" * 4_301,
    "\ufeff{}",
    '"\x00"',
    '"\\u0000"',
    '"\\ud800"',
    "\ud800",
    "[" * 499 + "]" * 499,
    "[" * 500 + "]" * 500,
    "[" * 600 + "]" * 600,
    "{" * 600,
    '{"a":' * 501 + "1" + "}" * 501,
    '{"a":1,"a":2}',
    "1e999",
    "-0.0",
    "a" * 81,
    "a" * 300,
    "a" * 2_049,
    "a" * 40_000,
    "\U0001f71a",
    "INITIAL",
    "../../etc/passwd",
    "'; DROP TABLE events; --",
    "%s%(a)s{}",
    "$$.Task.Token",
    "{% $states.input %}",
)
NUMBERS: Final = (0, 1, -1, 100, 1_000, 1_001, 2**31 - 1, 2**31, 2**63, 10**30, 0.5)
PASS: Final = {"Type": "Pass", "End": True}
FIELDS: Final = [
    "Type",
    "Task",
    "Map",
    "Parallel",
    "Choice",
    "Wait",
    "Fail",
    "Succeed",
    "Next",
    "End",
    "Result",
    "Parameters",
    "Arguments",
    "Output",
    "Assign",
    "ItemProcessor",
    "Branches",
    "Choices",
    "Retry",
    "Catch",
    "Seconds",
    "QueryLanguage",
    "JSONata",
    "InputPath",
    "ResultPath",
    "Resource",
    "TimeoutSeconds",
    "A",
]

texts = st.one_of(st.text(max_size=40), st.sampled_from(NASTY))
numbers = st.one_of(st.integers(), st.sampled_from(NUMBERS))
scalars = st.one_of(
    st.none(), st.booleans(), numbers, st.floats(allow_nan=False), texts
)
json_values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)
    ),
    max_leaves=6,
)
state_values = st.recursive(
    st.one_of(scalars, st.sampled_from(FIELDS)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    ),
    max_leaves=8,
)


@dataclass(frozen=True, slots=True)
class There:
    """What is there for requests to be about, by the names of members."""

    arns: tuple[str, ...]
    tokens: tuple[str, ...]

    def of_member(self, name: str) -> st.SearchStrategy[str] | None:
        """Return texts that fit a member by its name, where that says more than its shape."""
        if name.endswith(("Arn", "arn")):
            return st.sampled_from(self.arns * 3 + BAD_ARNS)
        if name == "taskToken":
            return st.sampled_from((*self.tokens, "x", "", "a" * 2_048, "\x00"))
        return definitions() if name == "definition" else None


@st.composite
def definitions(draw: st.DrawFn) -> str:
    """Draw a definition: a machine or a state with some fields of any value."""
    changes = st.dictionaries(st.sampled_from(FIELDS), state_values, max_size=3)
    state = {**PASS, **draw(changes)}
    if draw(st.booleans()):
        return json.dumps(state)
    machine = {"StartAt": "A", "States": {"A": state}}
    return json.dumps({**machine, **draw(changes)})


def values_of(shape: Shape, name: str, there: There) -> st.SearchStrategy[Any]:
    """Draw mostly values that a shape allows, so that requests get past the first check."""
    known = there.of_member(name)
    if known is not None:
        return known
    if shape.enum:
        return st.sampled_from(shape.enum)
    match shape.type:
        case "string":
            return texts
        case "integer" | "long":
            return st.integers(-1, 1_001)
        case "float":
            return st.floats(-1, 101)
        case "boolean":
            return st.booleans()
        case "list":
            item = api_model().shapes[str(shape.item)]
            return st.lists(values_of(item, shape.name, there), max_size=3)
        case "structure":
            return members_of(shape, there)
        case _:
            return scalars


def members_of(shape: Shape, there: There) -> st.SearchStrategy[dict[str, Any]]:
    """Draw a structure with all that it requires and some of the rest."""
    shapes = api_model().shapes
    likely = {
        name: values_of(shapes[inner], name, there)
        for name, inner in shape.members.items()
    }
    required = {name: likely[name] for name in shape.required}
    optional = {name: likely[name] for name in likely if name not in required}
    return st.fixed_dictionaries(required, optional=optional)


@st.composite
def hostile_requests(draw: st.DrawFn, operation: str, there: There) -> Any:
    """Draw a request of an operation, and spoil it now and then."""
    model = api_model()
    shape = model.shapes[model.operations[operation].request]
    request = draw(members_of(shape, there))
    if draw(st.integers(0, 9)) == 0:
        request[draw(st.sampled_from(("unknown", "", "__type", "Name", "\x00")))] = 1
    if draw(st.integers(0, 19)) == 0:
        return draw(json_values)
    return draw(_spoilt(request))


@st.composite
def _spoilt(draw: st.DrawFn, value: Any) -> Any:
    """Put something else in the place of one part in twelve."""
    if draw(st.integers(0, 11)) == 0:
        return draw(json_values)
    if isinstance(value, Mapping):
        return {name: draw(_spoilt(inner)) for name, inner in value.items()}
    if isinstance(value, list):
        return [draw(_spoilt(inner)) for inner in value]
    return value
