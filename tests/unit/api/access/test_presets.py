from __future__ import annotations

import pytest

from api.access.actions import known_actions
from api.access.presets import PRESETS, preset_policy

ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:orders"


def allowed(preset: str) -> set[str]:
    policy = preset_policy(preset)
    return {action for action in known_actions() if policy.allows(action, ARN)}


def test_an_admin_may_do_everything() -> None:
    assert allowed("admin") == known_actions()


def test_a_starter_starts_and_looks_at_what_was_started() -> None:
    assert allowed("starter") == {
        "states:StartExecution",
        "states:StartSyncExecution",
        "states:DescribeExecution",
    }


def test_a_worker_takes_tasks_and_answers_them() -> None:
    assert allowed("worker") == {
        "stepwell:ClaimTasks",
        "states:GetActivityTask",
        "states:SendTaskSuccess",
        "states:SendTaskFailure",
        "states:SendTaskHeartbeat",
    }


@pytest.mark.parametrize("preset", sorted(PRESETS.keys() - {"admin"}))
def test_nobody_but_an_admin_changes_machines_or_passes_roles(preset: str) -> None:
    changing = ("Create", "Update", "Delete", "Tag", "Untag", "Publish", "TestState")

    found = {
        name for name in allowed(preset) if name.split(":")[1].startswith(changing)
    }
    assert found <= {"states:UpdateMapRun"}
    assert "iam:PassRole" not in allowed(preset)


@pytest.mark.parametrize("preset", ["auditor", "approver"])
def test_who_looks_on_neither_starts_nor_stops_nor_takes_tasks(preset: str) -> None:
    taboo = ("StartExecution", "StopExecution", "RedriveExecution", "GetActivityTask")

    assert not {f"states:{name}" for name in taboo} & allowed(preset)


def test_an_auditor_answers_no_task_and_reveals_nothing() -> None:
    assert not {name for name in allowed("auditor") if "Send" in name}
    assert "states:RevealSecrets" not in allowed("auditor")
