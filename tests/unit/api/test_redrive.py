from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from api.redrive import redrive_status
from storage.listings import ExecutionRecord

ACTIVE = SimpleNamespace(is_deleting=False)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def record(**changes: Any) -> ExecutionRecord:
    values: dict[str, Any] = {
        "execution_id": "e",
        "revision_id": UUID(int=1),
        "start_date": NOW - timedelta(days=2),
        "stop_date": NOW - timedelta(days=1),
        "redrive_date": None,
        "shard": 1,
        "generation": 1,
        "last_event_id": 10,
        "redrive_count": 0,
        "arn": "arn",
        "name": "n",
        "state_machine_arn": "m",
        "status": "FAILED",
        "version_arn": None,
        "alias_arn": None,
        "map_run_arn": None,
        "trace_header": None,
        "item_count": None,
    }
    return ExecutionRecord(**values | changes)


@dataclass(frozen=True, slots=True)
class Machines:
    """One machine, or none."""

    machine: Any

    async def get(self, _arn: str) -> Any:
        return self.machine


def shown(machine: Any = ACTIVE, **changes: Any) -> dict[str, str]:
    """Return what the description of an execution says of redrives."""
    api: Any = SimpleNamespace(
        clock=SimpleNamespace(now=lambda: NOW), machines=Machines(machine)
    )
    return asyncio.run(redrive_status(api, record(**changes)))


@pytest.mark.parametrize("status", ["FAILED", "ABORTED", "TIMED_OUT"])
def test_what_failed_lately_is_redrivable(status: str) -> None:
    assert shown(status=status) == {"redriveStatus": "REDRIVABLE"}


def test_a_child_of_a_map_run_is_redrivable_by_that() -> None:
    assert shown(map_run_arn="run") == {"redriveStatus": "REDRIVABLE_BY_MAP_RUN"}


@pytest.mark.parametrize("machine", [None, SimpleNamespace(is_deleting=True)])
def test_what_ran_a_machine_that_goes_is_not_redrivable(machine: Any) -> None:
    assert shown(machine) == {
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": "State machine is in DELETING status",
    }


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "SUCCEEDED"}, "Execution is SUCCEEDED and cannot be redriven"),
        (
            {"status": "RUNNING", "stop_date": None},
            "Execution is RUNNING and cannot be redriven",
        ),
        (
            {"stop_date": NOW - timedelta(days=14, seconds=1)},
            "Execution redrivable period exceeded",
        ),
        ({"last_event_id": 24_999}, "Execution history event limit exceeded"),
        (
            {"start_date": NOW - timedelta(days=366)},
            "Execution has exceeded the max execution time",
        ),
    ],
)
def test_what_is_not_redrivable_says_why(changes: dict[str, Any], reason: str) -> None:
    assert shown(**changes) == {
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": reason,
    }
