"""The operations that both clients offer: what each asks and how it reads the answer.

They speak the AWS JSON 1.0 protocol of the Step Functions API. Nothing here does I/O;
`client.py` and `asyncclient.py` send what is built here.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeAlias, TypeVar, cast

from stepwell import exactjson
from stepwell.endpoint import account_and_region
from stepwell.errors import ApiError, ExecutionFailedError, UnreachableError
from stepwell.exactjson import Json

T = TypeVar("T")
Fields: TypeAlias = dict[str, Json]

CONTENT_TYPE = "application/x-amz-json-1.0"
_TARGET = "AWSStepFunctions."
_RETRYABLE = (429, 500, 502, 503, 504)
PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)  # seconds, before a request is repeated
HISTORY_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """An execution as DescribeExecution shows it."""

    arn: str
    name: str
    state_machine_arn: str
    status: str
    started: datetime
    stopped: datetime | None
    input: Json
    output: Json
    error: str | None
    cause: str | None

    @property
    def is_running(self) -> bool:
        """Whether it may still change."""
        return self.status in {"RUNNING", "PENDING_REDRIVE"}

    def result(self) -> Json:
        """Return the output; raises ExecutionFailedError if it did not succeed."""
        if self.status != "SUCCEEDED":
            raise ExecutionFailedError(self.arn, self.status, self.error, self.cause)
        return self.output


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Generic[T]):
    """One operation to perform, and how to read what it answers."""

    operation: str
    fields: Mapping[str, Json]
    read: Callable[[Fields], T]

    @property
    def headers(self) -> dict[str, str]:
        """The header that names the operation."""
        return {"X-Amz-Target": _TARGET + self.operation}

    @property
    def body(self) -> bytes:
        """The fields that were given, as JSON."""
        given = {key: value for key, value in self.fields.items() if value is not None}
        return exactjson.dumps(given)

    def answer(self, status: int, body: bytes) -> T:
        """Read the answer of the server; raises ApiError if it is an error."""
        try:
            fields = exactjson.loads(body or b"{}")
        except ValueError:
            fields = None
        if not isinstance(fields, dict):
            msg = "InvalidResponse"
            raise ApiError(msg, body[:200].decode(errors="replace"), status)
        if status != 200:
            raise _error(status, fields)
        return self.read(fields)


def may_succeed_later(error: Exception) -> bool:
    """Whether the same request may succeed when it is repeated a little later."""
    if isinstance(error, ApiError):
        return error.status in _RETRYABLE or error.name == "ThrottlingException"
    return isinstance(error, UnreachableError)


def start(machine: str, input: object, name: str | None) -> Request[str]:  # noqa: A002
    """StartExecution; the name that is made up makes a repeated request harmless."""
    return Request(
        operation="StartExecution",
        fields={
            "stateMachineArn": machine_arn(machine),
            "name": name or str(uuid.uuid4()),
            "input": text_of(input),
        },
        read=lambda fields: _text(fields, "executionArn"),
    )


def describe(arn: str) -> Request[Execution]:
    """DescribeExecution."""
    return Request(
        operation="DescribeExecution", fields={"executionArn": arn}, read=_execution
    )


def stop(arn: str, error: str | None, cause: str | None) -> Request[None]:
    """StopExecution."""
    fields: Fields = {"executionArn": arn, "error": error, "cause": cause}
    return Request(operation="StopExecution", fields=fields, read=_nothing)


def redrive(arn: str) -> Request[datetime]:
    """RedriveExecution; the token that is made up makes a repeated request harmless."""
    return Request(
        operation="RedriveExecution",
        fields={"executionArn": arn, "clientToken": str(uuid.uuid4())},
        read=lambda fields: _time(fields["redriveDate"]),
    )


def history(
    arn: str, next_token: str | None
) -> Request[tuple[list[Fields], str | None]]:
    """GetExecutionHistory, one page: its events and the token of the next page."""
    return Request(
        operation="GetExecutionHistory",
        fields={
            "executionArn": arn,
            "maxResults": HISTORY_PAGE,
            "nextToken": next_token,
        },
        read=_page,
    )


def create_state_machine(
    name: str,
    definition: object,
    role_arn: str | None,
    type: str,  # noqa: A002
) -> Request[str]:
    """CreateStateMachine."""
    account, _ = account_and_region()
    return Request(
        operation="CreateStateMachine",
        fields={
            "name": name,
            "definition": text_of(definition),
            "roleArn": role_arn or f"arn:aws:iam::{account}:role/stepwell",
            "type": type,
        },
        read=lambda fields: _text(fields, "stateMachineArn"),
    )


def send_task_success(token: str, output: object) -> Request[None]:
    """SendTaskSuccess."""
    fields: Fields = {"taskToken": token, "output": text_of(output)}
    return Request(operation="SendTaskSuccess", fields=fields, read=_nothing)


def send_task_failure(
    token: str, error: str | None, cause: str | None
) -> Request[None]:
    """SendTaskFailure."""
    fields: Fields = {"taskToken": token, "error": error, "cause": cause}
    return Request(operation="SendTaskFailure", fields=fields, read=_nothing)


def send_task_heartbeat(token: str) -> Request[None]:
    """SendTaskHeartbeat."""
    return Request(
        operation="SendTaskHeartbeat", fields={"taskToken": token}, read=_nothing
    )


def waits() -> Iterator[float]:
    """The pauses between two looks at an execution, in seconds."""
    pause = 0.02
    while True:
        yield pause
        pause = min(pause * 1.5, 1.0)


def machine_arn(machine: str) -> str:
    """The ARN of a state machine that is given by its ARN or its name."""
    if machine.startswith("arn:"):
        return machine
    account, region = account_and_region()
    return f"arn:aws:states:{region}:{account}:stateMachine:{machine}"


def text_of(value: object) -> str:
    """JSON text as the API takes it: a `str` is such a text already."""
    return value if isinstance(value, str) else exactjson.dumps(value).decode()


def _error(status: int, fields: Fields) -> ApiError:
    name = str(fields.get("__type") or f"HTTP{status}").rpartition("#")[2]
    message = fields.get("message") or fields.get("Message") or ""
    return ApiError(name, str(message), status)


def _execution(fields: Fields) -> Execution:
    stopped = fields.get("stopDate")
    return Execution(
        arn=_text(fields, "executionArn"),
        name=_text(fields, "name"),
        state_machine_arn=_text(fields, "stateMachineArn"),
        status=_text(fields, "status"),
        started=_time(fields["startDate"]),
        stopped=None if stopped is None else _time(stopped),
        input=_payload(fields.get("input")),
        output=_payload(fields.get("output")),
        error=cast("str | None", fields.get("error")),
        cause=cast("str | None", fields.get("cause")),
    )


def _page(fields: Fields) -> tuple[list[Fields], str | None]:
    events = cast("list[Fields]", fields.get("events") or [])
    return events, cast("str | None", fields.get("nextToken"))


def _nothing(fields: Fields) -> None:
    """Read an answer that says nothing more than that it succeeded."""


def _text(fields: Fields, key: str) -> str:
    return cast("str", fields[key])


def _time(seconds: Json) -> datetime:
    return datetime.fromtimestamp(cast("float", seconds), UTC)


def _payload(text: Json) -> Json:
    return exactjson.loads(text.encode()) if isinstance(text, str) else None
