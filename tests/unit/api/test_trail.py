from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from api.access.callers import ANYBODY, Caller
from api.arns import Site
from api.context import Api
from api.requests import (
    DescribeExecution,
    SendTaskSuccess,
    StartExecution,
    StopExecution,
)
from api.trail import note_change
from runtime.tokens import TokenSigner

EXECUTION = "6ba7b811-9dad-51d1-80b4-00c04fd430c8"
ARN = "arn:aws:states:us-east-1:123456789012:execution:orders:order-1"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:orders"
TOKENS = TokenSigner({7: b"k" * 32}, "1")
API = cast(
    "Api",
    SimpleNamespace(
        site=Site(account="123456789012", region="us-east-1"), tokens=TOKENS
    ),
)
ADA = Caller(arn="arn:aws:iam::123456789012:user/ada", key_id="SWKADA")
STOP = StopExecution(execution_arn=ARN)


def noted(caller: Caller, request: Any) -> list[Any]:
    with capture_logs() as logs:
        note_change(type(request).__name__, API, caller, request)
    return logs


def test_an_answered_task_names_who_answered_and_where_it_is_in_the_log() -> None:
    token = TOKENS.sign(12, EXECUTION, 4)

    (line,) = noted(ADA, SendTaskSuccess(task_token=token, output='"secret"'))

    assert line == {
        "event": "change granted",
        "log_level": "info",
        "operation": "SendTaskSuccess",
        "caller": ADA.arn,
        "key": "SWKADA",
        "execution_id": EXECUTION,
        "scheduled_event_id": 4,
    }


def test_any_other_change_names_what_was_changed() -> None:
    (line,) = noted(ADA, STOP)

    assert (line["operation"], line["resource"]) == ("StopExecution", ARN)


@pytest.mark.parametrize(
    ("caller", "request_"),
    [
        (ANYBODY, STOP),
        (ADA, DescribeExecution(execution_arn=ARN)),
        (ADA, StartExecution(state_machine_arn=MACHINE)),
    ],
    ids=["nobody known", "a look", "a start"],
)
def test_everything_else_leaves_no_line(caller: Caller, request_: Any) -> None:
    assert noted(caller, request_) == []
