"""Calls an ASGI application as a server would, with everything in hand."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from api.http import AsgiApp, Message

HOST = b"localhost:8083"


@dataclass
class Exchange:
    """One request, in as many chunks as wanted, and what was answered."""

    chunks: list[bytes]
    hang_up: asyncio.Event = field(default_factory=asyncio.Event)
    status: int | None = None
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""

    async def receive(self) -> Message:
        if self.chunks:
            body = self.chunks.pop(0)
            more = bool(self.chunks)
            return {"type": "http.request", "body": body, "more_body": more}
        await self.hang_up.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = dict(message["headers"])
        else:
            self.body += message.get("body", b"")


def request_scope(
    path: str, headers: dict[bytes, bytes], method: str = "POST"
) -> dict[str, Any]:
    """Build the scope of a request."""
    all_headers = {b"host": HOST, **headers}
    return {
        "type": "http",
        "method": method,
        "path": path,
        "headers": list(all_headers.items()),
    }


async def call(
    app: AsgiApp,
    path: str,
    headers: dict[bytes, bytes],
    chunks: Iterable[bytes] = (b"",),
    method: str = "POST",
) -> Exchange:
    """Make one request and return the exchange."""
    exchange = Exchange(list(chunks))
    scope = request_scope(path, headers, method)
    await app(scope, exchange.receive, exchange.send)
    return exchange
