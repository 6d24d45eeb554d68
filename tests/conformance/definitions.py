"""The definitions that the cases carry, those in requests too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from tests.conformance.cases import own_cases, recorded_cases

_KINDS: Final = (
    "execution",
    "express_sync",
    "express_async",
    "io_table",
    "test_state",
    "api",
    "api_error",
)


def definitions() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every definition that is an object with states, once, with its case's name."""
    seen = set()
    for case in (*own_cases(*_KINDS), *recorded_cases(*_KINDS)):
        for text in _texts(case.data):
            definition = _parsed(text)
            if definition is not None and text not in seen:
                seen.add(text)
                yield case.name, definition


def _texts(data: dict[str, Any]) -> Iterator[str]:
    holders = [data, *data.get("runs", ()), data.get("request", {})]
    holders += [step.get("request", {}) for step in data.get("steps", ())]
    for holder in holders:
        found = holder.get("definition") if isinstance(holder, dict) else None
        if found is not None:
            yield found if isinstance(found, str) else json.dumps(found)


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        definition = json.loads(text)
    except ValueError:
        return None
    return definition if isinstance(definition, dict) else None
