"""Run the engine and the API.

Any number of servers may run on one database: they share its executions among them and take
over from each other. With --engines N this command starts N engine processes behind one port
and replaces those that die.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

from cli.authentication import (
    add_auth_option,
    admitted,
    check_keys,
    master_keys,
)
from cli.database import Database, add_database_options, open_database, prepare_schema
from cli.engineoptions import add_engine_options
from cli.errors import UsageError
from cli.listening import add_port_options
from cli.logs import add_log_level, configure_logs

if TYPE_CHECKING:
    from socket import socket


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    add_port_options(parser)
    add_auth_option(parser)
    parser.add_argument(
        "--engines",
        type=int,
        default=1,
        metavar="N",
        help="how many engine processes share the port (%(default)s)",
    )
    parser.add_argument(
        "--metrics-port",
        type=int,
        metavar="P",
        help="a port for each engine process: P, P + 1 and so on; /metrics is there",
    )
    # How a supervisor starts its engines: the port is reserved already.
    parser.add_argument("--joined", action="store_true", help=argparse.SUPPRESS)
    add_database_options(parser)
    add_engine_options(parser)
    add_log_level(parser)


def run(options: argparse.Namespace) -> int:
    """Serve until a signal."""
    from cli.lifetime import leave_in_order_on_sigterm
    from cli.listening import join, listen, reserve

    if options.engines < 1:
        raise UsageError("--engines must be 1 or more")
    configure_logs(options.log_level)
    leave_in_order_on_sigterm()
    is_supervised = options.engines > 1
    take = join if options.joined else reserve if is_supervised else listen
    masters = master_keys(options)  # refuses at once what would be refused later
    with (
        take(options.host, options.port, admitted(options)) as listener,
        open_database(options) as base,
    ):
        prepare_schema(base)
        if not options.joined:
            check_keys(options, base.url, masters)
        if is_supervised:
            _supervise(options, base, listener)
        elif options.metrics_port is None:
            _serve(options, base, listener)
        else:
            with listen(options.host, options.metrics_port, admitted(options)) as own:
                _serve(options, base, listener, own)
    return 0


def _serve(
    options: argparse.Namespace,
    base: Database,
    listener: socket,
    own: socket | None = None,
) -> None:
    """Be the one engine process."""
    from cli.compose import serving
    from cli.lifetime import Lifetime, run_loop
    from cli.serverprocess import (
        ready_line,
        revive,
        server_options,
        this_process,
        until_ready,
    )

    async def serve() -> None:
        life = Lifetime()
        chosen = server_options(options, base.url, listener, own)
        async with serving(chosen) as server:

            async def announce() -> None:
                await until_ready(server)
                if not options.joined:
                    print(ready_line(server.endpoint, this_process()), flush=True)

            announcing = asyncio.create_task(announce())
            await life.spend(server.ended(), revive(base.embedded))
            announcing.cancel()

    run_loop(serve)


def _supervise(options: argparse.Namespace, base: Database, listener: socket) -> None:
    """Start the engine processes and replace those that die."""
    from cli.children import stepwell_command
    from cli.client import Client
    from cli.engineoptions import engine_words
    from cli.lifetime import Lifetime, run_loop
    from cli.serverprocess import database_environment, ready_line, revive
    from cli.supervisor import Supervisor

    host, port = listener.getsockname()[:2]
    endpoint = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    words = ["serve", "--joined", f"--host={host}", f"--port={port}"]
    words += [f"--auth={options.auth}", *engine_words(options)]
    numbers = range(options.engines)
    supervisor = Supervisor(
        base.url,
        [stepwell_command(*words, *_own_port(options, number)) for number in numbers],
        environment=database_environment(base.url),
    )

    async def announce() -> None:
        while not await asyncio.to_thread(Client(endpoint).is_ready):
            await asyncio.sleep(0.05)
        about = f"{options.engines} engine processes"
        print(ready_line(endpoint, about), flush=True)

    async def supervise() -> None:
        life = Lifetime(drain_seconds=40.0)
        announcing = asyncio.create_task(announce())
        await life.spend(supervisor.run(), revive(base.embedded))
        announcing.cancel()

    run_loop(supervise)


def _own_port(options: argparse.Namespace, number: int) -> list[str]:
    first: int | None = options.metrics_port
    return [] if first is None else [f"--metrics-port={first + number}"]
