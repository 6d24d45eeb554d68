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

from api.app import Health
from api.arns import Site
from api.assembly import Surroundings, build_api, build_app
from api.context import Api
from api.gate import LoopbackGate
from api.ports import WorkerHall
from api.server import HttpServer, bind
from engine.engine import Engine, Installation
from storage.connections import connection_pool
from tests.support.recorder import SHARDS

KEYS = {1: b"k" * 32}

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
    health = Health(version="test", reasons_not_ready=_nothing)
    app = build_app(api, hall, gate=LoopbackGate(port), health=health)
    server = HttpServer(app, listener)
    await server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await server.stop()


async def _nothing() -> list[str]:
    return []


@contextlib.asynccontextmanager
async def engine_parts(
    url: str, site: Site | None = None
) -> AsyncIterator[tuple[Api, WorkerHall]]:
    """Run a whole engine, with every shard in its hands."""
    async with connection_pool(url) as pool:
        installation = Installation(shards=SHARDS, keys=KEYS)
        engine = Engine(url, installation, pool.connection)
        await engine.start()
        try:
            around = Surroundings(
                connections=pool.connection,
                shards=SHARDS,
                keys=KEYS,
                clock=engine.clock,
                site=site or Site(),
            )
            yield build_api(around, engine.service), engine.desk
        finally:
            await engine.stop()
