"""A log as the public API shows it, and the black-box checker of such histories.

The checker is a program of its own, kept beside the repository: STEPWELL_CHECKER names it,
else it is looked for at ../shared/check_history.py. Where it is not, its tests are skipped.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from api.history import history_event
from asl.jsontext import loads
from runtime import events as ev
from runtime.execution import Execution
from storage.codec import encode
from storage.histories import EventRow

Checker: TypeAlias = Callable[[list[dict[str, Any]], Any, dict[str, Any]], list[Any]]
_ROOT = Path(__file__).parents[2]
_BESIDE = _ROOT.parent / "shared" / "check_history.py"


def public_history(log: Sequence[ev.HistoryEvent]) -> list[dict[str, Any]]:
    """Return the events as GetExecutionHistory does."""
    return [history_event(_stored(event, log)) for event in log]


def _stored(event: ev.HistoryEvent, log: Sequence[ev.HistoryEvent]) -> EventRow:
    row = encode(event)
    details: Any = None if row.details is None else loads(row.details)
    entered = log[event.visit - 1] if event.visit else None
    name = entered.name if isinstance(entered, ev.StateEntered) else None
    return EventRow(
        event_id=row.event_id,
        previous_id=row.previous_id,
        type=ev.EVENT_TYPES[row.type - 1],
        time=row.time,
        scope=row.scope,
        visit=row.visit,
        state_name=name,
        data=None if event.payload is None else event.payload.text,
        data_from=row.data_from,
        details=details,
        memo=row.memo,
    )


def description(execution: Execution) -> dict[str, Any]:
    """Return the execution as DescribeExecution does, as far as the checker asks."""
    shown: dict[str, Any] = {
        "status": execution.status.value,
        "input": execution.input.text,
        "output": execution.output and execution.output.text,
        "startDate": execution.started and execution.started.timestamp(),
        "stopDate": execution.stopped and execution.stopped.timestamp(),
        "error": execution.error,
        "cause": execution.cause,
    }
    return {name: value for name, value in shown.items() if value is not None}


@cache
def checker_path() -> Path | None:
    """Find the checker."""
    path = Path(os.environ.get("STEPWELL_CHECKER") or _BESIDE)
    return path if path.is_file() else None


@cache
def _checker(path: Path) -> Checker:
    specification = importlib.util.spec_from_file_location("check_history", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    check: Checker = module.check
    return check


def findings(
    definition: Any, execution: Execution, log: Sequence[ev.HistoryEvent]
) -> list[str]:
    """Return what the checker finds wrong; skip the test where there is no checker."""
    path = checker_path()
    if path is None:
        pytest.skip(
            f"NO CHECKER: neither STEPWELL_CHECKER nor {_BESIDE} names check_history.py"
        )
    found = _checker(path)(public_history(log), definition, description(execution))
    return [str(finding) for finding in found]
