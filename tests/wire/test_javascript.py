"""The JavaScript SDK against a server: ordinary calls, pages, errors, the host prefix."""

from __future__ import annotations

import pytest

from tests.support.clients import SDK, javascript, require, skip_module_without

skip_module_without(SDK)


@pytest.mark.parametrize(
    ("name", "words"),
    [("127.0.0.1", []), ("localhost", ["--prefixed"])],
    ids=["without the host prefix", "with a host prefix that resolves"],
)
def test_javascript_program_runs(endpoint: str, name: str, words: list[str]) -> None:
    require(SDK)

    seen = javascript(endpoint.replace("127.0.0.1", name), *words)

    packed = {"status": "SUCCEEDED", "output": '{"packed":true}'}
    missing = seen["standard"] + "-2"
    assert seen["started"] is True
    assert seen["described"] == seen["synchronous"] == packed
    assert seen["history"][-1] == "ExecutionSucceeded"
    assert seen["listed"] == ["third", "second", "first"]
    assert seen["tried"] == {"status": "SUCCEEDED", "output": "[2]"}
    assert seen["invalid"] == {"name": "ValidationException"}
    assert seen["refused"] == {
        "name": "StateMachineDoesNotExist",
        "message": f"State Machine Does Not Exist: '{missing}'",
        "fault": "client",
        "status": 400,
    }
