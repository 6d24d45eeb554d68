"""Trials of one state, as tests write them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from asl.payload import Payload
from runtime.chance import SeededEntropy
from runtime.teststate.mocks import MockedError, MockedResult
from runtime.teststate.run import run_trial
from runtime.teststate.subject import Subject, find_subject
from runtime.teststate.trial import Trial, TrialResult

NOW = datetime(2025, 1, 1, tzinfo=UTC)
INVOKE = "arn:aws:states:::lambda:invoke"
PROCESSOR = {"StartAt": "Each", "States": {"Each": {"Type": "Pass", "End": True}}}


def subject(name: str | None = None, **definition: Any) -> Subject:
    """Find the state under test in a definition."""
    return find_subject(json.dumps(definition), name)


def task(**fields: Any) -> Subject:
    """Return a Task in JSONPath."""
    return subject(Type="Task", Resource=INVOKE, End=True, **fields)


def each(**fields: Any) -> Subject:
    """Return a distributed Map in JSONPath."""
    processor = {**PROCESSOR, "ProcessorConfig": {"Mode": "DISTRIBUTED"}}
    processor["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    return subject(Type="Map", ItemProcessor=processor, End=True, **fields)


def tried(
    state: Subject,
    given: Any = None,
    *,
    result: Any = None,
    error: str | None = None,
    **more: Any,
) -> TrialResult:
    """Try a state with an input and with what its work is said to come to."""
    mock: MockedResult | MockedError | None = None
    if error is not None:
        mock = MockedError(error, "told so")
    elif result is not None:
        mock = MockedResult(Payload.of_value(result))
    return run_trial(
        Trial(
            subject=state,
            input=Payload.of_value({} if given is None else given),
            now=NOW,
            entropy=SeededEntropy(b"seed"),
            mock=mock,
            **{"context": {}, "variables": {}, **more},
        )
    )


def stages(found: TrialResult) -> dict[str, Any]:
    """Return the stages that are shown, as values."""
    return {name: made.value for name, made in found.inspection.stages.items()}
