"""A whole server on a loopback port, in a thread with an event loop of its own.

Ordinary clients block, so the server must not share their thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from api.arns import Site
from cli.compose import ServerOptions, serving
from cli.listening import listen
from cli.settings import Settings
from storage.master_keys import MasterKeys


@contextlib.contextmanager
def serve(
    url: str,
    site: Site | None = None,
    masters: MasterKeys | None = None,
    settings: Settings | None = None,
    worker_seconds: float = 7.0,
    is_signed: bool | None = None,
) -> Iterator[str]:
    """Run a server over a database; yield the endpoint.

    With master keys it wants signatures, unless it is told not to.
    """
    ready, stopping = threading.Event(), threading.Event()
    endpoints: list[str] = []
    failures: list[BaseException] = []
    options = ServerOptions(
        url=url,
        listener=listen("127.0.0.1", 0),
        site=site or Site(),
        is_signed=masters is not None if is_signed is None else is_signed,
        masters=masters,
        settings=settings or Settings(),
        worker_seconds=worker_seconds,
    )

    async def run() -> None:
        async with serving(options) as server:
            endpoints.append(server.endpoint)
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
        if endpoints:
            yield endpoints[0]
    finally:
        stopping.set()
        thread.join()
        options.listener.close()
    if failures:
        raise failures[0]
