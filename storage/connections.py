"""Connections for reads and for everything off the engine's hot path.

What reads and writes with SQL takes a `Connections`: something that lends a connection in
autocommit mode for the length of an `async with`, as the pool's `connection` does. A read
is then one round trip; who changes something opens a transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final, TypeAlias

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from storage import roles
from storage.database import libpq_url

Connection: TypeAlias = AsyncConnection[TupleRow]
Connections: TypeAlias = Callable[[], AbstractAsyncContextManager[Connection]]

# How long a request waits for a free connection before it is refused.
PATIENCE_SECONDS: Final = 10.0
# How long one of its statements may take, or may hold what it has locked.
_BOUNDS: Final = (
    "SET statement_timeout = '30s'",
    "SET idle_in_transaction_session_timeout = '30s'",
)
# In one round trip; the role only where it exists and the login may work as it.
_PREPARE: Final = """
    SELECT set_config('TimeZone', 'UTC', false),
           (SELECT set_config('role', rolname, false) FROM pg_roles
            WHERE rolname = %(role)s
              AND pg_has_role(session_user, rolname, %(privilege)s))
"""


def connection_pool(
    url: str, *, largest: int = 8, smallest: int = 1
) -> AsyncConnectionPool[Connection]:
    """Make a pool, not yet open, whose connections work as the application's role."""
    return AsyncConnectionPool(
        libpq_url(url),
        min_size=smallest,
        max_size=largest,
        timeout=PATIENCE_SECONDS,
        configure=_prepare_bounded,
        kwargs={"autocommit": True},
        open=False,
        name="stepwell",
    )


async def _prepare_bounded(connection: Connection) -> None:
    for bound in _BOUNDS:
        await connection.execute(bound)
    await prepare_session(connection)


async def prepare_session(connection: Connection) -> None:
    """Make a new session read times in UTC and work as the application's role."""
    privilege = roles.membership(connection.info.server_version)
    await connection.execute(_PREPARE, {"role": roles.APP, "privilege": privilege})


async def may_become(connection: Connection, role: str) -> bool:
    """Tell whether the role exists and the login may work as it."""
    cursor = await connection.execute(
        "SELECT count(*) > 0 AND bool_and(pg_has_role(session_user, rolname, %s)) "
        "FROM pg_roles WHERE rolname = %s",
        [roles.membership(connection.info.server_version), role],
    )
    row = await cursor.fetchone()
    return row is not None and bool(row[0])
