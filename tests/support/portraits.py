"""What an execution looks like, as plain values: two are equal when their portraits are.

Everything of the folded state is in it, in its order, payloads as their texts. Left out is
what belongs to the live object alone: what it has changed since its last commit, and the
ledger of its payloads.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from asl.payload import Payload
from runtime.execution import Execution

_OF_THE_LIVE_OBJECT = frozenset(
    {
        "ledger",
        "opened_timers",
        "closed_timers",
        "opened_tasks",
        "changed_tasks",
        "closed_tasks",
        "opened_map_runs",
        "redriven_map_runs",
        "closed_map_runs",
    }
)
_FIELDS: dict[type, tuple[str, ...]] = {}


def portrait(execution: Execution) -> dict[str, Any]:
    """Return all of an execution that its log must yield."""
    return {name: _plain(getattr(execution, name)) for name in _fields(Execution)}


def difference(one: Execution, other: Execution) -> dict[str, Any]:
    """Return the fields in which two executions differ, with both values."""
    first, second = portrait(one), portrait(other)
    return {
        name: (first[name], second[name])
        for name in first
        if first[name] != second[name]
    }


def _fields(cls: type[Any]) -> tuple[str, ...]:
    known = _FIELDS.get(cls)
    if known is None:
        names = [field.name for field in fields(cls)]
        known = tuple(name for name in names if name not in _OF_THE_LIVE_OBJECT)
        _FIELDS[cls] = known
    return known


def _plain(value: Any) -> Any:
    cls = type(value)
    if cls in (int, str, bool, float) or value is None:
        return value
    if cls is Payload:
        return ("payload", value.text)
    if cls is dict:
        return [(_plain(key), _plain(inner)) for key, inner in value.items()]
    if cls in (list, tuple):
        return [_plain(inner) for inner in value]
    if is_dataclass(value):
        return {name: _plain(getattr(value, name)) for name in _fields(cls)}
    return value.value if isinstance(value, Enum) else value
