"""A scripted server for the tests of the SDK."""

import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.unit.stepwell.scripted_server import ScriptedServer


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port that refuses connections until somebody listens."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    yield listener
    listener.close()


@pytest.fixture
async def server(listener: socket.socket) -> AsyncIterator[ScriptedServer]:
    """A server that answers what the test tells it to."""
    server = ScriptedServer(listener)
    await server.open()
    yield server
    await server.close()
