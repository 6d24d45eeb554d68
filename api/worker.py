"""The worker endpoints: `/stepwell/v1/worker/poll`, `report` and `bye`.

Raw ASGI like the AWS endpoint, on the same port and behind the same gate. A poll that its
worker has left is cancelled: what was assigned to it meanwhile comes again with the next
poll of that session, whose inventory does not have it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

import orjson
import structlog

from api.access.actions import CLAIM_TASKS
from api.access.callers import Caller
from api.access.routes import ROUTES
from api.arns import Site
from api.errors import ApiError, InternalServerError, SerializationException
from api.gate import Gate
from api.http import (
    JSON_TYPE,
    ClientGone,
    Headers,
    Receive,
    Scope,
    Send,
    headers_of,
    media_type,
    read_body,
    respond_json,
)
from api.measures import SUCCESS
from api.payloads import is_too_deep
from api.polls import Polls
from api.ports import WorkerHall
from api.wire import encode, encode_error
from asl.errors import PayloadError
from asl.jsontext import dumps, loads
from engine.handover import (
    ByeRequest,
    PollRequest,
    PollResponse,
    ReportRequest,
    ReportResponse,
    TaskAssignment,
    TaskFailure,
    TaskSuccess,
)
from runtime.limits import MAX_CAUSE_CHARACTERS, MAX_ERROR_CHARACTERS

Body: TypeAlias = Mapping[str, Any]

PREFIX: Final = "/stepwell/v1/worker/"
MAX_BYTES: Final = 32 * 1024 * 1024
_MAX_WAIT_SECONDS: Final = 20.0
# Above what a result may have: one that is too deep must not take the others along.
_MAX_BODY_DEPTH: Final = 1_000
# What a function's result is that no payload can be, as Lambda names it.
_UNMARSHALLED: Final = "Runtime.MarshalError"
_TOO_DEEP: Final = '{"errorMessage":"Unable to marshal response: nesting is too deep"}'
_NOTHING: Final = PollResponse()

_log = structlog.get_logger(__name__)


class WorkerEndpoints:
    """The ASGI application for everything under PREFIX."""

    def __init__(self, hall: WorkerHall, gate: Gate, polls: Polls, site: Site) -> None:
        """Take who assigns the tasks."""
        self._site = site
        self._hall = hall
        self._gate = gate
        self._polls = polls
        # By request, and 200 or the name of the error.
        self.answers: Counter[tuple[str, str]] = Counter()
        self._routes: dict[str, Callable[[Caller, Body, Receive], Awaitable[bytes]]] = {
            "poll": self._poll,
            "report": self._report,
            "bye": self._bye,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of a worker."""
        name = scope["path"].removeprefix(PREFIX)
        route, outcome = self._routes.get(name), SUCCESS
        if route is None or scope["method"] != "POST":
            await respond_json(send, 404, b'{"message":"Not found"}')
            return
        try:
            admission = await self._gate.admit(scope)
            raw = await read_body(receive, MAX_BYTES)
            caller = admission(raw)
            caller.require_anywhere(ROUTES[scope["path"]])
            _check_type(headers_of(scope))
            status, answer = 200, await route(caller, _decode(raw), receive)
        except ApiError as error:
            status, answer, outcome = error.status, encode_error(error), error.name
        except ClientGone:
            return
        except Exception:  # noqa: BLE001 - the outermost loop of a request
            _log.exception("worker request failed", path=scope["path"])
            failure = InternalServerError("The server failed; its log says how.")
            status, answer = failure.status, encode_error(failure)
            outcome = failure.name
        self.answers[name, outcome] += 1
        await respond_json(send, status, answer)

    async def _poll(self, caller: Caller, body: Body, receive: Receive) -> bytes:
        request = _poll_request(body, _session(caller, body))
        for name in request.functions:
            caller.require(CLAIM_TASKS, self._site.function(name))
        response = await self._polls.run(
            receive, self._hall.poll(request), _NOTHING, ended=caller.ended
        )
        return _encode_poll(response)

    async def _report(self, caller: Caller, body: Body, _receive: Receive) -> bytes:
        request = _report_request(caller, body)
        return _encode_report(request, await self._hall.report(request))

    async def _bye(self, caller: Caller, body: Body, _receive: Receive) -> bytes:
        request = ByeRequest(
            session=_session(caller, body), returned=_texts(body, "returned")
        )
        await self._hall.bye(request)
        return b"{}"


def _check_type(headers: Headers) -> None:
    if media_type(headers) != JSON_TYPE or b"content-encoding" in headers:
        raise SerializationException("Requests here are plain application/json.")


def _session(caller: Caller, body: Body) -> str:
    """Return the session of a request, which is of the key that opened it alone."""
    return caller.own(_text(body, "session"))


def _decode(raw: bytes) -> Body:
    """Decode exactly: outputs of functions are payloads."""
    try:
        body = loads(raw.decode(), _MAX_BODY_DEPTH)
    except (PayloadError, UnicodeDecodeError) as error:
        msg = f"The body is no JSON: {error}"
        raise SerializationException(msg) from None
    if not isinstance(body, dict):
        raise SerializationException("The body must be an object.")
    return body


def _poll_request(body: Body, session: str) -> PollRequest:
    return PollRequest(
        session=session,
        name=_text(body, "name"),
        functions=_texts(body, "functions"),
        free=max(0, int(_number(body, "free"))),
        inventory=frozenset(_texts(body, "inventory")),
        wait=min(max(0.0, _number(body, "wait")), _MAX_WAIT_SECONDS),
    )


def _report_request(caller: Caller, body: Body) -> ReportRequest:
    results = body.get("results", [])
    if not isinstance(results, list):
        raise SerializationException("`results` must be a list.")
    return ReportRequest(
        session=_session(caller, body),
        results=tuple(_result(item) for item in results),
        heartbeats=_texts(body, "heartbeats"),
        caller=caller.principal,
    )


def _result(item: object) -> TaskSuccess | TaskFailure:
    if not isinstance(item, dict):
        raise SerializationException("A result must be an object.")
    token = _text(item, "token")
    if "output" in item:
        if is_too_deep(item["output"]):
            return TaskFailure(token=token, error=_UNMARSHALLED, cause=_TOO_DEEP)
        return TaskSuccess(token=token, output=dumps(item["output"]))
    return TaskFailure(
        token=token,
        error=_clipped(_optional(item, "error"), MAX_ERROR_CHARACTERS),
        cause=_clipped(_optional(item, "cause"), MAX_CAUSE_CHARACTERS),
    )


def _clipped(text: str | None, longest: int) -> str | None:
    """Shorten a text to what may be stored; lone surrogates, which may not, are replaced."""
    if text is None:
        return None
    clipped = text[:longest]
    try:
        clipped.encode()
    except UnicodeEncodeError:
        return clipped.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return clipped


def _encode_poll(response: PollResponse) -> bytes:
    tasks = [_assignment(task) for task in response.tasks]
    return encode({"tasks": tasks, "cancelled": response.cancelled})


def _assignment(task: TaskAssignment) -> dict[str, Any]:
    return {
        "token": task.token,
        "function": task.function,
        "input": orjson.Fragment(task.input),
        "executionArn": task.execution_arn,
        "stateMachineArn": task.state_machine_arn,
        "stateName": task.state_name,
        "attemptId": task.attempt_id,
        "idempotencyKey": task.idempotency_key,
        "retryCount": task.retry_count,
        "remainingSeconds": task.remaining_seconds,
        "heartbeatSeconds": task.heartbeat_seconds,
        "shard": task.shard,
        "epoch": task.epoch,
        "traceHeader": task.trace_header,
    }


def _encode_report(request: ReportRequest, response: ReportResponse) -> bytes:
    results = [
        {"token": result.token, "verdict": verdict.value}
        for result, verdict in zip(request.results, response.verdicts, strict=True)
        if verdict is not None
    ]
    return encode({"results": results, "cancelled": response.cancelled})


def _text(body: Body, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not _is_storable(value):
        msg = f"`{name}` must be a text."
        raise SerializationException(msg)
    return value


def _is_storable(text: str) -> bool:
    return "\x00" not in text and _clipped(text, len(text)) == text


def _optional(body: Body, name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        msg = f"`{name}` must be a text."
        raise SerializationException(msg)
    return value


def _texts(body: Body, name: str) -> tuple[str, ...]:
    value = body.get(name, [])
    if not isinstance(value, list) or not all(
        isinstance(item, str) and _is_storable(item) for item in value
    ):
        msg = f"`{name}` must be a list of texts."
        raise SerializationException(msg)
    return tuple(value)


def _number(body: Body, name: str) -> float:
    value = body.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int | float):
        msg = f"`{name}` must be a number."
        raise SerializationException(msg)
    return value
