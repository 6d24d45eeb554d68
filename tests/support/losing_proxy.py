"""A proxy before PostgreSQL that loses a connection just before or after a statement.

What a lost connection at COMMIT means can only be tested where it is known whether the
commit has landed. The proxy reads the frontend messages, so it knows which statement an
Execute runs; `before` never lets it reach the server, `after` lets the server finish and
swallows the answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_INT = struct.Struct("!I")


@dataclass(slots=True)
class Loss:
    """One connection to be lost: of which application, around which statement."""

    application: str
    statement: str
    is_before: bool
    happened: asyncio.Event = field(default_factory=asyncio.Event)


class LosingProxy:
    """Forwards connections until one is to be lost."""

    def __init__(self, url: str) -> None:
        given = conninfo_to_dict(url)
        self._host, self._port = str(given["host"]), int(given.get("port") or 5432)
        self._given = given
        self._losses: list[Loss] = []
        self._lines: set[asyncio.Task[None]] = set()
        self.url = ""

    def lose(self, statement: str, *, before: bool, application: str = "") -> Loss:
        """Lose the next connection that runs a statement; applications by their prefix."""
        loss = Loss(application, statement, before)
        self._losses.append(loss)
        return loss

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[LosingProxy]:
        """Listen on a loopback port while in the block."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        plain = {"sslmode": "disable", "gssencmode": "disable"}
        self.url = make_conninfo(
            "", **self._given | plain | {"host": "127.0.0.1", "port": port}
        )
        try:
            yield self
        finally:
            server.close()
            for line in self._lines:
                line.cancel()
            await asyncio.gather(*self._lines, return_exceptions=True)

    async def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self._host.startswith("/"):
            path = f"{self._host}/.s.PGSQL.{self._port}"
            upstream = await asyncio.open_unix_connection(path)
        else:
            upstream = await asyncio.open_connection(self._host, self._port)
        line = asyncio.create_task(_Line(self._losses, reader, writer, *upstream).run())
        self._lines.add(line)
        line.add_done_callback(self._lines.discard)


class _Line:
    """One connection through the proxy."""

    def __init__(
        self,
        losses: list[Loss],
        client: asyncio.StreamReader,
        to_client: asyncio.StreamWriter,
        server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
    ) -> None:
        self._losses = losses
        self._client, self._to_client = client, to_client
        self._server, self._to_server = server, to_server
        self._application = ""
        self._statements: dict[bytes, str] = {}
        self._portals: dict[bytes, str] = {}
        self._loss: Loss | None = None

    async def run(self) -> None:
        ways = [asyncio.create_task(way) for way in (self._forth(), self._back())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._to_server.transport.abort()
            self._to_client.transport.abort()
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        if self._loss is not None:
            self._loss.happened.set()

    async def _forth(self) -> None:
        head = await self._client.readexactly(4)
        startup = await self._client.readexactly(_INT.unpack(head)[0] - 4)
        words = startup[4:].split(b"\0")
        named = dict(zip(words[::2], words[1::2], strict=False))
        self._application = named.get(b"application_name", b"").decode()
        self._to_server.write(head + startup)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                kind, body = await _message(self._client)
                if self._is_lost(kind, body) and self._loss and self._loss.is_before:
                    await self._to_server.drain()
                    return
                self._to_server.write(kind + _INT.pack(len(body) + 4) + body)
                await self._to_server.drain()

    def _is_lost(self, kind: bytes, body: bytes) -> bool:
        """Note what a message says; tell whether it runs the statement."""
        words = body.split(b"\0", 2)
        match kind:
            case b"P":
                self._statements[words[0]] = words[1].decode()
            case b"B":
                self._portals[words[0]] = self._statements.get(words[1], "")
            case b"E":
                return self._matches(self._portals.get(words[0], ""))
            case b"Q":
                return self._matches(words[0].decode())
            case _:
                pass
        return False

    def _matches(self, statement: str) -> bool:
        for loss in self._losses:
            if loss.statement in statement and self._application.startswith(
                loss.application
            ):
                self._losses.remove(loss)
                self._loss = loss
                return True
        return False

    async def _back(self) -> None:
        """Forward answers; once the statement was run, end with the next ReadyForQuery."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                kind, body = await _message(self._server)
                if self._loss is None:
                    self._to_client.write(kind + _INT.pack(len(body) + 4) + body)
                    await self._to_client.drain()
                elif kind == b"Z" and not self._loss.is_before:
                    return


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(5)
    return head[:1], await reader.readexactly(_INT.unpack(head[1:])[0] - 4)
