"""Bodies and headers that no SDK sends: each gets the error that is meant for it."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from tests.wire.raw import AWS_JSON, TARGET, Answer, call, send
from tests.wire.test_machines import ARN, PASS, ROLE

SERIALIZATION: Final = (400, "SerializationException")
UNKNOWN: Final = (400, "UnknownOperationException")
TOO_LARGE: Final = (413, "RequestEntityTooLargeException")
LARGEST: Final = 1_048_576


def outcome(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body.get("__type", "")


def machine(**members: Any) -> dict[str, Any]:
    return {
        "name": "order",
        "definition": json.dumps(PASS),
        "roleArn": ROLE,
        **members,
    }


def machines(endpoint: str) -> Any:
    return call(endpoint, "ListStateMachines", "{}").body["stateMachines"]


@pytest.mark.parametrize(
    "value",
    [
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"1e999",
        b"9" * 4_301,
        b"-" + b"9" * 4_301,
        b"01",
        b"'a'",
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\x00"',
        b'"\\x"',
        b"undefined",
        b"[" * 501 + b"]" * 501,
        b'{"a":' * 600 + b"1" + b"}" * 600,
        b"[" * 100_000 + b"]" * 100_000,
        b"[" * 100_000,
        b"1} x",
    ],
    ids=lambda value: repr(value)[2:22],
)
def test_value_that_no_json_has_is_refused_wherever_it_stands(
    module_endpoint: str, value: bytes
) -> None:
    members = json.dumps(machine()).encode()[:-1]

    answer = call(
        module_endpoint, "CreateStateMachine", members + b', "other": ' + value + b"}"
    )

    assert outcome(answer) == SERIALIZATION
    assert machines(module_endpoint) == []


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b"[]",
        b"null",
        b"1",
        b'"{}"',
        b"{",
        b"{}{}",
        b" ",
        b"\x00",
        b"a=b&c=d",
        b"<a/>",
    ],
    ids=repr,
)
def test_body_that_is_no_object_is_refused(module_endpoint: str, body: bytes) -> None:
    answer = call(module_endpoint, "ListStateMachines", body)

    assert outcome(answer) == SERIALIZATION


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b" \n{ }\t",
        b'{"unknown": {"a": [1]}, "maxResults": null}',
        b'{"maxResults": 5000, "maxResults": 5}',
        b'{"other": ' + b"[" * 499 + b"]" * 499 + b"}",
        b'{"other": "' + b"[" * 9_000 + b'"}',
        b'{"other": "' + b"a" * (LARGEST - 13) + b'"}',
        b'{"other": "\\u0000"}',
    ],
    ids=lambda body: repr(body)[:40],
)
def test_odd_body_that_means_something_is_taken(
    module_endpoint: str, body: bytes
) -> None:
    answer = call(module_endpoint, "ListStateMachines", body)

    assert answer.status == 200


@pytest.mark.parametrize("size", [LARGEST + 1, 20 * LARGEST])
def test_body_over_the_cap_is_refused(module_endpoint: str, size: int) -> None:
    answer = call(module_endpoint, "ListStateMachines", b" " * size)

    assert outcome(answer) == TOO_LARGE


@pytest.mark.parametrize("encoding", ["gzip", "identity", "br", ""])
def test_encoded_content_is_refused(module_endpoint: str, encoding: str) -> None:
    answer = call(module_endpoint, "ListStateMachines", "{}", content_encoding=encoding)

    assert outcome(answer) == SERIALIZATION


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([b'{"max', b'Results"', b": 1}"], (200, "")),
        ([b"{", b"]"], SERIALIZATION),
        ([b" " * LARGEST, b" "], TOO_LARGE),
    ],
    ids=["whole", "broken", "too large"],
)
def test_body_may_come_in_chunks(
    module_endpoint: str, chunks: list[bytes], expected: tuple[int, str]
) -> None:
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)

    answer = call(
        module_endpoint,
        "ListStateMachines",
        body + b"0\r\n\r\n",
        transfer_encoding="chunked",
    )

    assert outcome(answer) == expected


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "application/json",
        "application/x-amz-json-1.1",
        "application/x-www-form-urlencoded",
        "text/plain; application/x-amz-json-1.0",
        "multipart/form-data; boundary=a",
    ],
)
def test_content_of_another_type_is_refused(
    module_endpoint: str, content_type: str | None
) -> None:
    headers = {"x-amz-target": f"{TARGET}ListStateMachines"}
    if content_type is not None:
        headers["content-type"] = content_type

    assert outcome(send(module_endpoint, "/", "{}", headers)) == UNKNOWN


def test_content_type_may_have_parameters(module_endpoint: str) -> None:
    headers = {
        "x-amz-target": f"{TARGET}ListStateMachines",
        "content-type": "Application/X-Amz-Json-1.0 ; charset=utf-8",
    }

    assert send(module_endpoint, "/", "{}", headers).status == 200


@pytest.mark.parametrize(
    "target",
    [
        None,
        "",
        "ListStateMachines",
        "AWSStepFunctions",
        "AWSStepFunctions.",
        "AWSStepFunctions.liststatemachines",
        "AWSStepFunctions.ListStateMachines.",
        "AWSStepFunctions.__class__",
        "DynamoDB_20120810.ListTables",
        "a" * 8_000,
    ],
)
def test_request_without_one_of_our_targets_is_refused(
    module_endpoint: str, target: str | None
) -> None:
    headers = {"content-type": AWS_JSON}
    if target is not None:
        headers["x-amz-target"] = target

    assert outcome(send(module_endpoint, "/", "{}", headers)) == UNKNOWN


@pytest.mark.parametrize(
    ("member", "value", "message"),
    [
        ("name", 1, "NUMBER_VALUE can not be converted to a String"),
        ("name", True, "TRUE_VALUE can not be converted to a String"),
        ("name", ["a"], "Start of list found where not expected"),
        ("name", {}, "Start of structure or map found where not expected."),
        ("publish", "yes", "STRING_VALUE can not be converted to a Boolean"),
        ("publish", 1, "NUMBER_VALUE can not be converted to a Boolean"),
        ("tags", {}, "Start of structure or map found where not expected."),
        ("tags", "a", "Unexpected token: a list was expected"),
        ("tags", [1], "Unexpected token: a structure was expected"),
        ("tracingConfiguration", [], "Start of list found where not expected"),
    ],
    ids=repr,
)
def test_member_of_another_type_is_named_by_its_kind(
    module_endpoint: str, member: str, value: Any, message: str
) -> None:
    body = json.dumps(machine(**{member: value}))

    answer = call(module_endpoint, "CreateStateMachine", body)

    assert outcome(answer) == SERIALIZATION
    assert answer.body["message"] == message


def test_every_broken_constraint_is_told(module_endpoint: str) -> None:
    body = json.dumps({"executionArn": "", "maxResults": 1_001, "reverseOrder": None})

    answer = call(module_endpoint, "GetExecutionHistory", body)

    assert outcome(answer) == (400, "ValidationException")
    assert answer.body["message"] == (
        "2 validation errors detected: Value '' at 'executionArn' failed to satisfy"
        " constraint: Member must have length greater than or equal to 1; Value '1001'"
        " at 'maxResults' failed to satisfy constraint: Member must have value less"
        " than or equal to 1000"
    )


def test_error_names_no_secret(module_endpoint: str) -> None:
    secret = "s" * 300_000
    body = json.dumps({"stateMachineArn": ARN, "input": secret})

    answer = call(module_endpoint, "StartExecution", body)

    assert outcome(answer) == (400, "ValidationException")
    assert secret[:100] not in answer.body["message"]
