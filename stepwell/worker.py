"""The worker: serves functions to the workflows of a server, over HTTP.

Three kinds of threads. The caller's runs the conversation with the server (`polling.py`,
`reporting.py`) and nothing of the user; plain functions run on a pool of threads, async
ones on a loop of their own. So a function that blocks never silences the worker.
"""

import asyncio
import os
import socket
import uuid
from collections.abc import Callable, Coroutine, Iterable

from stepwell.crew import Crew
from stepwell.endpoint import endpoint_url
from stepwell.errors import ApiError
from stepwell.inventory import Inventory
from stepwell.mailbox import Mailbox, log
from stepwell.polling import Poller
from stepwell.reporting import Reporter
from stepwell.session import TROUBLE, Backoff, Session
from stepwell.signing import access_key
from stepwell.tasks import Function, task_functions
from stepwell.transport import Channel

DEFAULT_CONCURRENCY = 64
DEFAULT_DRAIN_SECONDS = 25.0


class Worker:
    """Serves functions until it is stopped; a server that is away is waited for."""

    def __init__(
        self,
        functions: Iterable[Function],
        *,
        endpoint: str | None = None,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        concurrency: int = DEFAULT_CONCURRENCY,
        name: str | None = None,
        drain_seconds: float = DEFAULT_DRAIN_SECONDS,
    ) -> None:
        if concurrency < 1:
            msg = f"concurrency must be at least 1, not {concurrency}"
            raise ValueError(msg)
        self.functions = task_functions(functions)
        self.endpoint = endpoint_url(endpoint)
        self._key = access_key(access_key_id, secret_access_key)
        self.name = name or f"{socket.gethostname()}-{os.getpid()}"
        self.session_id = uuid.uuid4().hex
        self.concurrency = concurrency
        self.first_pause_seconds = 0.1  # before a request is repeated
        self.parting_seconds = 2.0  # for the last report and the goodbye
        self._drain_seconds = drain_seconds
        self._stop = asyncio.Event()
        self._give_up = asyncio.Event()

    def stop(self) -> None:
        """Drain and end; a second call gives up what still runs. For the loop's thread."""
        if self._stop.is_set():
            self._give_up.set()
        self._stop.set()

    async def run(self) -> bool:
        """Serve until `stop`; returns whether everything in hand was finished.

        ApiError when the server says that the key may not, or is none.
        """
        inventory = Inventory()
        mailbox = Mailbox(asyncio.get_running_loop())
        room = asyncio.Event()
        session = Session(
            session_id=self.session_id,
            name=self.name,
            functions=list(self.functions),
            endpoint=self.endpoint,
            key=self._key,
        )
        crew = Crew(
            self.functions, inventory, concurrency=self.concurrency, mailbox=mailbox
        )
        reporter = Reporter(
            session,
            inventory,
            crew,
            mailbox=mailbox,
            room=room,
            backoff=Backoff(self.first_pause_seconds),
        )
        poller = Poller(
            session,
            inventory,
            crew,
            room=room,
            concurrency=self.concurrency,
            backoff=Backoff(self.first_pause_seconds),
        )
        life = _Life(session, crew, reporter, poller)
        try:
            is_drained = await life.spend(
                self._stop, self._give_up, self._drain_seconds
            )
            await life.part(is_drained, self.parting_seconds)
        except ApiError:
            await life.part(False, self.parting_seconds)
            raise
        finally:
            life.close()
        return is_drained


class _Life:
    """The course of a worker's life: serve, drain, part."""

    def __init__(
        self, session: Session, crew: Crew, reporter: Reporter, poller: Poller
    ) -> None:
        self._session = session
        self._crew = crew
        self._reporter = reporter
        self._poller = poller

    async def spend(
        self, stop: asyncio.Event, give_up: asyncio.Event, drain_seconds: float
    ) -> bool:
        polling = asyncio.create_task(_lasting(self._poller.run))
        reporting = asyncio.create_task(_lasting(self._reporter.run))
        try:
            await _until(stop, polling)
            log.info("stopping: finishing what is in hand")
            self._poller.drain()
            is_drained = await _first(polling, give_up, drain_seconds)
        finally:
            polling.cancel()
            reporting.cancel()
            await asyncio.gather(polling, reporting, return_exceptions=True)
        return is_drained

    async def part(self, is_drained: bool, seconds: float) -> None:
        returned = [] if is_drained else self._crew.abandon()
        channel = Channel(self._session.endpoint)
        try:
            async with asyncio.timeout(seconds):
                await self._reporter.finish_up()
                await self._session.bye(channel, returned)
        except (*TROUBLE, TimeoutError) as error:
            log.warning("left without a goodbye: %s", str(error) or "no answer in time")
        finally:
            channel.close()

    def close(self) -> None:
        self._poller.close()
        self._reporter.close()
        self._crew.close()


async def _lasting(run: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run a loop of the worker again after an error of ours: a worker never ends so."""
    backoff = Backoff()
    while True:
        try:
            return await run()
        except ApiError:
            raise
        except Exception:  # noqa: BLE001  the outermost loop
            log.exception("internal error of the worker, going on")
            await asyncio.sleep(backoff.next())


async def _until(stop: asyncio.Event, polling: "asyncio.Task[None]") -> None:
    """Wait until told to stop; raise what has ended the polls before that."""
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({stopping, polling}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if polling.done():
        polling.result()


async def _first(
    polling: "asyncio.Task[None]", give_up: asyncio.Event, seconds: float
) -> bool:
    """Wait for the drain, the second stop or the limit; returns whether it drained."""
    giving_up = asyncio.create_task(give_up.wait())
    await asyncio.wait(
        {polling, giving_up}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
    )
    giving_up.cancel()
    return polling.done() and polling.exception() is None
