"""One server process from its options to its end, as `serve`, `dev` and `run` have it."""

from __future__ import annotations

import argparse
import asyncio
import os
from datetime import timedelta
from socket import socket
from typing import TYPE_CHECKING

import structlog

from cli.authentication import SIGV4, master_keys

if TYPE_CHECKING:
    from cli.compose import Server, ServerOptions
    from storage.embedded import EmbeddedServer

log = structlog.get_logger(__name__)

_REVIVAL_SECONDS = 1.0


def server_options(
    options: argparse.Namespace,
    url: str,
    listener: socket,
    own_listener: socket | None = None,
) -> ServerOptions:
    """Return what a server process of these options is started with."""
    from api.arns import Site
    from cli.compose import ServerOptions  # loads the whole server
    from cli.lambdasettings import lambda_settings
    from cli.settings import read_settings

    keep, site = options.keep_days, Site.of_environment(os.environ)
    return ServerOptions(
        url=url,
        listener=listener,
        own_listener=own_listener,
        is_port_shared=getattr(options, "joined", False),
        is_signed=options.auth == SIGV4,
        masters=master_keys(options),
        lanes=options.lanes,
        lease_seconds=options.lease_seconds,
        worker_seconds=options.worker_seconds,
        site=site,
        settings=read_settings(options.config),
        functions=lambda_settings(
            options,
            os.environ,
            region=site.region,
            own_port=listener.getsockname()[1],
        ),
        keep=None if keep is None else timedelta(days=keep),
    )


async def until_ready(server: Server) -> None:
    """Wait until every shard has an engine."""
    while await server.readiness.reasons():
        await asyncio.sleep(0.02)


async def revive(embedded: EmbeddedServer | None) -> None:
    """Bring an embedded database back whenever its server has died, until cancelled."""
    while True:
        await asyncio.sleep(_REVIVAL_SECONDS)
        if embedded is not None and embedded.postmaster() is None:
            log.warning("embedded server died", data=str(embedded.data))
            await asyncio.to_thread(embedded.start)


def ready_line(endpoint: str, about: str) -> str:
    """Return the one line that says where the server is and how SDKs find it."""
    return (
        f"Stepwell is ready at {endpoint} ({about})."
        f" For AWS SDKs: export AWS_ENDPOINT_URL_SFN={endpoint}"
        " AWS_DISABLE_HOST_PREFIX_INJECTION=true"
    )


def database_environment(url: str) -> dict[str, str]:
    """Return what tells a child its database; not its command line, which all can read."""
    from storage.database import URL_VARIABLE

    return {URL_VARIABLE: url}


def this_process() -> str:
    """Name this process in a message."""
    return f"process {os.getpid()}"
