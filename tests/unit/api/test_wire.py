from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from api.access.callers import Caller
from api.errors import ConflictException, SerializationException, ValidationException
from api.gate import LoopbackGate
from api.polls import Polls
from api.wire import Endpoint, RequestIds, Wire, encode
from tests.unit.api.asgi import Exchange, call, request_scope

TYPE = b"application/x-amz-json-1.0"


@dataclass
class Echo:
    """An operation of the tests: answers what it is told to."""

    answer: Any = None
    started: asyncio.Event | None = None

    def read(self, body: object) -> object:
        if body == "bad":
            raise SerializationException("Bad.")
        return body

    def authorize(self, caller: Caller, _request: object) -> None:
        caller.require("states:Echo", "*")

    async def run(self, _caller: Caller, request: object) -> dict[str, Any]:
        if self.started is not None:
            self.started.set()
            await asyncio.Event().wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"got": request} if self.answer is None else self.answer


def wire(echo: Echo, *, waits: bool = False, polls: Polls | None = None) -> Wire:
    endpoint = Endpoint(echo.read, echo.authorize, echo.run, waits=waits)
    return Wire({"Echo": endpoint}, LoopbackGate(8083), polls or Polls())


async def ask(
    echo: Echo, body: bytes = b"{}", headers: dict[bytes, bytes] | None = None
) -> Exchange:
    named = {b"content-type": TYPE, b"x-amz-target": b"AWSStepFunctions.Echo"}
    return await call(wire(echo), "/", {**named, **(headers or {})}, [body])


def error_of(exchange: Exchange) -> tuple[int | None, str]:
    return exchange.status, json.loads(exchange.body)["__type"]


async def test_answer_is_json_with_a_request_id() -> None:
    exchange = await ask(Echo(), b'{"a": 1}')

    assert (exchange.status, exchange.body) == (200, b'{"got":{"a":1}}')
    assert exchange.headers[b"content-type"] == TYPE
    assert len(exchange.headers[b"x-amzn-requestid"]) == 36


async def test_error_has_its_name_message_and_members() -> None:
    exchange = await ask(Echo(ValidationException("No.", reason="X")))

    assert exchange.status == 400
    assert json.loads(exchange.body) == {
        "__type": "ValidationException",
        "message": "No.",
        "reason": "X",
    }


async def test_conflict_is_409() -> None:
    assert error_of(await ask(Echo(ConflictException("Busy.")))) == (
        409,
        "ConflictException",
    )


async def test_failure_of_ours_is_logged_under_the_request_id() -> None:
    with capture_logs() as logs:
        exchange = await ask(Echo(RuntimeError("secret")))

    request_id = exchange.headers[b"x-amzn-requestid"].decode()
    assert error_of(exchange) == (500, "InternalServerError")
    assert b"secret" not in exchange.body
    assert [entry["request_id"] for entry in logs] == [request_id]


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({b"content-type": b"application/json"}, "UnknownOperationException"),
        ({b"content-type": b"application/x-amz-json-1.1"}, "UnknownOperationException"),
        ({b"x-amz-target": b"AWSStepFunctions.Nope"}, "UnknownOperationException"),
        ({b"x-amz-target": b"Echo"}, "UnknownOperationException"),
        ({b"content-encoding": b"gzip"}, "SerializationException"),
        ({b"host": b"example.com:8083"}, "AccessDeniedException"),
        ({b"origin": b"http://example.com"}, "AccessDeniedException"),
    ],
)
async def test_strange_headers_are_refused(
    headers: dict[bytes, bytes], name: str
) -> None:
    assert error_of(await ask(Echo(), headers=headers))[1] == name


async def test_content_type_may_have_parameters() -> None:
    exchange = await ask(Echo(), headers={b"content-type": TYPE + b"; charset=utf-8"})

    assert exchange.status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b"\xef\xbb\xbf{}",
        b'{"a": "\xff"}',
        b'{"a": "\\ud800"}',
        b"[" * 2_000 + b"]" * 2_000,
        b'{"a": ' + b"9" * 5_000 + b"e99999}",
        b'"bad"',
    ],
    ids=lambda body: repr(body[:16]),
)
async def test_body_that_is_no_json_is_refused(body: bytes) -> None:
    assert error_of(await ask(Echo(), body)) == (400, "SerializationException")


async def test_empty_body_is_an_empty_object() -> None:
    assert (await ask(Echo(), b"")).body == b'{"got":{}}'


async def test_body_over_the_cap_is_refused() -> None:
    exchange = await ask(Echo(), b" " * 1_048_577)

    assert error_of(exchange) == (413, "RequestEntityTooLargeException")


async def test_body_may_come_in_chunks() -> None:
    headers = {b"content-type": TYPE, b"x-amz-target": b"AWSStepFunctions.Echo"}

    exchange = await call(wire(Echo()), "/", headers, [b'{"a"', b": 1", b"}"])

    assert exchange.body == b'{"got":{"a":1}}'


async def test_chunks_over_the_cap_are_read_to_their_end_and_refused() -> None:
    headers = {b"content-type": TYPE, b"x-amz-target": b"AWSStepFunctions.Echo"}
    chunks = [b" " * 600_000] * 3

    exchange = await call(wire(Echo()), "/", headers, chunks)

    assert error_of(exchange) == (413, "RequestEntityTooLargeException")


def poll_of(app: Wire) -> tuple[Exchange, asyncio.Task[None]]:
    headers = {b"content-type": TYPE, b"x-amz-target": b"AWSStepFunctions.Echo"}
    exchange = Exchange([b"{}"])
    scope = request_scope("/", headers)
    running = app(scope, exchange.receive, exchange.send)
    return exchange, asyncio.ensure_future(running)


async def test_poll_ends_when_its_client_hangs_up() -> None:
    echo = Echo(started=asyncio.Event())
    assert echo.started is not None
    exchange, polling = poll_of(wire(echo, waits=True))
    await echo.started.wait()

    exchange.hang_up.set()
    await polling

    assert exchange.status is None


async def test_poll_ends_empty_when_the_server_closes() -> None:
    echo, polls = Echo(started=asyncio.Event()), Polls()
    assert echo.started is not None
    exchange, polling = poll_of(wire(echo, waits=True, polls=polls))
    await echo.started.wait()

    polls.close()
    await polling

    assert (exchange.status, exchange.body) == (200, b"{}")


async def test_poll_after_the_close_ends_at_once() -> None:
    echo, polls = Echo(started=asyncio.Event()), Polls()
    polls.close()

    exchange, polling = poll_of(wire(echo, waits=True, polls=polls))
    await polling

    assert exchange.body == b"{}"


def test_request_ids_do_not_repeat() -> None:
    ids = RequestIds()

    assert len({ids.next() for _ in range(100)}) == 100


def test_lone_surrogates_are_escaped() -> None:
    assert orjson.loads(b'{"a":1}') == json.loads(encode({"a": 1}))
    assert encode({"cause": "\ud800"}) == b'{"cause":"\\ud800"}'
