"""Which database, and how to connect to it.

In this order: the URL given, the one in STEPWELL_DATABASE_URL, and else an embedded
server on a data folder, run with the programs of the wheel or those of the system.
"""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg

from storage.embedded import EmbeddedServer

URL_VARIABLE: Final = "STEPWELL_DATABASE_URL"
DEFAULT_DATA: Final = Path(".stepwell")
CONNECT_SECONDS: Final = 10


@contextlib.contextmanager
def open_database(url: str | None = None, data: Path | None = None) -> Iterator[str]:
    """Yield the URL of the database; run the embedded server while in the block.

    A data folder that is asked for by name wins over the environment.
    """
    given = configured_url(url, data)
    if given is not None:
        yield given
        return
    with EmbeddedServer(data or DEFAULT_DATA) as server:
        yield server.url


def configured_url(url: str | None = None, data: Path | None = None) -> str | None:
    """Return the URL to use, or None where the embedded server is to be used."""
    if url is None and data is None:
        url = os.environ.get(URL_VARIABLE)
    return libpq_url(url) if url else None


def libpq_url(url: str) -> str:
    """Return a database URL without the driver that SQLAlchemy writes into it."""
    return re.sub(r"^(postgres(?:ql)?)\+\w+://", r"\1://", url)


def hidden_password(url: str) -> str:
    """Return a database URL fit to be shown."""
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", url)


def connect(url: str, *, autocommit: bool = False) -> psycopg.Connection:
    """Open a connection of the plain kind."""
    return psycopg.connect(
        libpq_url(url), autocommit=autocommit, connect_timeout=CONNECT_SECONDS
    )


async def connect_async(
    url: str, *, autocommit: bool = False
) -> psycopg.AsyncConnection:
    """Open a connection for the event loop."""
    return await psycopg.AsyncConnection.connect(
        libpq_url(url), autocommit=autocommit, connect_timeout=CONNECT_SECONDS
    )
