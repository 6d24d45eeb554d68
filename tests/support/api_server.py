"""A real server on a loopback port, in a thread with an event loop of its own.

Ordinary clients block, so the server must not share their thread. The parts behind the API
are made by a factory inside the loop that they live on.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager

from api.app import App, Health
from api.context import Api
from api.gate import LoopbackGate
from api.operations import endpoints
from api.polls import Polls
from api.ports import WorkerHall
from api.server import HttpServer, bind
from api.wire import Wire
from api.worker import WorkerEndpoints

Parts = AbstractAsyncContextManager[tuple[Api, WorkerHall]]


@contextlib.contextmanager
def serve(parts: Callable[[], Parts]) -> Iterator[str]:
    """Run a server around the parts; yield its URL."""
    ready, stopping = threading.Event(), threading.Event()
    urls: list[str] = []
    failures: list[BaseException] = []

    async def run() -> None:
        async with parts() as (api, hall), http_server(api, hall) as url:
            urls.append(url)
            ready.set()
            await asyncio.to_thread(stopping.wait)

    def target() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:  # noqa: BLE001 - raised again below
            failures.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=target, name="api server")
    thread.start()
    ready.wait()
    try:
        if urls:
            yield urls[0]
    finally:
        stopping.set()
        thread.join()
    if failures:
        raise failures[0]


@contextlib.asynccontextmanager
async def http_server(api: Api, hall: WorkerHall) -> AsyncIterator[str]:
    """Serve the application on a free port of 127.0.0.1."""
    listener = bind("127.0.0.1", 0)
    port: int = listener.getsockname()[1]
    gate, polls = LoopbackGate(port), Polls()
    app = App(
        wire=Wire(endpoints(api), gate, polls),
        worker=WorkerEndpoints(hall, gate, polls),
        health=Health(version="test", reasons_not_ready=_nothing),
        gate=gate,
        polls=polls,
    )
    server = HttpServer(app, listener)
    await server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await server.stop()


async def _nothing() -> list[str]:
    return []
