"""Which database, and how to connect to it.

In this order: the URL given, the one in STEPWELL_DATABASE_URL, and else an embedded
server on a data folder, run with the programs of the wheel or those of the system.
"""

import os
import re
from pathlib import Path
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from storage.errors import StorageError

URL_VARIABLE: Final = "STEPWELL_DATABASE_URL"
DEFAULT_DATA: Final = Path(".stepwell")
CONNECT_SECONDS: Final = 10


def configured_url(url: str | None = None, data: Path | None = None) -> str | None:
    """Return the URL to use, or None where the embedded server is to be used.

    A data folder that is asked for by name wins over the environment.
    """
    if url is None and data is None:
        url = os.environ.get(URL_VARIABLE)
    return _readable(libpq_url(url)) if url else None


def _readable(url: str) -> str:
    """Return a URL that libpq understands; refuse any other."""
    try:
        conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        reason = (
            f"no database: {hidden_password(url)}: give postgresql://USER@HOST/NAME"
        )
        raise StorageError(reason) from None
    return url


def libpq_url(url: str) -> str:
    """Return a database URL without the driver that SQLAlchemy writes into it."""
    return re.sub(r"^(postgres(?:ql)?)\+\w+://", r"\1://", url)


def hidden_password(url: str) -> str:
    """Return a database URL fit to be shown, or what somebody took for one."""
    without = re.sub(r"((?:^|/)[^:/@]*):(?!//)[^@]*@", r"\1:***@", url)
    return re.sub(r"(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]*)", r"\1***", without)


def connect(url: str, *, autocommit: bool = False) -> psycopg.Connection:
    """Open a connection of the plain kind."""
    return psycopg.connect(
        libpq_url(url), autocommit=autocommit, connect_timeout=CONNECT_SECONDS
    )
