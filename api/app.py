"""The ASGI application: which path goes where.

    POST /                            the AWS JSON 1.0 endpoint
    GET  /healthz /readyz /version    for whoever supervises the process
    POST /stepwell/v1/worker/...      the worker protocol

Everything else is 404. What a path asks of its caller is told by `access/routes.py`; where
that says nothing, nobody is let through.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

import orjson

from api.access.routes import OPEN, ROUTES
from api.errors import AccessDeniedException, ApiError
from api.gate import Gate
from api.http import (
    AsgiApp,
    ClientGone,
    Receive,
    Scope,
    Send,
    headers_of,
    read_body,
    respond_json,
)
from api.polls import Polls
from api.wire import encode_error
from api.worker import PREFIX

Answer: TypeAlias = dict[str, object]

_NOT_FOUND: Final = b'{"message":"Not found"}'
_NOT_ALLOWED: Final = b'{"message":"Method not allowed"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a supervisor may ask: the version, and why the process is not ready, if so."""

    version: str
    reasons_not_ready: Callable[[], Awaitable[list[str]]]


class App:
    """Routes by path; extra routes (a console, metrics) come as applications."""

    def __init__(
        self,
        *,
        wire: AsgiApp,
        worker: AsgiApp,
        health: Health,
        gate: Gate,
        polls: Polls,
        routes: dict[str, AsgiApp] | None = None,
    ) -> None:
        """Take the applications behind the paths."""
        self._wire = wire
        self._worker = worker
        self._gate = gate
        self._polls = polls
        self._routes: dict[str, AsgiApp] = {
            "/healthz": _Probe(_is_alive),
            "/readyz": _Probe(partial(_is_ready, health)),
            "/version": _Probe(partial(_version, health)),
            **(routes or {}),
        }

    def drain(self) -> None:
        """End the long polls, so that a server can stop without waiting for them."""
        self._polls.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request to the application of its path."""
        if scope["type"] != "http":
            await _decline(scope, receive, send)
            return
        path = scope["path"]
        if path == "/" and scope["method"] == "POST":
            await self._wire(scope, receive, send)
        elif path.startswith(PREFIX):
            await self._worker(scope, receive, send)
        else:
            await self._other(path, scope, receive, send)

    async def _other(
        self, path: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        route = self._routes.get(path)
        try:
            self._gate.check(headers_of(scope))
            if route is not None:
                await self._authorize(path, scope, receive)
        except ApiError as error:
            await respond_json(send, error.status, encode_error(error))
        except ClientGone:
            return
        else:
            if route is None:
                await respond_json(send, 404, _NOT_FOUND)
            else:
                await route(scope, receive, send)

    async def _authorize(self, path: str, scope: Scope, receive: Receive) -> None:
        """Refuse who may not have a path; the requests here have no bodies."""
        action = ROUTES.get(path)
        if action == OPEN:
            return
        admission = await self._gate.admit(scope)
        caller = admission(await read_body(receive, 0))
        if action is None:
            raise AccessDeniedException("Nobody may have this path.")
        caller.require_anywhere(action)


class _Probe:
    """Answers a GET with a status and a small JSON object."""

    def __init__(self, look: Callable[[], Awaitable[tuple[int, Answer]]]) -> None:
        self._look = look

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await respond_json(send, 405, _NOT_ALLOWED)
            return
        status, answer = await self._look()
        await respond_json(send, status, orjson.dumps(answer))


async def _is_alive() -> tuple[int, Answer]:
    return 200, {"status": "ok"}


async def _is_ready(health: Health) -> tuple[int, Answer]:
    reasons = await health.reasons_not_ready()
    if reasons:
        return 503, {"status": "not ready", "reasons": reasons}
    return 200, {"status": "ready"}


async def _version(health: Health) -> tuple[int, Answer]:
    return 200, {"version": health.version}


async def _decline(scope: Scope, receive: Receive, send: Send) -> None:
    """Acknowledge the server's start and stop; close web sockets."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1000})
        return
    while scope["type"] == "lifespan":
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
