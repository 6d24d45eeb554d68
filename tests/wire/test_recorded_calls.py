"""Every recorded sequence of API calls, replayed: the same answers, the same refusals."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.config
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from api.arns import Site
from tests.support.api_server import serve
from tests.support.recordings import ACCOUNT, Replay, recorded_error

CASES = Path(__file__).parents[1] / "conformance" / "cases"
# Cases that do not pass, each with the reason.
NOT_YET = {
    "test_list_map_runs_and_describe_map_run-7df05bce8e": "Map Runs do not exist yet",
    "test_start_sync_execution-5f39fa3f67": "StartSyncExecution does not exist yet",
}


def case_files() -> list[Path]:
    return sorted([*CASES.glob("api/*.json"), *CASES.glob("api_error/*.json")])


@pytest.fixture
def recorded_client(clean_database: str, aws_session: Any) -> Iterator[Any]:
    site = Site(account=ACCOUNT)
    config = botocore.config.Config(
        retries={"max_attempts": 1, "mode": "standard"},
        inject_host_prefix=False,
        parameter_validation=False,
    )
    with serve(clean_database, site) as url:
        client = aws_session.client("stepfunctions", endpoint_url=url, config=config)
        with contextlib.closing(client):
            yield client


@pytest.mark.parametrize("path", case_files(), ids=lambda path: path.stem)
def test_recorded_calls_are_answered_as_recorded(
    path: Path, recorded_client: Any
) -> None:
    case = json.loads(path.read_text("utf-8"))
    if path.stem in NOT_YET:
        pytest.skip(NOT_YET[path.stem])
    replay = Replay()

    for step in case["steps"]:
        recorded = [entry["recorded"] for entry in step.get("recorded") or ()]
        if step.get("expect_error"):
            _expect_refusal(recorded_client, replay, step, recorded)
        else:
            _expect_answer(recorded_client, replay, step, recorded)


def _call(client: Any, replay: Replay, step: Any, expected: object) -> Any:
    request = replay.request(step["request"], expected)
    return getattr(client, xform_name(step["operation"]))(**request)


def _expect_answer(client: Any, replay: Replay, step: Any, recorded: list[Any]) -> None:
    answer = _call(client, replay, step, None)

    for entry in recorded:
        if entry is not None:
            assert replay.differences(entry, answer) == []
    if "executionArn" in answer and step["operation"] == "StartExecution":
        replay.note_start(answer["executionArn"])


def _expect_refusal(
    client: Any, replay: Replay, step: Any, recorded: list[Any]
) -> None:
    with pytest.raises(ClientError) as caught:
        _call(client, replay, step, recorded)

    error = caught.value.response["Error"]
    for entry in recorded:
        code, message = recorded_error(entry)
        assert error["Code"] == code
        assert replay.differences(message, error["Message"]) == []
