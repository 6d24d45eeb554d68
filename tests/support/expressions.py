"""Environments and single states for tests of the language."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from asl.model import Environment, Machine
from asl.parse import parse_machine
from asl.payload import Payload

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
CONTEXT: dict[str, Any] = {
    "Execution": {"Name": "order-1", "Input": {"amount": 7}},
    "StateMachine": {"Id": "arn:machine", "Name": "orders"},
    "State": {"Name": "Here", "RetryCount": 0},
}


class FixedEntropy:
    """Chance without chance."""

    def random(self) -> float:
        return 0.5

    def uuid(self) -> str:
        return "5d3bd1f4-5f0e-4d7e-9d5c-0f3c2f6d1e11"


def environment(
    value: Any = None,
    *,
    result: Any = ...,
    error: Any = None,
    variables: dict[str, Any] | None = None,
    context: dict[str, Any] | None = None,
) -> Environment:
    shown = CONTEXT if context is None else context
    return Environment(
        input=Payload.of_value({} if value is None else value),
        context=lambda: shown,
        variables=variables or {},
        now=NOW,
        entropy=FixedEntropy(),
        result=None if result is ... else Payload.of_value(result),
        error_output=None if error is None else Payload.of_value(error),
    )


def machine_of(state: dict[str, Any], language: str = "JSONPath") -> Machine:
    """Compile a machine whose state Here is given; There ends it."""
    states = {"Here": state, "There": {"Type": "Succeed"}}
    if not leads_on(state):
        del states["There"]
    definition = {"StartAt": "Here", "QueryLanguage": language, "States": states}
    return parse_machine(json.dumps(definition))


def leads_on(state: dict[str, Any]) -> bool:
    return '"There"' in json.dumps(state)


def compiled(state: dict[str, Any], language: str = "JSONPath") -> Any:
    """Compile one state and return it."""
    return machine_of(state, language).regions[0].states["Here"]


def output_of(
    state: dict[str, Any], env: Environment, language: str = "JSONPath"
) -> Any:
    """Compile one state, leave it, and return the output's value."""
    return compiled(state, language).leave(env).output.value
