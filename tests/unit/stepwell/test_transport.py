"""The HTTP client against byte streams of all sorts."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from stepwell.endpoint import Endpoint
from stepwell.errors import UnreachableError
from stepwell.transport import Channel
from tests.unit.stepwell.scripted_server import ScriptedServer

PLAIN = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
CHUNKED = (
    b"HTTP/1.1 503 Busy\r\ntransfer-encoding: chunked\r\n\r\n"
    b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
)
CLOSING = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


@contextlib.asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[tuple[Channel, list[bytes]]]:
    """A server that gives these answers in turn, whatever the connection."""
    heads: list[bytes] = []
    rest = list(answers)
    connections: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                heads.append(await reader.readuntil(b"\r\n\r\n"))
                await reader.readexactly(4)
                answer = rest.pop(0)
                writer.write(answer)
                if not answer or b"close" in answer:
                    break
        writer.close()
        await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    channel = Channel(Endpoint.parse(f"http://127.0.0.1:{port}/base/"))
    try:
        yield channel, heads
    finally:
        channel.close()
        server.close()
        await asyncio.gather(*connections, return_exceptions=True)
        await server.wait_closed()


async def ask(channel: Channel, timeout: float = 20) -> tuple[int, bytes]:
    response = await channel.post(
        "/path", b"body", timeout=timeout, headers={"X-Amz-Target": "a"}
    )
    return response.status, response.body


async def test_answers_of_all_framings_are_read_over_as_few_connections() -> None:
    async with answering(PLAIN, CHUNKED, CLOSING, PLAIN) as (channel, heads):
        answers = [await ask(channel) for _ in range(4)]

    assert answers == [(200, b"ok"), (503, b"abcde"), (200, b""), (200, b"ok")]
    assert heads[0].startswith(b"POST /base/path HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"X-Amz-Target: a\r\n" in heads[0]


async def test_a_connection_lost_without_an_answer_is_an_error_and_made_anew() -> None:
    async with answering(b"", PLAIN) as (channel, _):
        with pytest.raises(UnreachableError):
            await ask(channel)
        answer = await ask(channel)

    assert answer == (200, b"ok")


async def test_what_is_not_http_is_an_error() -> None:
    async with answering(b"SSH-2.0\r\n\r\n") as (channel, _):
        with pytest.raises(UnreachableError, match="not an HTTP answer"):
            await ask(channel)


async def test_an_answer_that_does_not_come_is_an_error() -> None:
    async with answering(b"HTTP/1.1 200 OK\r\n") as (channel, _):
        with pytest.raises(UnreachableError, match="no answer in time"):
            await ask(channel, timeout=0.01)


async def test_a_late_answer_to_a_cancelled_request_is_not_the_nexts(
    server: ScriptedServer,
) -> None:
    channel = Channel(Endpoint.parse(server.endpoint))
    asking = asyncio.create_task(channel.post("/a", b"{}", timeout=20))
    first = await server.next("a")
    asking.cancel()
    first.reply("first")
    again = asyncio.create_task(channel.post("/a", b"{}", timeout=20))
    (await server.next("a")).reply("second")
    answer = await again
    channel.close()

    assert answer.body == b'"second"'


@pytest.mark.parametrize("url", ["127.0.0.1:8083", "ftp://x", "http://"])
def test_an_endpoint_must_be_a_url(url: str) -> None:
    with pytest.raises(ValueError, match="is not an endpoint"):
        Endpoint.parse(url)


def test_an_endpoint_has_parts() -> None:
    endpoint = Endpoint.parse("https://user@[::1]/prefix/")

    assert (endpoint.host, endpoint.port, endpoint.is_tls) == ("::1", 443, True)
    assert (endpoint.authority, endpoint.path) == ("[::1]", "/prefix")
