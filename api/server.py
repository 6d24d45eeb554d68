"""The HTTP server under the API: uvicorn, inside the process's one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import sys
from collections.abc import Iterator
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.app import App

_BACKLOG: Final = 2048
_GRACE_SECONDS: Final = 10
_KEEP_ALIVE_SECONDS: Final = 75
_TICK_SECONDS: Final = 1.0
_MAX_HEAD_BYTES: Final = 64 * 1024
# What of the files that a process may have open is not for clients.
_FILES_OF_OURS: Final = 256
# A client that has not sent the whole of a request by then is hung up on.
_REQUEST_SECONDS: Final = 60.0
# So is one that has not taken its answer by then, up to the little that a socket holds.
_ANSWER_SECONDS: Final = 300.0


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs the process, and ends as soon as it is told to."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        """Keep the responses' date, which counts seconds, until told to end."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), _TICK_SECONDS)

    def end(self) -> None:
        """Tell it to end."""
        self.should_exit = True
        self._told.set()


class _Protocol(HttpToolsProtocol):
    """Hangs up on clients that would hold a connection for ever.

    So are those that there are no files for (without files the database could not be
    reached either), heads and trailers without end, which would be gathered, requests that
    stop half-way or come drop by drop, and answers that nobody takes. A request that comes
    in one piece and an answer that is taken at once, as nearly all are, set no clock going.

    Trailers are dropped: they come after it was decided who is admitted.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._is_in_head = True
        self._bytes_for_nothing = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        if len(self.connections) > most_connections():
            transport.abort()
        else:
            self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._await_nothing()
        self._await_no_reader()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._bytes_for_nothing += len(data)
        super().data_received(data)
        if self._bytes_for_nothing > _MAX_HEAD_BYTES:
            self.transport.abort()
        elif self._is_in_head and not self._bytes_for_nothing:
            self._await_nothing()
        else:
            self._await_request()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reading = self.loop.call_later(_ANSWER_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        self._await_no_reader()
        super().resume_writing()

    def _await_no_reader(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _await_request(self) -> None:
        """Give the request that has begun its time, unless that runs already."""
        if self._deadline is None:
            self._deadline = self.loop.call_later(
                _REQUEST_SECONDS, self.transport.abort
            )

    def _await_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._is_in_head, self._bytes_for_nothing = False, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._bytes_for_nothing = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_in_head, self._bytes_for_nothing = True, 0
        super().on_message_complete()


def most_connections() -> int:
    """Return how many clients may be connected: the database needs files of the process, too."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return sys.maxsize
    return max(files // 2, files - _FILES_OF_OURS)


class HttpServer:
    """Serves an application on one socket until it is stopped."""

    def __init__(self, app: App, *listeners: socket.socket) -> None:
        """Take bound sockets, so that the ports are known before anything starts.

        The first one is the server's address for everybody.
        """
        config = uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            loop="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        self._app = app
        self._listeners = list(listeners)
        self._server = _Server(config)
        self._serving: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        port: int = self._listeners[0].getsockname()[1]
        return port

    async def start(self) -> None:
        """Accept connections; return at once."""
        for listener in self._listeners:
            listener.listen(_BACKLOG)
        self._serving = asyncio.create_task(self._server.serve(self._listeners))

    async def ended(self) -> None:
        """Wait until it serves no more, whatever the reason."""
        if self._serving is not None:
            await asyncio.shield(self._serving)

    async def stop(self) -> None:
        """Stop accepting, end the long polls, let the other requests finish."""
        if self._serving is None:
            return
        self._app.drain()
        self._server.end()
        await self._serving
        self._serving = None


def bind(host: str, port: int) -> socket.socket:
    """Return a bound socket; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener
