"""What the processes that are killed do: serve as an engine with its API, or as a worker.

They are forked from a server that has imported everything already, so that a restart takes
milliseconds and a round of kills seconds.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvloop

from api.server import bind
from cli.compose import ServerOptions, serving
from stepwell import command, worker  # noqa: F401 - loaded before the fork
from tests.crash import functions

_DIE_WITH_PARENT = 1


@dataclass(frozen=True, slots=True)
class Times:
    """How long leases and silent workers last, in seconds."""

    lease: float = 1.0
    worker: float = 1.0


def engine(url: str, port: int, log: Path, times: Times) -> None:
    """Serve the API and hold shards."""
    _settle(log)
    structlog.configure(
        processors=[
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    uvloop.run(_serve(url, port, times))


async def _serve(url: str, port: int, times: Times) -> None:
    options = ServerOptions(
        url=url,
        listener=bind("127.0.0.1", port),
        lanes=2,
        lease_seconds=times.lease,
        worker_seconds=times.worker,
    )
    async with serving(options) as server:
        await server.ended()


def sdk_worker(endpoint: str, name: str, log: Path, ledger: Path) -> None:
    """Serve the functions."""
    _settle(log)
    os.environ[functions.LEDGER] = str(ledger)
    app = str(Path(functions.__file__))
    given = [app, "--endpoint", endpoint, "--name", name, "--concurrency", "8"]
    sys.exit(command.main(given))


def _settle(log: Path) -> None:
    """Write into the log, and never outlive the server this was forked from."""
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(output, 1)
    os.dup2(output, 2)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    asyncio.set_event_loop(None)
