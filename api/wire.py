"""The AWS JSON 1.0 endpoint: one raw ASGI function for `POST /`.

A request names its operation in X-Amz-Target and carries one JSON object. An answer is a
JSON object too; an error has its name in `__type` and its sentence in `message`. Every
answer carries an x-amzn-RequestId, under which the log has what went wrong here.

The path of a StartExecution through this file is the hottest of the API, so it is kept
flat: one dictionary of headers, one look-up of the operation, one decode, one encode.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, Final, TypeAlias

import orjson
import structlog

from api.access.callers import Caller
from api.errors import (
    ApiError,
    InternalServerError,
    SerializationException,
    UnknownOperationException,
)
from api.gate import Gate
from api.http import (
    ClientGone,
    Headers,
    Receive,
    Scope,
    Send,
    headers_of,
    media_type,
    read_body,
    respond,
)
from api.measures import SUCCESS, RequestMeasures
from api.payloads import is_too_deep
from api.polls import Polls
from api.throttle import Rate, Throttle
from asl.jsontext import MAX_DEPTH
from asl.payload import Json
from runtime.limits import MAX_REQUEST_BYTES

Response: TypeAlias = Mapping[str, Any]

_AWS_JSON: Final = b"application/x-amz-json-1.0"
_TARGET_PREFIX: Final = "AWSStepFunctions."

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation, bound to what it runs on.

    `authorize` refuses a caller who may not make a request. One that `waits` is a long
    poll; `undo` takes back an answer that nobody can get.
    """

    read: Callable[[object], Any]
    authorize: Callable[[Caller, Any], None]
    run: Callable[[Caller, Any], Coroutine[Any, Any, Response]]
    waits: bool = False
    undo: Callable[[Any, Response], None] | None = None


class RequestIds:
    """Ids in the form of UUIDs: a random part per process, and a counter."""

    def __init__(self) -> None:
        """Draw the random part."""
        text = os.urandom(10).hex()
        self._prefix = f"{text[:8]}-{text[8:12]}-4{text[12:15]}-8{text[15:18]}-"
        self._numbers = count(1)

    def next(self) -> str:
        """Return an id that this process has not given out before."""
        return f"{self._prefix}{next(self._numbers):012x}"


class Wire:
    """The ASGI application for `POST /`."""

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        gate: Gate,
        polls: Polls,
        *,
        rates: Sequence[Rate] = (),
        processes: Callable[[], int] = lambda: 1,
        request_bytes: int = MAX_REQUEST_BYTES,
    ) -> None:
        """Take the operations by name, and how often a caller may ask for them.

        `processes` tells how many engine processes share the rates.
        """
        self._operations = {
            (_TARGET_PREFIX + name).encode(): (name, endpoint)
            for name, endpoint in endpoints.items()
        }
        self._gate = gate
        self._polls = polls
        self._ids = RequestIds()
        self.measures = RequestMeasures()
        self._throttle = Throttle(rates, self.measures.monotonic, processes)
        self._request_bytes = request_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request_id = self._ids.next()
        headers = headers_of(scope)
        begun, outcome = self.measures.monotonic(), SUCCESS
        try:
            status, body = 200, encode(await self._run(scope, headers, receive))
        except ApiError as error:
            status, body, outcome = error.status, encode_error(error), error.name
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001 - the outermost loop of a request
            status, body = self._report_failure(headers, request_id)
            outcome = type(error).__name__
        self._count(headers, outcome, begun)
        response_headers = [
            (b"content-type", _AWS_JSON),
            (b"content-length", b"%d" % len(body)),
            (b"x-amzn-requestid", request_id.encode()),
        ]
        await respond(send, status, body, response_headers)

    def _count(self, headers: Headers, outcome: str, begun: float) -> None:
        found = self._operations.get(headers.get(b"x-amz-target", b""))
        if found is not None:
            self.measures.answered(found[0], outcome, begun)

    def _report_failure(self, headers: Headers, request_id: str) -> tuple[int, bytes]:
        target = headers.get(b"x-amz-target", b"").decode("latin-1")
        _log.exception("request failed", request_id=request_id, target=target)
        error = InternalServerError("The server failed; its log says how.")
        return error.status, encode_error(error)

    async def _run(self, scope: Scope, headers: Headers, receive: Receive) -> Response:
        admission = await self._gate.admit(scope)
        body = await read_body(receive, self._request_bytes)
        caller = admission(body)
        operation, endpoint = self._operation(headers)
        self._throttle.take(caller.arn, operation)
        request = endpoint.read(decode(body))
        endpoint.authorize(caller, request)
        work = endpoint.run(caller, request)
        if endpoint.waits:
            undo = endpoint.undo and partial(endpoint.undo, request)
            return await self._polls.run(receive, work, {}, undo, ended=caller.ended)
        return await work

    def _operation(self, headers: Headers) -> tuple[str, Endpoint]:
        if media_type(headers) != _AWS_JSON:
            raise UnknownOperationException(
                "Requests here have the Content-Type application/x-amz-json-1.0."
            )
        if b"content-encoding" in headers:
            raise SerializationException(
                "Requests with a Content-Encoding are refused."
            )
        found = self._operations.get(headers.get(b"x-amz-target", b""))
        if found is None:
            raise UnknownOperationException("There is no such operation here.")
        return found


def decode(body: bytes) -> object:
    """Return the value of a body; an empty one is an empty object."""
    if not body:
        return {}
    try:
        value: Json = orjson.loads(body)
    except ValueError as error:
        msg = f"The body is no JSON: {error}"
        raise SerializationException(msg) from None
    # Most of what has so many brackets has them in the text of a payload.
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and is_too_deep(value):
        msg = f"The body's nesting is deeper than {MAX_DEPTH}."
        raise SerializationException(msg)
    return value


def encode(response: Response) -> bytes:
    """Write an answer; texts with lone surrogates, which UTF-8 has not, are escaped."""
    try:
        return orjson.dumps(response)
    except TypeError:
        return json.dumps(response, separators=(",", ":"), allow_nan=False).encode()


def encode_error(error: ApiError) -> bytes:
    """Write an error's answer."""
    return encode({"__type": error.name, "message": str(error), **error.members})
