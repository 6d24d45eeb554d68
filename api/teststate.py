"""TestState: one state tried with an input and mocks, and nothing stored.

Without a mock the function behind a Task is called; nothing else is.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from api.arns import Site
from api.context import Api
from api.errors import InvalidDefinition, ValidationException
from api.payloads import check_input
from api.requests import Structure, TestState
from api.service_models import BotocoreModels
from api.state_machines import checked_role
from api.wire import Response
from asl.errors import DefinitionError, PayloadError
from asl.jsontext import loads
from asl.payload import Json, Payload
from runtime.chance import SeededEntropy
from runtime.teststate.calls import FunctionCall, function_call, mock_of
from runtime.teststate.contexts import Pretence, mocked_context, pretended_context
from runtime.teststate.errors import RefusedTrialError, UnsupportedStateError
from runtime.teststate.mocks import (
    Mock,
    MockedError,
    check_needs_no_mock,
    check_takes_mock,
    mocked_result,
)
from runtime.teststate.results import FieldValidation
from runtime.teststate.run import run_trial
from runtime.teststate.subject import Subject, find_subject
from runtime.teststate.trial import Trial, TrialResult

_SEED_BYTES: Final = 16
_NO_FUNCTION: Final = "Lambda.ResourceNotFoundException"
# How long a worker may take to come: one that is being started anew.
_FIND_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 0.1
_MODELS: Final = BotocoreModels()


async def test_state(api: Api, request: TestState) -> Response:
    """Try a state; threads do it, for a first look at the API models takes a while."""
    now = api.clock.now()
    if request.role_arn is not None:
        checked_role(request.role_arn)
    with _public_errors():
        trial = await asyncio.to_thread(_prepared, request, api.site, now)
        call = function_call(trial)
        if call is not None:
            trial = replace(trial, mock=await _called(api, call, request.role_arn))
        result = await asyncio.to_thread(run_trial, trial)
    return _shown(result, request.inspection_level)


@contextlib.contextmanager
def _public_errors() -> Iterator[None]:
    try:
        yield
    except (DefinitionError, UnsupportedStateError) as error:
        raise InvalidDefinition(str(error)) from None
    except RefusedTrialError as error:
        raise ValidationException(str(error)) from None


async def _called(api: Api, call: FunctionCall, role_arn: str | None) -> Mock:
    """Call a function; what came of it stands where a mock would.

    One that nobody serves is not waited for as an execution would: whoever tests wants to
    hear of it, as the service tells of a function that is not there.
    """
    function = call.function
    if function is not None and not await _is_served(api, function):
        arn = api.site.function(function)
        return MockedError(_NO_FUNCTION, f"Function not found: {arn}")
    machine_arn = api.site.state_machine(str(uuid4()))
    ended = await api.engine.try_out(
        call.machine, machine_arn, role_arn or "", call.input.text
    )
    return mock_of(ended.status, ended.output, ended.error, ended.cause)


async def _is_served(api: Api, function: str) -> bool:
    """Tell whether somebody serves a function, or comes to do so in a moment."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_FIND_SECONDS):
            while not api.serves(function):
                await asyncio.sleep(_LOOK_SECONDS)
    return api.serves(function)


def _prepared(request: TestState, site: Site, now: datetime) -> Trial:
    subject = find_subject(request.definition, request.state_name)
    return _trial(request, subject, site, now)


def _trial(request: TestState, subject: Subject, site: Site, now: datetime) -> Trial:
    mock = _mock(request, subject)
    given = Payload.of_text(check_input(request.input))
    configuration = request.state_configuration or {}
    retries = _count(configuration, "retrierRetryCount")
    _check_origin(configuration, subject)
    if request.context is None:
        pretence = _pretence(site, request.role_arn)
        context = pretended_context(pretence, subject, given.value, now, retries)
    else:
        context = mocked_context(request.context, subject)
    data = configuration.get("mapItemReaderData")
    return Trial(
        subject=subject,
        input=given,
        context=context,
        variables=_variables(request.variables),
        now=now,
        entropy=SeededEntropy(os.urandom(_SEED_BYTES)),
        mock=mock,
        retry_count=retries,
        failed_iterations=_count(configuration, "mapIterationFailureCount"),
        reader_data=data if isinstance(data, str) else None,
    )


def _mock(request: TestState, subject: Subject) -> Mock | None:
    mock = request.mock
    if mock is None:
        check_needs_no_mock(subject)
        if request.context is not None:
            raise RefusedTrialError(
                "TestState supports a Context object only when a mock is specified."
            )
        return None
    check_takes_mock(subject)
    if request.reveal_secrets:
        raise RefusedTrialError(
            "TestState does not support RevealSecrets when a mock is specified."
        )
    return _mocked(mock, subject)


def _mocked(mock: Structure, subject: Subject) -> Mock:
    result, failure = mock.get("result"), mock.get("errorOutput")
    if (result is None) == (failure is None):
        raise RefusedTrialError(
            "A test mock should have only one of the following fields: "
            "[result, errorOutput]."
        )
    if isinstance(failure, dict):
        error, cause = failure.get("error"), failure.get("cause")
        return MockedError(
            error if isinstance(error, str) else None,
            cause if isinstance(cause, str) else None,
        )
    mode = FieldValidation(str(mock.get("fieldValidationMode", "STRICT")))
    return mocked_result(str(result), subject, mode, _MODELS)


def _check_origin(configuration: Structure, subject: Subject) -> None:
    origin = configuration.get("errorCausedByState")
    if origin is not None and origin not in subject.inner_states():
        msg = f"errorCausedByState names no state of the tested state: '{origin}'"
        raise RefusedTrialError(msg)


def _count(configuration: Structure, name: str) -> int:
    value = configuration.get(name)
    return value if isinstance(value, int) else 0


def _variables(text: str | None) -> Mapping[str, Json]:
    try:
        value = {} if text is None else loads(text)
    except PayloadError as error:
        msg = f"The variables must be valid JSON: {error}"
        raise RefusedTrialError(msg) from None
    if not isinstance(value, dict):
        raise RefusedTrialError("The variables must be a JSON object.")
    return value


def _pretence(site: Site, role_arn: str | None) -> Pretence:
    """Make up an execution, of a machine that is made up too."""
    name, machine = str(uuid4()), str(uuid4())
    machine_arn = site.state_machine(machine)
    return Pretence(
        execution_arn=machine_arn.replace(":stateMachine:", ":express:") + f":{name}",
        execution_name=name,
        machine_arn=machine_arn,
        machine_name=machine,
        task_token=str(uuid4()),
        role_arn=role_arn,
    )


def _shown(result: TrialResult, level: str) -> Response:
    shown: dict[str, Any] = {
        "status": str(result.status),
        "output": None if result.output is None else result.output.text,
        "nextState": result.next_state,
        "error": result.error,
        "cause": result.cause,
        "inspectionData": None if level == "INFO" else _inspection(result),
    }
    return {name: value for name, value in shown.items() if value is not None}


def _inspection(result: TrialResult) -> dict[str, Any]:
    inspection = result.inspection
    shown: dict[str, Any] = {"input": inspection.input.text}
    shown |= {name: payload.text for name, payload in inspection.stages.items()}
    shown |= inspection.numbers
    if inspection.error_details:
        shown["errorDetails"] = inspection.error_details
    if result.variables.value:
        shown["variables"] = result.variables.text
    return shown
