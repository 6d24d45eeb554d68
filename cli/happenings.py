"""A history as a person reads it: each event with its state, and the gist of its details.

Made from what GetExecutionHistory answers. Only the events that enter and exit a state name
it; those of its task are led back to it along their links.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from cli.tables import shortened, table

_OF_A_TASK: Final = ("Task", "LambdaFunction", "Activity", "EvaluationFailed")
_PAYLOADS: Final = ("input", "output", "parameters")
_LONGEST: Final = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One event; `seconds` counts from the start of the execution."""

    id: int
    seconds: float
    type: str
    state: str
    gist: str


def happenings(events: Iterable[dict[str, Any]]) -> Iterator[Happening]:
    """Tell a history from its first event on."""
    states: dict[int, str] = {}
    began: float | None = None
    for event in events:
        began = event["timestamp"] if began is None else began
        details = details_of(event)
        states[event["id"]] = state = _state(event, details, states)
        yield Happening(
            id=event["id"],
            seconds=event["timestamp"] - began,
            type=event["type"],
            state=state,
            gist=gist(details),
        )


def history_table(events: Iterable[dict[str, Any]], *, indent: str = "") -> str:
    """Return a history as a table."""
    return table(
        ("id", "after", "type", "state", "details"),
        (
            (told.id, f"{told.seconds:8.3f} s", told.type, told.state, told.gist)
            for told in happenings(events)
        ),
        indent=indent,
    )


def details_of(event: dict[str, Any]) -> dict[str, Any]:
    """Return the details of an event, whatever the member is that holds them."""
    found = (value for name, value in event.items() if name.endswith("EventDetails"))
    details: dict[str, Any] = next(found, {})
    return details


def gist(details: dict[str, Any]) -> str:
    """Return what matters of an event's details, on one line."""
    if "error" in details or "cause" in details:
        return _failure(details)
    function = function_of(details)
    if function:
        return function
    for name in _PAYLOADS:
        if name in details:
            return shortened(str(details[name]), _LONGEST)
    if "length" in details or "index" in details:
        return ", ".join(
            f"{k} {details[k]}" for k in ("name", "length", "index") if k in details
        )
    if "redriveCount" in details:
        return f"redrive {details['redriveCount']}"
    return ""


def message_of(cause: str) -> str:
    """Return the message in the cause that a function's exception leaves."""
    document = _exception(cause)
    return str(document["errorMessage"]) if "errorMessage" in document else cause


def stack_of(cause: str) -> str:
    """Return the stack trace in that cause; empty where there is none."""
    lines = _exception(cause).get("stackTrace")
    if not isinstance(lines, list):
        return ""
    return "".join(line for line in lines if isinstance(line, str)).rstrip()


def _exception(cause: str) -> dict[str, Any]:
    try:
        document = json.loads(cause)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def function_of(details: dict[str, Any]) -> str:
    """Return the name of the function that a task calls; empty where it calls none."""
    resource = str(details.get("resource", ""))
    if ":function:" in resource:
        return resource.partition(":function:")[2]
    if details.get("resourceType") == "lambda" and "parameters" in details:
        parameters = json.loads(details["parameters"])
        name = parameters.get("FunctionName", "")
        return str(name).rpartition(":function:")[2] or str(name)
    return ""


def _failure(details: dict[str, Any]) -> str:
    error = str(details.get("error") or "")
    message = message_of(str(details.get("cause") or ""))
    return shortened(": ".join(part for part in (error, message) if part), _LONGEST)


def _state(
    event: dict[str, Any], details: dict[str, Any], states: dict[int, str]
) -> str:
    kind: str = event["type"]
    if kind.endswith(("StateEntered", "StateExited")):
        return str(details.get("name", ""))
    if kind.startswith(_OF_A_TASK):
        return states.get(event["previousEventId"], "")
    return ""
