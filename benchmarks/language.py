"""`language`: what the States Language itself costs, in one process and without a database."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from asl.model import ChoiceState, Environment, TaskState
from asl.parse import parse_machine
from asl.payload import Payload
from asl.validate import validate
from cli.lifetime import calm_collector

_STATES: Final = 1000
_ROUNDS: Final = 7
_ARN: Final = "arn:aws:lambda:us-east-1:123456789012:function:work"
_INPUT: Final[dict[str, Any]] = {
    "orderId": "order-1",
    "customer": {"email": "ada@example.org", "tier": "gold"},
    "items": [{"sku": "lamp", "price": 40.5, "quantity": 2}],
    "total": 81,
    "number": 19,
}
_RESULT: Final[dict[str, Any]] = {
    "Payload": {"charge": {"id": "ch-1", "status": "paid"}},
    "Code": 200,
}


class _Entropy:
    """Chance that nobody asks for here."""

    def random(self) -> float:
        return 0.5

    def uuid(self) -> str:
        return ""


def language(count: int) -> dict[str, Any]:
    """Measure parsing and validating, a Choice, a Task's data flow, a JSONata Output."""
    calm_collector()  # as servers do
    text = json.dumps(_thousand())
    assert [f for f in validate(text) if f.severity == "ERROR"] == []
    return {
        "validate_ms": 1e3 * _best(lambda: validate(text), 3),
        "choice_us": 1e6 * _best(_choice(), count),
        "data_flow_us": 1e6 * _best(_data_flow(), count),
        "jsonata_us": 1e6 * _best(_jsonata(), count),
        "definition_bytes": len(text),
    }


def _best(work: Callable[[], object], count: int) -> float:
    """Return the CPU seconds of one call, in the best of some rounds."""
    rounds = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        for _ in range(count):
            work()
        rounds.append((time.process_time() - began) / count)
    return min(rounds)


def _thousand() -> dict[str, Any]:
    """Return a machine of a thousand states of the usual kinds, none of them empty."""
    states = {f"s{n}": _state(n) for n in range(_STATES - 1)}
    return {
        "StartAt": "s0",
        "States": {**states, f"s{_STATES - 1}": {"Type": "Succeed"}},
    }


def _state(n: int) -> dict[str, Any]:
    following = f"s{n + 1}"
    if n % 4 == 0:
        return {
            "Type": "Choice",
            "Choices": [
                {"Variable": f"$.a{n}.b", "NumericGreaterThan": n, "Next": following}
            ],
            "Default": following,
        }
    if n % 4 == 1:
        text = f"States.Format('{{}}-{n}', $.name)"
        return {"Type": "Pass", "Parameters": {"text.$": text}, "Next": following}
    return {
        "Type": "Task",
        "Resource": _ARN,
        "Parameters": {"id.$": f"$.order{n}.id", "total.$": "$.total"},
        "ResultPath": f"$.result{n}",
        "Retry": [{"ErrorEquals": ["States.TaskFailed"], "MaxAttempts": 2}],
        "Next": following,
    }


def _compiled(state: dict[str, Any], query_language: str = "JSONPath") -> Any:
    states = {"Here": state, "There": {"Type": "Succeed"}}
    definition = {"StartAt": "Here", "QueryLanguage": query_language, "States": states}
    return parse_machine(json.dumps(definition)).regions[0].states["Here"]


def _environment() -> Environment:
    return Environment(
        input=Payload.of_value(_INPUT),
        context=lambda: {"Execution": {"Name": "order-1"}},
        variables={},
        now=datetime(2026, 3, 1, tzinfo=UTC),
        entropy=_Entropy(),
        result=Payload.of_value(_RESULT),
        error_output=None,
    )


def _choice() -> Callable[[], object]:
    """Twenty rules of which the last one matches."""
    rules = [
        {"Variable": "$.number", "NumericEquals": n, "Next": "There"} for n in range(20)
    ]
    state = _compiled({"Type": "Choice", "Choices": rules, "Default": "There"})
    assert isinstance(state, ChoiceState)
    environment = _environment()
    return lambda: state.choose(environment)


def _data_flow() -> Callable[[], object]:
    """Parameters with five paths, ResultSelector, ResultPath."""
    state = _compiled(
        {
            "Type": "Task",
            "Resource": _ARN,
            "Parameters": {
                "id.$": "$.orderId",
                "email.$": "$.customer.email",
                "sku.$": "$.items[0].sku",
                "price.$": "$.items[0].price",
                "execution.$": "$$.Execution.Name",
            },
            "ResultSelector": {"charge.$": "$.Payload.charge.id"},
            "ResultPath": "$.payment",
            "Next": "There",
        }
    )
    assert isinstance(state, TaskState)
    environment = _environment()

    def flow() -> None:
        assert state.arguments(environment) is not None
        state.leave(environment)

    return flow


def _jsonata() -> Callable[[], object]:
    """An Output of three expressions, none of which only fetches something."""
    output = {
        "id": "{% $uppercase($states.input.orderId) %}",
        "sum": "{% $sum($states.input.items.(price * quantity)) %}",
        "paid": "{% $states.result.Code = 200 and $states.input.total > 50 %}",
    }
    task = {"Type": "Task", "Resource": _ARN, "Output": output, "Next": "There"}
    state = _compiled(task, "JSONata")
    assert isinstance(state, TaskState)
    environment = _environment()
    return lambda: state.leave(environment)
