"""The little of HTTP that the raw ASGI endpoints share: bodies in, answers out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final, TypeAlias

from api.errors import RequestEntityTooLargeException, SerializationException

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
AsgiApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers: TypeAlias = Mapping[bytes, bytes]

JSON_TYPE: Final = b"application/json"

# A client that stops in the middle of its request is given up after this.
_BODY_SECONDS: Final = 30.0
# What is read and dropped of a body over the cap, so that its sender hears the answer.
_DRAINED_BYTES: Final = 16 * 1024 * 1024


class ClientGone(Exception):  # noqa: N818 - it is a fact about the client, no fault
    """The client hung up; nobody waits for an answer."""


def headers_of(scope: Scope) -> Headers:
    """Return the request's headers, names in lower case, the last of equal names."""
    return dict(scope["headers"])


def media_type(headers: Headers) -> bytes:
    """Return the content type without its parameters."""
    return headers.get(b"content-type", b"").partition(b";")[0].strip().lower()


async def read_body(receive: Receive, cap: int) -> bytes:
    """Return the whole body, up to `cap` bytes."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        body = await _read_rest(receive, body, cap)
    if len(body) > cap:
        raise _too_large(cap)
    return body


async def _read_rest(receive: Receive, first: bytes, cap: int) -> bytes:
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            body = await _gather(receive, first, cap)
    except TimeoutError:
        raise SerializationException("The request's body did not arrive.") from None
    if body is None:
        raise _too_large(cap)
    return body


async def _gather(receive: Receive, first: bytes, cap: int) -> bytes | None:
    """Read to the end, or to where nobody would; return None for too large a body."""
    chunks, size, more = [first], len(first), True
    while more and size <= _DRAINED_BYTES:
        chunk, more = await _next_chunk(receive)
        size += len(chunk)
        if size <= cap:
            chunks.append(chunk)
    return b"".join(chunks) if size <= cap else None


async def _next_chunk(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message.get("body", b""), message.get("more_body", False)


def _too_large(cap: int) -> RequestEntityTooLargeException:
    return RequestEntityTooLargeException(f"A request may have {cap} bytes at most.")


async def respond(
    send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    """Send a whole answer."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def respond_json(send: Send, status: int, body: bytes) -> None:
    """Send a JSON answer that no cache may keep."""
    headers = [
        (b"content-type", JSON_TYPE),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    await respond(send, status, body, headers)
