"""Run everything on this machine: an embedded PostgreSQL, the engine, the API, one worker.

The data stays in .stepwell/ (or --data): what was running goes on at the next start. The
worker serves the functions of FILE; it is started anew when it dies or FILE changes.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

from cli.authentication import (
    add_auth_option,
    check_keys,
    master_keys,
    require_access_key,
)
from cli.database import add_data_option, migrate_schema, open_database
from cli.engineoptions import add_engine_options
from cli.listening import DEFAULT_HOST, add_port_option
from cli.logs import add_log_level, configure_logs

if TYPE_CHECKING:
    from socket import socket

    from cli.compose import Server
    from cli.database import Database
    from cli.functions import FunctionsFile, FunctionsWorker


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument(
        "--functions",
        metavar="FILE",
        help="a Python file whose @task functions a worker serves",
    )
    add_port_option(parser)
    add_auth_option(parser)
    add_data_option(parser)
    add_engine_options(parser)
    add_log_level(parser, default="warning")


def run(options: argparse.Namespace) -> int:
    """Serve until a signal."""
    from cli.functions import FunctionsFile
    from cli.lifetime import leave_in_order_on_sigterm, run_loop
    from cli.listening import listen

    configure_logs(options.log_level)
    leave_in_order_on_sigterm()
    masters = master_keys(options)  # refuses at once what would be refused later
    if options.functions:
        require_access_key(options)
    options.database = None
    file = FunctionsFile(options.functions) if options.functions else None
    with listen(DEFAULT_HOST, options.port) as listener, open_database(options) as base:
        migrate_schema(base)
        check_keys(options, base.url, masters)
        run_loop(lambda: _develop(options, base, listener, file))
    return 0


async def _develop(
    options: argparse.Namespace,
    base: Database,
    listener: socket,
    file: FunctionsFile | None,
) -> None:
    """Serve, with a worker beside the server that ends before it."""
    from cli.compose import serving
    from cli.functions import FunctionsWorker
    from cli.lifetime import Lifetime
    from cli.serverprocess import revive, server_options

    life = Lifetime()
    async with serving(server_options(options, base.url, listener)) as server:
        others = [server.ended(), revive(base.embedded)]
        worker = None
        if file is not None:
            worker = FunctionsWorker(file, server.endpoint, options.log_level)
            others += [worker.run(), worker.watch()]
        announcing = asyncio.create_task(_announce(server, worker))
        await life.spend(*others)
        announcing.cancel()


async def _announce(server: Server, worker: FunctionsWorker | None) -> None:
    """Print the ready line, once the server and its worker can be used."""
    from cli.serverprocess import ready_line, until_ready

    await until_ready(server)
    about = "without functions: give --functions FILE"
    if worker is not None:
        about = await _served(server, worker)
    print(ready_line(server.endpoint, about), flush=True)


async def _served(server: Server, worker: FunctionsWorker) -> str:
    """Wait for the worker's first poll, or its first death; say what it serves."""
    sessions = server.engine.hall.sessions
    while not sessions and not worker.has_died.is_set():
        await asyncio.sleep(0.02)
    names = sorted({name for each in sessions.values() for name in each.functions})
    return f"functions: {', '.join(names)}" if names else "its worker has not started"
