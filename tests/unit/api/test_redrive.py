from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from api.redrive import redrive_status
from storage.listings import ExecutionRecord

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
    }
    return ExecutionRecord(**values | changes)


@pytest.mark.parametrize("status", ["FAILED", "ABORTED", "TIMED_OUT"])
def test_what_failed_lately_is_redrivable(status: str) -> None:
    assert redrive_status(record(status=status), NOW) == {"redriveStatus": "REDRIVABLE"}


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
            "Execution max open time exceeded",
        ),
    ],
)
def test_what_is_not_redrivable_says_why(changes: dict[str, Any], reason: str) -> None:
    assert redrive_status(record(**changes), NOW) == {
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": reason,
    }
