"""Every operation under hostile requests: always an answer, and never a failure of ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api import errors
from api.model import api_model
from api.operations import OPERATIONS
from tests.wire.raw import call

COMMON = {
    "AccessDeniedException",
    "SerializationException",
    "ValidationException",
    "RequestEntityTooLargeException",
}
HEAD = "arn:aws:states:us-east-1:123456789012"
ARNS = st.sampled_from(
    [
        f"{HEAD}:stateMachine:m",
        f"{HEAD}:stateMachine:m:1",
        f"{HEAD}:stateMachine:m:99999999999999999999",
        f"{HEAD}:stateMachine:m:live",
        f"{HEAD}:stateMachine:m/label",
        f"{HEAD}:execution:m:n",
        f"{HEAD}:execution:m/label:n",
        f"{HEAD}:activity:a",
        f"{HEAD}:mapRun:m/label:1",
        f"{HEAD}:stateMachine:\x00",
        "arn:aws:iam::123456789012:role/r",
        "arn:",
        "arn:aws:states:::::::",
    ]
)
TEXTS = st.one_of(
    st.text(max_size=40),
    ARNS,
    st.sampled_from(
        ["{}", "[]", "NaN", '"\x00"', "a" * 300, "🜚", "INITIAL", "{" * 600]
    ),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)
    ),
    max_leaves=6,
)


def values_of(shape_name: str) -> st.SearchStrategy[Any]:
    """Mostly values that the shape allows, so that requests get past the first check."""
    shape = api_model().shapes[shape_name]
    if shape.enum:
        return st.sampled_from(shape.enum)
    match shape.type:
        case "string":
            return ARNS if "Arn" in shape_name else TEXTS
        case "integer" | "long":
            return st.integers(-1, 1_001)
        case "boolean":
            return st.booleans()
        case "list":
            return st.lists(values_of(str(shape.item)), max_size=3)
        case "structure":
            return members_of(shape_name)
        case _:
            return SCALARS


def members_of(shape_name: str) -> st.SearchStrategy[dict[str, Any]]:
    shape = api_model().shapes[shape_name]
    likely = {name: values_of(inner) for name, inner in shape.members.items()}
    required = {name: likely[name] for name in shape.required}
    optional = {name: likely[name] for name in likely if name not in required}
    return st.fixed_dictionaries(required, optional=optional)


@st.composite
def requests(draw: st.DrawFn, operation: str) -> Any:
    """Draw a request, and spoil it now and then."""
    request = draw(members_of(api_model().operations[operation].request))
    for member in list(request):
        if draw(st.integers(0, 9)) == 0:
            request[member] = draw(JSON)
    return draw(JSON) if draw(st.integers(0, 19)) == 0 else request


@pytest.mark.parametrize("operation", [row.name for row in OPERATIONS])
def test_hostile_requests_get_an_answer(operation: str, endpoint: str) -> None:
    allowed = COMMON | api_model().operations[operation].errors

    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(request=requests(operation))
    def attack(request: Any) -> None:
        answer = call(endpoint, operation, json.dumps(request))

        assert answer.status < 500, answer.body
        if answer.status != 200:
            name = answer.body["__type"]
            assert hasattr(errors, name)
            assert name in allowed, answer.body

    attack()
