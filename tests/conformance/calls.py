"""Replay a recorded sequence of API calls, or one TestState call, against a server."""

from __future__ import annotations

import json
from typing import Any, Final

from botocore import xform_name
from botocore.exceptions import ClientError

from tests.conformance.cases import Case
from tests.conformance.judges import Verdict
from tests.conformance.matching import Matcher
from tests.support.recordings import Difference, Replay, recorded_error

# Where a refusal was recorded with its message.
_MESSAGES: Final = (".exception_value", ".Error.Message")


def judge_calls(case: Case, client: Any) -> Verdict:
    """Make the calls in their order and compare each answer."""
    replay, matcher = Replay(suffix=f"-{case.name[-10:]}"), Matcher(case.unverified)
    verdict = Verdict([], [])
    for number, step in enumerate(case.data["steps"]):
        recorded = [entry["recorded"] for entry in step.get("recorded") or ()]
        for difference in _step(client, replay, step, recorded):
            told = f"steps[{number}] {step['operation']}: {difference}"
            verdict.strict.append(told)
            if not matcher.covers(difference.path):
                verdict.lenient.append(told)
    return verdict


def _step(
    client: Any, replay: Replay, step: Any, recorded: list[Any]
) -> list[Difference]:
    is_refusal = bool(step.get("expect_error"))
    request = replay.request(step["request"], recorded if is_refusal else None)
    try:
        answer = getattr(client, xform_name(step["operation"]))(**request)
    except ClientError as error:
        refusal = error.response["Error"]
        if not is_refusal:
            return [Difference("", f"refused: {refusal}")]
        return _refusal_differences(replay, recorded, refusal)
    if is_refusal:
        return [Difference("", "not refused")]
    if step["operation"] == "StartExecution":
        replay.note_start(answer["executionArn"])
    return [
        difference
        for entry in recorded
        if entry is not None
        for difference in replay.differences(entry, answer)
    ]


def _refusal_differences(
    replay: Replay, recorded: list[Any], refusal: dict[str, str]
) -> list[Difference]:
    found: list[Difference] = []
    for entry in recorded:
        code, message = recorded_error(entry)
        if refusal["Code"] != code:
            found.append(Difference("", f"{code} became {refusal['Code']}"))
        path = next(path for path in _MESSAGES if _holds(entry, path))
        found += replay.differences(message, refusal["Message"], path)
    return found


def _holds(entry: Any, path: str) -> bool:
    """Tell whether a recorded refusal has its message at a path; a text is all message."""
    return not isinstance(entry, dict) or path.split(".")[1] in entry


def judge_test_state(case: Case, client: Any) -> Verdict:
    """Make the call, and compare its answer or its error."""
    try:
        answer: dict[str, Any] = client.test_state(**_test_request(case))
        actual: dict[str, Any] = {"response": answer}
    except ClientError as error:
        actual = {"api_error": {**error.response["Error"]}}
    return Verdict(
        _test_differences(case, actual, Matcher(case.unverified)),
        _test_differences(case, actual, Matcher()),
    )


def _test_request(case: Case) -> dict[str, Any]:
    request = dict(case.data["request"])
    for name in ("definition", "input", "context", "variables"):
        if name in request and not isinstance(request[name], str):
            request[name] = json.dumps(request[name])
    return request


def _test_differences(
    case: Case, actual: dict[str, Any], matcher: Matcher
) -> list[str]:
    expected = case.expected
    if "api_error" not in expected:
        if "api_error" in actual:
            return [f"refused: {actual['api_error']}"]
        return matcher.differences(
            _without_metadata(expected["response"]),
            _without_metadata(actual["response"]),
        )
    if "api_error" not in actual:
        return [f"not refused: {_without_metadata(actual['response'])}"]
    code, message = recorded_error(expected["api_error"])
    found = matcher.differences(code, actual["api_error"]["Code"], ("Error", "Code"))
    given = actual["api_error"]["Message"]
    return found + matcher.differences(message, given, ("Error", "Message"))


def _without_metadata(response: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in response.items() if name != "ResponseMetadata"
    }
