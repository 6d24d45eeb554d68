"""A lean HTTP/1.1 client: one kept connection, one request at a time.

A worker makes two requests per batch of tasks; general clients spend several times the
processor time on each (`python -m benchmarks.worker_alone`). httptools does the parsing.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import httptools

from stepwell.endpoint import Endpoint
from stepwell.errors import UnreachableError

CONNECT_SECONDS = 5.0


class ClosedError(UnreachableError):
    """The request was broken off on this side, on purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer of the server."""

    status: int
    body: bytes


class Channel:
    """A kept connection to a server; opens itself anew when it was lost."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._connection: _Connection | None = None
        self._closings = 0

    async def post(
        self,
        path: str,
        body: bytes,
        *,
        timeout: float,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a request and wait for its answer; raises UnreachableError."""
        connection = await self._connected()
        head = self._head(path, len(body), content_type, headers or {})
        try:
            return await connection.ask(head + body, timeout)
        except asyncio.CancelledError:
            self.close()  # the answer may still come: nobody may take it for another's
            raise

    def close(self) -> None:
        """Drop the connection; a request under way fails with UnreachableError."""
        self._closings += 1
        if self._connection is not None:
            self._connection.abort(ClosedError("closed"))
            self._connection = None

    async def _connected(self) -> "_Connection":
        if self._connection is not None and self._connection.is_open:
            return self._connection
        closings = self._closings
        connection = await self._connect()
        if closings != self._closings:
            connection.abort(ClosedError("closed"))
            raise ClosedError("closed")
        self._connection = connection
        return connection

    async def _connect(self) -> "_Connection":
        where = self._endpoint
        context = ssl.create_default_context() if where.is_tls else None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, connection = await loop.create_connection(
                    _Connection, where.host, where.port, ssl=context
                )
        except OSError as error:  # also TimeoutError and ssl.SSLError
            raise UnreachableError(str(error) or "timed out") from error
        return connection

    def _head(
        self, path: str, length: int, content_type: str, headers: Mapping[str, str]
    ) -> bytes:
        lines = [
            f"POST {self._endpoint.path}{path} HTTP/1.1",
            f"Host: {self._endpoint.authority}",
            f"Content-Type: {content_type}",
            f"Content-Length: {length}",
            *(f"{name}: {value}" for name, value in headers.items()),
            "\r\n",
        ]
        return "\r\n".join(lines).encode("latin-1")


class _Connection(asyncio.Protocol):
    """One connection; the parser calls the `on_` methods."""

    def __init__(self) -> None:
        self.is_open = False
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._answer: asyncio.Future[Response] | None = None

    async def ask(self, request: bytes, seconds: float) -> Response:
        assert self._transport is not None, "asked before the connection was made"
        assert self._answer is None, "one request at a time"
        loop = asyncio.get_running_loop()
        self._answer = loop.create_future()
        deadline = loop.call_later(
            seconds, self.abort, UnreachableError("no answer in time")
        )
        self._transport.write(request)
        try:
            return await self._answer
        finally:
            deadline.cancel()
            self._answer = None

    def abort(self, error: UnreachableError) -> None:
        self.is_open = False
        self._fail(error)
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.is_open = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        reason = str(exc) if exc else "the server closed the connection"
        self._fail(UnreachableError(reason))

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.abort(UnreachableError(f"not an HTTP answer: {error}"))

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        response = Response(
            status=self._parser.get_status_code(), body=b"".join(self._body)
        )
        self._body.clear()
        if not self._parser.should_keep_alive() and self._transport is not None:
            self.is_open = False
            self._transport.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(response)

    def _fail(self, error: UnreachableError) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
