"""From a row of the log to the public HistoryEvent.

Which details a type shows is read from the API model: the member of HistoryEvent that bears
the type's name (all *StateEntered share one, and all *StateExited), and in its shape the
member that takes the event's payload. A type without such a member shows none, and whatever
a row holds beyond its shape stays inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from api.model import ApiModel, api_model
from api.timestamps import epoch
from asl.jsontext import dumps
from runtime.events import EVENT_TYPES
from storage.histories import EventRow

_PAYLOADS: Final = ("input", "output", "parameters")
_VARIABLES: Final = "assignedVariables"


@dataclass(frozen=True, slots=True)
class _Form:
    """How a type shows: under which key, where its payload goes, what else it may show."""

    key: str
    payload: str | None
    has_payload_details: bool
    members: frozenset[str]


@cache
def _forms() -> Mapping[str, _Form | None]:
    model = api_model()
    return {name: _form(model, name) for name in EVENT_TYPES}


def _form(model: ApiModel, type_name: str) -> _Form | None:
    key = _details_key(type_name)
    shape_name = model.shapes["HistoryEvent"].members.get(key)
    if shape_name is None:
        return None
    members = model.shapes[shape_name].members
    payload = next((name for name in _PAYLOADS if name in members), None)
    return _Form(
        key=key,
        payload=payload,
        has_payload_details=f"{payload}Details" in members,
        members=frozenset(members),
    )


def _details_key(type_name: str) -> str:
    for suffix in ("StateEntered", "StateExited"):
        if type_name.endswith(suffix):
            return f"s{suffix[1:]}EventDetails"
    return f"{type_name[0].lower()}{type_name[1:]}EventDetails"


def history_event(row: EventRow) -> dict[str, Any]:
    """Return the public event."""
    event = _head(row)
    form = _forms()[row.type]
    if form is not None:
        event[form.key] = {**_details(form, row), **_data(form, row)}
    return event


def history_event_without_data(row: EventRow) -> dict[str, Any]:
    """Return the public event with neither payload nor variables."""
    event = _head(row)
    form = _forms()[row.type]
    if form is not None:
        event[form.key] = _details(form, row)
    return event


def _head(row: EventRow) -> dict[str, Any]:
    return {
        "timestamp": epoch(row.time),
        "type": row.type,
        "id": row.event_id,
        "previousEventId": row.previous_id,
    }


def _details(form: _Form, row: EventRow) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if row.details is not None:
        shown = {
            name: value
            for name, value in row.details.items()
            if name in form.members and name != _VARIABLES
        }
    if row.state_name is not None and "name" in form.members:
        shown["name"] = row.state_name
    return shown


def _data(form: _Form, row: EventRow) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if form.payload is not None and row.data is not None:
        shown[form.payload] = row.data
        if form.has_payload_details:
            shown[f"{form.payload}Details"] = {"truncated": False}
    variables = (row.details or {}).get(_VARIABLES)
    if isinstance(variables, dict):
        shown[_VARIABLES] = {name: dumps(value) for name, value in variables.items()}
        shown[f"{_VARIABLES}Details"] = {"truncated": False}
    return shown
